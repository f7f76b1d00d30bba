// What a caller may write, and what it gets: everything follows from the contract of the server's `typeof app`.

import {
  type ConnectionSnapshot,
  connect,
  type FoundEntries,
  type HistoryPage,
  type LogEntry,
  type LogHandle,
  type PublishError,
  type TableHandle,
  type TableSnapshot,
  type UntypedApp,
  type UntypedHandle,
} from '@trunkline/client';
import type { Contracted, TrunklineError } from '@trunkline/protocol';
import { expectTypeOf } from 'vitest';

interface ChatInput {
  readonly text: string;
  readonly replyTo?: number;
}
interface ChatStored extends ChatInput {
  readonly author: string;
}
interface Quote {
  readonly bid: number;
  readonly ask?: number;
}
interface Person {
  readonly id: string;
  readonly name: string;
}

/** As a server's app: the contract, beside whatever else the value has. */
type App = Contracted<{
  readonly channels: {
    readonly chat: {
      readonly kind: 'log';
      readonly params: readonly ['room'];
      readonly input: ChatInput;
      readonly stored: ChatStored;
      readonly refusal: 'rude' | 'slow';
    };
    readonly audit: {
      readonly kind: 'log';
      readonly params: readonly ['team', 'day'];
      readonly input: { readonly what: string };
      readonly stored: { readonly what: string };
      readonly refusal: never;
    };
    readonly news: {
      readonly kind: 'log';
      readonly params: readonly [];
      readonly input: string;
      readonly stored: string;
      readonly refusal: never;
    };
    readonly quotes: {
      readonly kind: 'table';
      readonly params: readonly ['market'];
      readonly input: Quote;
      readonly row: Quote;
      readonly write: 'server';
    };
    readonly desk: {
      readonly kind: 'table';
      readonly params: readonly [];
      readonly input: { readonly note: string; readonly limit?: string };
      readonly row: { readonly note: string; readonly limit: number };
      readonly write: 'client';
    };
    readonly future: { readonly kind: 'room'; readonly params: readonly [] };
  };
  readonly publicUser: Person;
}> & { readonly close: () => Promise<void> };

const line = connect<App>('/line');

// ── handles ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const chat = line.channel.chat('lobby');
expectTypeOf(chat).toExtend<LogHandle<ChatInput, ChatStored, Person, 'rude' | 'slow'>>();
expectTypeOf(chat.read).returns.resolves.toEqualTypeOf<HistoryPage<LogEntry<ChatStored, Person>>>();
expectTypeOf(chat.search).returns.resolves.toEqualTypeOf<FoundEntries<LogEntry<ChatStored, Person>>>();
chat.read({ at: new Date() });
// @ts-expect-error one place, not two
chat.read({ before: 3, after: 1 });
// @ts-expect-error none
chat.read({ limit: 3 });
expectTypeOf(line.channel.audit('red', '2026-01-01').publish).parameters.toEqualTypeOf<[{ readonly what: string }]>();
expectTypeOf(line.channel.news().publish).parameters.toEqualTypeOf<[string]>();

// @ts-expect-error a parameter is missing
line.channel.chat();
// @ts-expect-error one too many
line.channel.chat('lobby', 'today');
// @ts-expect-error two are needed
line.channel.audit('red');
// @ts-expect-error none is taken
line.channel.news('today');
// @ts-expect-error parameters are text
line.channel.chat(7);
// @ts-expect-error no such channel
line.channel.chats('lobby');
// A kind that this version cannot show has no handle.
expectTypeOf(line.channel.future()).toBeNever();

// ── publishing ───────────────────────────────────────────────────────────────────────────────────────────────────────

expectTypeOf(chat.publish({ text: 'hi' })).resolves.toEqualTypeOf<{ readonly offset: number; readonly at: number }>();
chat.publish({ text: 'hi', replyTo: 3 });
// @ts-expect-error a field is missing
chat.publish({});
// @ts-expect-error a field has another type
chat.publish({ text: 1 });
// @ts-expect-error a field that the channel does not know
chat.publish({ text: 'hi', author: 'ada' });
// @ts-expect-error nothing is not an entry
chat.publish();

// ── snapshots ────────────────────────────────────────────────────────────────────────────────────────────────────────

const snapshot = chat.snapshot();
expectTypeOf(snapshot.entries).toEqualTypeOf<readonly LogEntry<ChatStored, Person>[]>();
expectTypeOf(snapshot.entries[0]?.user).toEqualTypeOf<Person | undefined>();
expectTypeOf(snapshot.entries[0]?.data.author).toEqualTypeOf<string | undefined>();
expectTypeOf(snapshot.state).toEqualTypeOf<'connecting' | 'catching up' | 'live' | 'offline' | 'refused'>();
expectTypeOf(snapshot.error).toEqualTypeOf<TrunklineError | undefined>();
for (const pending of snapshot.pending) {
  expectTypeOf(pending.data).toEqualTypeOf<ChatInput>();
  if (pending.state === 'failed') {
    expectTypeOf(pending.error).toEqualTypeOf<PublishError<'rude' | 'slow'>>();
    expectTypeOf(pending.error.refusal).toEqualTypeOf<'rude' | 'slow' | undefined>();
  } else expectTypeOf(pending.error).toBeUndefined();
}
// @ts-expect-error snapshots are not changed
snapshot.entries.push();
// @ts-expect-error nor are entries
if (snapshot.entries[0]) snapshot.entries[0].offset = 1;

chat.subscribe(() => {}, { last: 10, most: 100 });
// @ts-expect-error an unknown option
chat.subscribe(() => {}, { first: 10 });

// ── tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const quotes = line.channel.quotes('nyse');
expectTypeOf(quotes).toEqualTypeOf<TableHandle<Quote>>();
expectTypeOf(quotes.snapshot()).toEqualTypeOf<TableSnapshot<Quote>>();
expectTypeOf(quotes.snapshot().rows).toEqualTypeOf<ReadonlyMap<string, Quote>>();
expectTypeOf(quotes.row('ACME').snapshot()).toEqualTypeOf<Quote | undefined>();
expectTypeOf(quotes.view({ keys: ['ACME'], ratePerSecond: 2, paused: false }).snapshot()).toEqualTypeOf<
  TableSnapshot<Quote>
>();
expectTypeOf(quotes.staleMs()).toEqualTypeOf<number | undefined>();
// @ts-expect-error only the server writes it
quotes.set('ACME', { bid: 1 });
// @ts-expect-error only the server writes it
quotes.change([]);
// @ts-expect-error a table has no entries
quotes.publish({ bid: 1 });
// @ts-expect-error an unknown option
quotes.subscribe(() => {}, { last: 10 });
// @ts-expect-error rows are not changed
quotes.snapshot().rows.set('ACME', { bid: 1 });

const desk = line.channel.desk();
expectTypeOf(desk).toEqualTypeOf<
  TableHandle<
    { readonly note: string; readonly limit: number },
    { readonly note: string; readonly limit?: string },
    'client'
  >
>();
expectTypeOf(desk.set('1', { note: 'x' })).resolves.toEqualTypeOf<{ readonly offset: number }>();
expectTypeOf(desk.row('1').snapshot()?.limit).toEqualTypeOf<number | undefined>();
desk.patch('1', { limit: '7' }, { unset: ['note'], if: 3 });
desk.delete('1', { if: 3 });
desk.change([
  { key: '1', set: { note: 'x' }, if: 0 },
  { key: '2', patch: { note: 'y' }, unset: ['limit'] },
  { key: '3', delete: true },
]);
// @ts-expect-error a whole row is needed
desk.set('1', {});
// @ts-expect-error as clients write it, not as it is stored
desk.patch('1', { limit: 7 });
// @ts-expect-error no such field
desk.patch('1', { colour: 'red' });
// @ts-expect-error neither set, patch nor delete
desk.change([{ key: '1' }]);

// ── the connection ───────────────────────────────────────────────────────────────────────────────────────────────────

expectTypeOf(line.connection.snapshot()).toEqualTypeOf<ConnectionSnapshot<Person>>();
expectTypeOf(line.connection.snapshot().user?.name).toEqualTypeOf<string | undefined>();

connect<App>('/line', { token: 'x' });
connect<App>('/line', { token: () => 'x' });
connect<App>('/line', { token: async () => ({ token: 'x', expiresAt: 1 }) });
// @ts-expect-error not a token
connect<App>('/line', { token: 7 });
// @ts-expect-error not a token
connect<App>('/line', { token: async () => ({ jwt: 'x' }) });

// ── without an app ───────────────────────────────────────────────────────────────────────────────────────────────────

const nameless = connect('/line');
// @ts-expect-error the app has to be named
nameless.channel.chat('lobby');
// @ts-expect-error not an app: it carries no contract
connect<{ readonly port: number }>('/line');

const tool = connect<UntypedApp>('/line');
const anything = tool.channel.whatever?.('a', 'b');
expectTypeOf(anything?.snapshot().entries[0]?.data).toBeUnknown();
expectTypeOf(anything?.publish).parameter(0).toBeUnknown();
expectTypeOf(tool.channel.quotes?.('nyse')).toEqualTypeOf<UntypedHandle | undefined>();
expectTypeOf(anything?.asTable().row('ACME').snapshot()).toBeUnknown();
expectTypeOf(anything?.kind()).toEqualTypeOf<'log' | 'table' | undefined>();
expectTypeOf(anything?.asTable().set).parameter(1).toEqualTypeOf<object>();
