// Entries and functions of a handle follow from what the channel allows.

import type { Contracted } from '@trunkline/protocol';
import { expectTypeOf } from 'vitest';
import { connect, type DeletedEntry, type LogEntry, type PresentEntry, type Published } from '../src/index.js';

interface Text {
  readonly text: string;
}
interface Log<Amend extends 'edit' | 'delete' | 'react'> {
  readonly kind: 'log';
  readonly params: readonly [];
  readonly input: Text;
  readonly stored: Text;
  readonly refusal: never;
  readonly amend: Amend;
}
type App = Contracted<{
  readonly channels: {
    readonly all: Log<'edit' | 'delete' | 'react'>;
    readonly editing: Log<'edit'>;
    readonly plain: Log<never>;
  };
  readonly publicUser: string;
}>;

const { all, editing, plain } = connect<App>('/line').channel;

expectTypeOf(all().edit(1, { text: 'x' })).resolves.toEqualTypeOf<Published>();
expectTypeOf(all().delete).parameters.toEqualTypeOf<[offset: number]>();
expectTypeOf(all().react).parameters.toEqualTypeOf<[offset: number, reaction: string]>();
expectTypeOf(all().unreact).parameters.toEqualTypeOf<[offset: number, reaction: string]>();
void editing().edit(1, { text: 'x' });
// @ts-expect-error another shape
void all().edit(1, { txt: 'x' });
// @ts-expect-error only edits are allowed
void editing().delete(1);
// @ts-expect-error only edits are allowed
void editing().react(1, 'x');
// @ts-expect-error nothing is allowed
void plain().edit(1, { text: 'x' });

const [entry] = all().snapshot().entries;
expectTypeOf(entry).toEqualTypeOf<PresentEntry<Text, string> | DeletedEntry<string> | undefined>();
if (entry?.deletedAt === undefined) expectTypeOf(entry?.data).toEqualTypeOf<Text | undefined>();
else expectTypeOf(entry.data).toEqualTypeOf<undefined>();
expectTypeOf(entry?.reactions).toEqualTypeOf<{ readonly [reaction: string]: readonly string[] } | undefined>();

// Where nothing is deleted, an entry has its data.
for (const { data, deletedAt } of editing().snapshot().entries) {
  expectTypeOf(data).toEqualTypeOf<Text>();
  expectTypeOf(deletedAt).toEqualTypeOf<undefined>();
}
expectTypeOf(plain().snapshot().entries).toEqualTypeOf<readonly LogEntry<Text, string>[]>();
