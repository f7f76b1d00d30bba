// What a durable broker still knows after it was closed and opened again; odd names and data.

import { FencedError } from '../errors.js';
import { check, rejection, same } from './assert.js';
import {
  ALL,
  AT,
  type BrokerWorld,
  type Case,
  Ear,
  entries,
  entry,
  named,
  need,
  offsetsOf,
  ROOM,
  range,
  readAll,
} from './world.js';

function reopening(world: BrokerWorld): () => ReturnType<NonNullable<BrokerWorld['reopen']>> {
  return need(world.reopen?.bind(world), 'reopen');
}

export const RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, a reader resumes at every offset of the same epoch',
    run: async (world) => {
      const { epoch } = await world.broker.append(ROOM, entries(20, 1, 'p'));
      const before = await readAll(world.broker, ROOM);
      const broker = await reopening(world)();
      for (const offset of range(0, 20)) {
        const page = await broker.read(ROOM, { epoch, offset }, ALL);
        same(page, { ...before, entries: before.entries.slice(offset) }, `after ${offset}`);
      }
      const { appended } = await broker.append(ROOM, [entry('next', 'p', 21)]);
      same(appended[0]?.offset, 21, 'next offset');
    },
  },
  {
    name: 'restarted after every append, the log is the same as without',
    run: async (world) => {
      const reopen = reopening(world);
      let broker = world.broker;
      let epoch: string | undefined;
      for (const n of range(1, 6)) {
        const answer = await broker.append(ROOM, entries(n, (n * (n - 1)) / 2 + 1, 'p'));
        epoch ??= answer.epoch;
        same(answer.epoch, epoch, 'epoch');
        broker = await reopen();
      }
      same(
        (await readAll(broker, ROOM)).entries.map((one) => [one.offset, one.source?.seq]),
        range(1, 21).map((n) => [n, n]),
        'offsets and seqs',
      );
    },
  },
  {
    name: 'after a restart, sources are remembered, those of trimmed entries too',
    run: async (world) => {
      const { epoch } = await world.broker.append(ROOM, entries(40, 1, 'p'), { retain: { entries: 5 } });
      await world.settle?.();
      const broker = await reopening(world)();
      for (const seq of [1, 34, 36, 40]) {
        same(await broker.lookup(ROOM, { producer: 'p', seq }), { epoch, offset: seq, at: AT }, `lookup of ${seq}`);
        const { appended } = await broker.append(ROOM, [entry('again', 'p', seq)]);
        same(appended, [{ offset: seq, at: AT, duplicate: true }], `seq ${seq} again`);
      }
      await broker.append(ROOM, entries(5));
      await world.settle?.();
      same((await broker.readBack(ROOM, undefined, ALL)).floor, 40, 'floor: retention is remembered');
    },
  },
  {
    name: 'after a restart, fences are remembered and the tokens of leases go on growing',
    run: async (world) => {
      const reopen = reopening(world);
      const before = await world.broker.lease('room/1', 1_000);
      const higher = await world.broker.lease('room/2', 1_000);
      check(before !== null && higher !== null, 'no lease');
      await world.broker.append(ROOM, [entry('owned')], { fence: higher.token });
      const broker = await reopen();
      const late = broker.append(ROOM, [entry('late')], { fence: before.token });
      await rejection(late, FencedError, 'the former owner');
      world.advanceMs?.(1_000);
      const after = await broker.lease('room/1', 1_000);
      check(after !== null && after.token > higher.token, 'the token is not higher than all before');
      await broker.append(ROOM, [entry('new owner')], { fence: after.token });
    },
  },
  {
    name: 'after a restart, a removed stream is still removed and begins anew',
    run: async (world) => {
      const { epoch } = await world.broker.append(ROOM, entries(900, 1, 'p'));
      await world.broker.remove(ROOM);
      const broker = await reopening(world)();
      same((await readAll(broker, ROOM)).epoch, null, 'epoch');
      const begun = await broker.append(ROOM, [entry('1', 'p', 1)]);
      check(begun.epoch !== epoch, 'the epoch is the same');
      same(begun.appended, [{ offset: 1, at: AT, duplicate: false }], 'appended');
    },
  },
  {
    name: 'what was accepted before close is there after a restart, and watches work',
    run: async (world) => {
      const appends = range(1, 50).map((n) => world.broker.append(ROOM, [entry(`${n}`, 'p', n)]));
      const broker = await reopening(world)();
      await Promise.all(appends);
      same(offsetsOf(await readAll(broker, ROOM)), range(1, 50), 'offsets');
      const ear = new Ear();
      const { state } = await broker.watch(ROOM, ear.onAdvance);
      same(state.offset, 50, 'state of the watch');
      const { epoch } = await broker.append(ROOM, entries(1));
      await ear.covers(epoch, 50, 51);
    },
  },
];

const ODD_WORDS = [
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  ' ',
  "Robert'); DROP TABLE entries;--",
  '%',
  '*',
  'naïve 🦊 ☃ \u2028 \u{10ffff}',
  '"quoted"',
  'line\nbreak\t',
  'a'.repeat(512),
];

export const ODD_CASES: readonly Case[] = [
  {
    name: 'names of streams and producers may be any text',
    run: async ({ broker }) => {
      const epochs = new Set<string>();
      for (const word of ODD_WORDS) {
        const { epoch } = await broker.append(named(word), [entry(word, 'p', 1)]);
        epochs.add(epoch);
      }
      same(epochs.size, ODD_WORDS.length, 'different streams');
      const producers = [...ODD_WORDS, 'nul\0', 'nul\0 and more', '\0', 'half \ud83e', 'half \udd8a', 'half \ufffd'];
      await broker.append(
        ROOM,
        producers.map((producer) => entry(producer, producer, 7)),
      );
      for (const [index, producer] of producers.entries()) {
        const found = await broker.lookup(ROOM, { producer, seq: 7 });
        same(found?.offset, index + 1, `producer ${JSON.stringify(producer)}`);
      }
      same(
        (await readAll(broker, ROOM)).entries.map(({ source }) => source?.producer),
        producers,
        'producers as read',
      );
      for (const word of ODD_WORDS) {
        const page = await readAll(broker, named(word));
        same(offsetsOf(page), [1], `stream ${JSON.stringify(word)}`);
        await broker.remove(named(word));
      }
      same((await readAll(broker, ROOM)).offset, producers.length, 'the stream that was not removed');
    },
  },
  {
    name: 'data, users and times come back as they were given',
    run: async ({ broker }) => {
      const texts = [
        ...ODD_WORDS.map((word) => JSON.stringify(word)),
        ...ODD_WORDS,
        '"\\ud83e"',
        '"\\u0000"',
        '{"__proto__":{"constructor":1},"":[]}',
        JSON.stringify('🦊'.repeat(16_384)),
        JSON.stringify('x'.repeat(65_534)),
        '1e400',
        'null',
      ];
      const times = [0, 1, AT, -1, Number.MAX_SAFE_INTEGER];
      const written = texts.map((data, index) => ({
        at: times[index % times.length] ?? 0,
        data,
        user: index % 3 === 0 ? null : data,
      }));
      await broker.append(ROOM, written);
      const page = await readAll(broker, ROOM);
      same(page.entries.length, written.length, 'number of entries');
      for (const [index, one] of written.entries()) {
        same(page.entries[index], { ...one, offset: index + 1 }, `entry ${index + 1}`);
      }
    },
  },
];
