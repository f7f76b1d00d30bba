// What a log allows to be done to its entries, from the definition to the server's handle and the client's entries.

import type { ContractOf } from '@trunkline/protocol';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';

import { type AmendedEntry, type ServedTrunk, trunkline } from '../../src/index.js';

const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
const entry = z.object({ text: z.string() });

const all = t.log(['room'], {
  entry,
  amend: ['edit', 'delete', 'react'],
  authorize: ({ action, entry, amendment, user }) => {
    if (action !== 'amend') {
      expectTypeOf(entry).toEqualTypeOf<undefined>();
      return true;
    }
    expectTypeOf(entry).toEqualTypeOf<AmendedEntry>();
    expectTypeOf(amendment).toEqualTypeOf<'edit' | 'delete' | 'react'>();
    return amendment === 'react' || (entry.isOwn && user.id !== 'guest');
  },
  onPublish: ({ entry, edits }) => {
    expectTypeOf(edits?.offset).toEqualTypeOf<number | undefined>();
    return { ...entry, edited: edits !== undefined };
  },
});
const reacting = t.log([], { entry, amend: ['react'] });
const plain = t.log([], { entry });
// @ts-expect-error no such amendment
t.log([], { entry, amend: ['erase'] });

const app = t.app({ channels: { all, reacting, plain } });
type Channels = ContractOf<typeof app>['channels'];
declare const trunk: ServedTrunk<(typeof app)['channels']>;

describe('amend', () => {
  it('is part of the contract', () => {
    expectTypeOf<Channels['all']['amend']>().toEqualTypeOf<'edit' | 'delete' | 'react'>();
    expectTypeOf<Channels['reacting']['amend']>().toEqualTypeOf<'react'>();
    expectTypeOf<Channels['plain']['amend']>().toBeNever();
  });

  it('gives the server’s handle its functions, and no others', () => {
    const lobby = trunk.channel.all('lobby');
    expectTypeOf(lobby.edit).parameters.toEqualTypeOf<[offset: number, data: { text: string; edited: boolean }]>();
    expectTypeOf(lobby.delete(1)).resolves.toEqualTypeOf<{ readonly offset: number; readonly at: number }>();
    void lobby.react(1, '👍');
    // @ts-expect-error not the stored form
    void lobby.edit(1, { text: 'x' });
    void trunk.channel.reacting().unreact(1, '👍');
    // @ts-expect-error reactions are all that is allowed
    void trunk.channel.reacting().delete(1);
    // @ts-expect-error nothing is allowed
    void trunk.channel.plain().react(1, '👍');
  });
});
