// Notifications, leases.

import type { Advance, Broker } from '../broker.js';
import { check, rejection, same } from './assert.js';
import { ALL, type BrokerWorld, type Case, Ear, entries, entry, named, need, ROOM, range, START } from './world.js';

/** Watches in the middle of 200 appends made by `writer` and checks that nothing after the state is missed. */
async function watchAmid(writer: Broker, watcher: Broker): Promise<void> {
  const ear = new Ear();
  const appends: Promise<unknown>[] = [];
  for (const n of range(1, 100)) appends.push(writer.append(ROOM, [entry(`${n}`, 'p', n)]));
  const watching = watcher.watch(ROOM, ear.onAdvance);
  for (const n of range(101, 200)) appends.push(writer.append(ROOM, [entry(`${n}`, 'p', n)]));
  const { state, close } = await watching;
  await Promise.all(appends);
  const { epoch } = await writer.append(ROOM, [entry('last', 'p', 201)]);
  await ear.covers(epoch, state.offset, 201);
  close();
  const page = await watcher.read(ROOM, state.epoch === null ? START : { epoch, offset: state.offset }, ALL);
  for (const advance of ear.heard) checkAdvance(advance, epoch);
  for (const one of ear.carried(epoch)) {
    if (one.offset > state.offset) same(one, page.entries[one.offset - state.offset - 1], `carried ${one.offset}`);
  }
}

function checkAdvance({ stream, epoch, from, to, entries: carried }: Advance, expectedEpoch: string): void {
  same([stream, epoch], [ROOM, expectedEpoch], 'stream and epoch of an advance');
  check(from < to, `an advance from ${from} to ${to}`);
  if (carried !== undefined) {
    same(
      carried.map(({ offset }) => offset),
      range(from + 1, to),
      'entries of an advance',
    );
  }
}

export const WATCH_CASES: readonly Case[] = [
  {
    name: 'a watch hears of everything after its state, while appends go on',
    run: async ({ broker }) => watchAmid(broker, broker),
  },
  {
    name: "a watch hears of another node's appends",
    run: async (world) => {
      const other = await need(world.other?.bind(world), 'open another node')();
      await watchAmid(other, world.broker);
    },
  },
  {
    name: 'the state of a watch includes every append that was called before it',
    run: async ({ broker }) => {
      void broker.append(ROOM, entries(3));
      const { state, close } = await broker.watch(ROOM, () => {});
      same([state.offset, state.floor], [3, 0], 'state');
      close();
      const never = await broker.watch(named('never/written'), () => {});
      same(never.state, { ...START, floor: 0 }, 'state of a stream that was never written');
      never.close();
    },
  },
  {
    name: 'nothing is announced before it can be read, nor before watch resolves',
    run: async ({ broker }) => {
      let resolved = false;
      const tooEarly: Advance[] = [];
      const reads: Promise<void>[] = [];
      const ear = new Ear();
      const watching = broker.watch(ROOM, (advance) => {
        if (!resolved) tooEarly.push(advance);
        reads.push(
          broker.readBack(ROOM, undefined, { entries: 1 }).then((page) => {
            check(page.offset >= advance.to, `announced ${advance.to}, but ${page.offset} is the head`);
          }),
        );
        ear.onAdvance(advance);
      });
      const appends = range(1, 50).map(() => broker.append(ROOM, entries(2)));
      const { state, close } = await watching;
      resolved = true;
      const { epoch } = await (appends[0] ?? broker.append(ROOM, []));
      await ear.covers(epoch, state.offset, 100);
      await Promise.all([...appends, ...reads]);
      close();
      same(tooEarly, [], 'announced before watch had resolved');
    },
  },
  {
    name: 'every watcher of the stream hears, and those of other streams do not',
    run: async ({ broker }) => {
      const [first, second, other] = [new Ear(), new Ear(), new Ear()];
      await broker.watch(ROOM, first.onAdvance);
      await broker.watch(ROOM, second.onAdvance);
      await broker.watch(named('chat/other'), other.onAdvance);
      const { epoch } = await broker.append(ROOM, entries(3));
      await Promise.all([first.covers(epoch, 0, 3), second.covers(epoch, 0, 3)]);
      same(other.heard, [], 'heard in the other stream');
    },
  },
  {
    name: 'a repeat is not a change',
    run: async ({ broker }) => {
      const ear = new Ear();
      await broker.append(ROOM, [entry('1', 'p', 1)]);
      await broker.watch(ROOM, ear.onAdvance);
      await broker.append(ROOM, [entry('1', 'p', 1)]);
      const { epoch } = await broker.append(ROOM, [entry('1', 'p', 1), entry('2', 'p', 2)]);
      await ear.covers(epoch, 1, 2);
      check(
        ear.heard.every(({ to }) => to === 2),
        'an advance for what was there before',
      );
    },
  },
  {
    name: 'a closed watch hears nothing more, and closing it twice is harmless',
    run: async ({ broker }) => {
      const [closed, open] = [new Ear(), new Ear()];
      const watch = await broker.watch(ROOM, closed.onAdvance);
      await broker.watch(ROOM, open.onAdvance);
      const appended = broker.append(ROOM, entries(1));
      watch.close();
      const heard = closed.heard.length;
      watch.close();
      const { epoch } = await appended;
      await broker.append(ROOM, entries(1));
      await open.covers(epoch, 0, 2);
      same(closed.heard.length, heard, 'notifications after close');
    },
  },
  {
    name: 'a watch that began while another stood still misses nothing when the first one closes',
    run: async ({ broker }) => {
      const ear = new Ear();
      const first = await broker.watch(ROOM, () => {});
      await broker.watch(ROOM, ear.onAdvance);
      first.close();
      const { epoch } = await broker.append(ROOM, entries(2));
      await ear.covers(epoch, 0, 2);
    },
  },
  {
    name: 'a watch outlives the removal of its stream and hears of the new epoch',
    run: async ({ broker }) => {
      const ear = new Ear();
      await broker.append(ROOM, entries(5));
      await broker.watch(ROOM, ear.onAdvance);
      await broker.remove(ROOM);
      const { epoch } = await broker.append(ROOM, entries(1));
      await ear.covers(epoch, 0, 1);
    },
  },
];

export const LEASE_CASES: readonly Case[] = [
  {
    name: 'a name has one owner: a second one gets null until the first gives it back',
    run: async ({ broker }) => {
      const taken = await Promise.all(range(1, 10).map(() => broker.lease('room/1', 60_000)));
      const [owner, ...more] = taken.filter((lease) => lease !== null);
      check(owner !== undefined && more.length === 0, `${more.length + 1} owners`);
      same(await broker.lease('room/1', 60_000), null, 'a later attempt');
      check((await broker.lease('room/2', 60_000)) !== null, 'another name was refused');
      same(await owner.renew(), true, 'renewal');
      await owner.release();
      await owner.release();
      const next = await broker.lease('room/1', 60_000);
      check(next !== null && next.token > owner.token, 'the next owner has no higher token');
      same(await owner.renew(), false, 'renewal by the former owner');
      await owner.release();
      same(await broker.lease('room/1', 60_000), null, 'after a release by the former owner');
    },
  },
  {
    name: 'a lease ends after its time unless it is renewed, and each owner has a higher token',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      let last = 0;
      for (const name of ['room/1', '__proto__', 'constructor', '']) {
        const owner = await broker.lease(name, 1_000);
        check(owner !== null && owner.token > last, `the token of ${name} has not grown`);
        advanceMs(999);
        same(await owner.renew(), true, 'renewal in time');
        advanceMs(999);
        same(await broker.lease(name, 1_000), null, 'an attempt in time');
        advanceMs(1);
        const next = await broker.lease(name, 1_000);
        check(next !== null && next.token > owner.token, 'the next token has not grown');
        same(await owner.renew(), false, 'renewal after the end');
        advanceMs(1_000);
        same(await next.renew(), false, 'renewal after the end, nobody else there');
        last = next.token;
      }
    },
  },
];

export const CLOSE_CASES: readonly Case[] = [
  {
    name: 'close waits for what was accepted; then every call is refused as unavailable, and closing again is harmless',
    run: async ({ broker }: BrokerWorld) => {
      const lease = await broker.lease('room/1', 60_000);
      const watch = await broker.watch(ROOM, () => {});
      const appends = range(1, 20).map((n) => broker.append(ROOM, [entry(`${n}`)]));
      const closed = Promise.all([broker.close(), broker.close()]);
      const answers = await Promise.all(appends);
      same(answers.at(-1)?.appended[0]?.offset, 20, 'the last append before close');
      await closed;
      await broker.close();
      watch.close();
      const calls: [string, Promise<unknown> | undefined][] = [
        ['append', broker.append(ROOM, entries(1))],
        ['lookup', broker.lookup(ROOM, { producer: 'p', seq: 1 })],
        ['read', broker.read(ROOM, START, ALL)],
        ['readBack', broker.readBack(ROOM, undefined, ALL)],
        ['watch', broker.watch(ROOM, () => {})],
        ['remove', broker.remove(ROOM)],
        ['begin', broker.begin({ producer: 'p', seq: 1 }, 1_000)],
        ['recall', broker.recall({ producer: 'p', seq: 1 })],
        ['finish', broker.finish({ producer: 'p', seq: 1 }, '1')],
        ['lease', broker.lease('room/2', 1_000)],
        ['renew', lease?.renew()],
      ];
      for (const [name, call] of calls) {
        const error = await rejection(call ?? Promise.resolve(), Error, name);
        same((error as { code?: unknown }).code, 'unavailable', `${name} after close`);
      }
    },
  },
];
