// What stands beside a log: its types run from the definition to server code, a client and a hook; what is not defined is an error.

import type { HandleOf, PresenceStore, SignalFrom, TableStore } from '@trunkline/client';
import type { ContractOf } from '@trunkline/protocol';
import { usePresence, useReaders, useSignal, useUnread } from '@trunkline/react';
import { describe, expectTypeOf, it } from 'vitest';
import * as z from 'zod';
import { type ServedTrunk, trunkline } from '../../src/index.js';

const t = trunkline({
  authenticate: ({ token }) => (token === undefined ? null : { id: token }),
  publicUser: ({ id }) => ({ id }),
});
const entry = z.object({ text: z.string() });
const plain = t.log(['room'], { entry });
const chat = t.log(['room'], {
  entry,
  presence: { graceMs: 1_000 },
  markers: true,
  signals: { typing: z.object({ on: z.boolean().default(true) }), wave: z.number() },
  authorize: ({ user, params, action }) => {
    expectTypeOf(user).toEqualTypeOf<{ id: string }>();
    return action !== 'signal' || params.room !== 'quiet';
  },
  onPublish: ({ entry: given, at }) => {
    expectTypeOf(given).toEqualTypeOf<{ text: string }>();
    at(chatty).signal('ping', { n: 1 });
    return { ...given, loud: true };
  },
});
const chatty = t.log([], {
  entry,
  signals: { ping: z.object({ n: z.number() }) },
  presence: true,
  markers: { days: 30 },
});
const app = t.app({ channels: { plain, chat, chatty } });
type Contract = ContractOf<typeof app>;
interface PublicUser {
  readonly id: string;
}
type Chat = HandleOf<Contract['channels']['chat'], PublicUser>;
declare const handle: Chat;
declare const quiet: HandleOf<Contract['channels']['plain'], PublicUser>;
declare const trunk: ServedTrunk<(typeof app)['channels']>;

describe('beside a log', () => {
  it('the contract says what there is', () => {
    expectTypeOf<Contract['channels']['plain']['presence']>().toEqualTypeOf<false>();
    expectTypeOf<Contract['channels']['chat']['presence']>().toEqualTypeOf<true>();
    expectTypeOf<Contract['channels']['plain']['markers']>().toEqualTypeOf<false>();
    expectTypeOf<Contract['channels']['chatty']['markers']>().toEqualTypeOf<true>();
    expectTypeOf<Contract['channels']['chat']['stored']>().toEqualTypeOf<{ loud: boolean; text: string }>();
    expectTypeOf<Contract['channels']['chat']['signals']['typing']['input']>().toEqualTypeOf<{
      on?: boolean | undefined;
    }>();
  });

  it('a client has it, typed', () => {
    expectTypeOf(handle.presence).toEqualTypeOf<PresenceStore<PublicUser>>();
    handle.signal('typing', {});
    handle.signal('wave', 1, { everyMs: 100 });
    // @ts-expect-error another shape
    handle.signal('wave', 'hello');
    // @ts-expect-error no such signal
    handle.signal('shout', 1);
    expectTypeOf(handle.signals('typing')).toEqualTypeOf<
      TableStore<readonly SignalFrom<PublicUser, { on: boolean }>[]>
    >();
    handle.mark(7);
    expectTypeOf(handle.readers.snapshot().readers[0]?.user).toEqualTypeOf<PublicUser | undefined>();
    expectTypeOf(handle.unread.snapshot().unread).toEqualTypeOf<number>();
    // @ts-expect-error a log without markers
    quiet.mark;
    // @ts-expect-error a log without presence
    quiet.presence;
    // @ts-expect-error a log without signals
    quiet.signal;
  });

  it('hooks infer from the handle', () => {
    const { people } = usePresence(handle);
    expectTypeOf(people[0]?.user).toEqualTypeOf<PublicUser | undefined>();
    const { signals, send } = useSignal(handle, 'typing', { filter: ({ on }) => on });
    expectTypeOf(signals[0]?.data).toEqualTypeOf<{ on: boolean } | undefined>();
    expectTypeOf(signals[0]?.user).toEqualTypeOf<PublicUser | undefined>();
    send({ on: false });
    // @ts-expect-error another shape
    send(1);
    // @ts-expect-error no such signal
    useSignal(handle, 'shout');
    expectTypeOf(useReaders(handle).seenBy(1)[0]?.user).toEqualTypeOf<PublicUser | undefined>();
    expectTypeOf(useUnread(handle).unread).toEqualTypeOf<number>();
    // @ts-expect-error a log without markers
    useUnread(quiet);
    // @ts-expect-error a log without presence
    usePresence(quiet);
  });

  it('server code has it, in the stored form', () => {
    const room = trunk.channel.chat('lobby');
    expectTypeOf(room.presence().count).toEqualTypeOf<number>();
    room.signal('typing', { on: true });
    // @ts-expect-error the schema's output has it
    room.signal('typing', {});
    expectTypeOf(room.mark('ada', 1)).toEqualTypeOf<Promise<void>>();
    // @ts-expect-error a log without markers
    trunk.channel.plain('lobby').mark('ada', 1);
    // @ts-expect-error a log without presence
    trunk.channel.plain('lobby').presence();
    // @ts-expect-error a log without signals
    trunk.channel.plain('lobby').signal('typing', { on: true });
  });

  it('a schema whose values are no JSON is an error', () => {
    // @ts-expect-error a Date is no JSON value
    t.log([], { entry, signals: { at: z.date() } });
    // @ts-expect-error not a schema
    t.log([], { entry, signals: { at: 7 } });
    // @ts-expect-error no grace of that name
    t.log([], { entry, presence: { grace: 7 } });
  });
});
