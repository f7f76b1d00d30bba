// Idempotency, producer order, fencing.

import { BrokerUnavailableError, FencedError, OutOfOrderError } from '../errors.js';
import { rejection, same } from './assert.js';
import { AT, type Case, DAY_MS, entries, entry, named, need, offsetsOf, ROOM, range, readAll } from './world.js';

export const PRODUCER_CASES: readonly Case[] = [
  {
    name: 'the same source again is answered with the first offset and time, and stored once',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, [entry('first', 'p', 1)]);
      const again = { ...entry('something else', 'p', 1), at: AT + 5_000 };
      const answer = await broker.append(ROOM, [again]);
      same(answer, { epoch, appended: [{ offset: 1, at: AT, duplicate: true }] }, 'the repeat');
      same(await broker.lookup(ROOM, { producer: 'p', seq: 1 }), { epoch, offset: 1, at: AT }, 'lookup');
      const page = await readAll(broker, ROOM);
      same([offsetsOf(page), page.entries[0]?.data], [[1], '"first"'], 'stored');
    },
  },
  {
    name: 'every earlier seq of a producer is answered, in any order and with numbers left out',
    run: async ({ broker }) => {
      const seqs = range(1, 400).filter((n) => n % 7 !== 0);
      for (let from = 0; from < seqs.length; from += 37) {
        await broker.append(
          ROOM,
          seqs.slice(from, from + 37).map((seq) => ({ ...entry(`${seq}`, 'p', seq), at: AT + seq })),
        );
      }
      const shuffled = seqs.map((_, index) => ({ index: (index * 101) % seqs.length }));
      const answers = await Promise.all(
        shuffled.map(({ index }) => broker.append(ROOM, [entry('again', 'p', seqs[index] ?? 0)])),
      );
      same(
        answers.map(({ appended }) => appended[0]),
        shuffled.map(({ index }) => ({ offset: index + 1, at: AT + (seqs[index] ?? 0), duplicate: true })),
        'answers',
      );
      same((await readAll(broker, ROOM)).offset, seqs.length, 'head');
    },
  },
  {
    name: 'an append that comes after one that is not stored is refused, and changes nothing',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('a', 'p', 1)]);
      const early = broker.append(ROOM, [entry('c', 'p', 3)], { after: 2 });
      await rejection(early, BrokerUnavailableError, 'too early');
      await broker.append(ROOM, [entry('b', 'p', 2)]);
      const { appended } = await broker.append(ROOM, [entry('c', 'p', 3)], { after: 2 });
      same(appended[0]?.offset, 3, 'in its turn');
      const again = await broker.append(ROOM, [entry('b', 'p', 2)], { after: 9 });
      same(again.appended[0], { offset: 2, at: AT, duplicate: true }, 'a repeat');
      // Those under way at the same time: the second one sees the first.
      const pair = [4, 5].map((seq) => broker.append(ROOM, [entry('d', 'p', seq)], { after: seq - 1 }));
      same(
        (await Promise.all(pair)).map((result) => result.appended[0]?.offset),
        [4, 5],
        'side by side',
      );
    },
  },
  {
    name: 'repeats and new entries may share an append',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(3, 1, 'p'));
      const mixed = [entry('c', 'p', 3), entry('new', 'p', 4), entry('a', 'p', 1), entry('q', 'q', 1), entry('s')];
      const { appended } = await broker.append(ROOM, mixed);
      same(
        appended.map(({ offset, duplicate }) => [offset, duplicate]),
        [
          [3, true],
          [4, false],
          [1, true],
          [5, false],
          [6, false],
        ],
        'answers',
      );
    },
  },
  {
    name: 'a source is remembered when its entry was trimmed',
    run: async (world) => {
      const { broker } = world;
      const { epoch } = await broker.append(ROOM, entries(50, 1, 'p'), { retain: { entries: 1 } });
      await world.settle?.();
      same((await readAll(broker, ROOM).catch(() => null)) === null, true, 'the beginning was trimmed');
      for (const seq of [1, 25, 49, 50]) {
        const { appended } = await broker.append(ROOM, [entry('again', 'p', seq)]);
        same(appended, [{ offset: seq, at: AT, duplicate: true }], `seq ${seq} again`);
        same(await broker.lookup(ROOM, { producer: 'p', seq }), { epoch, offset: seq, at: AT }, `lookup of ${seq}`);
      }
    },
  },
  {
    name: 'the same source appended many times at once is stored once',
    run: async ({ broker }) => {
      const answers = await Promise.all(range(1, 30).map(() => broker.append(ROOM, [entry('once', 'p', 1)])));
      same(
        answers.map(({ appended }) => appended[0]),
        range(1, 30).map((n) => ({ offset: 1, at: AT, duplicate: n > 1 })),
        'answers',
      );
    },
  },
  {
    name: 'a seq that was left out is out of order once a higher one is stored',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('2', 'p', 2), entry('5', 'p', 5)]);
      for (const seq of [1, 3, 4]) {
        const error = await rejection(broker.append(ROOM, [entry('late', 'p', seq)]), OutOfOrderError, `seq ${seq}`);
        same([error.stream, error.producer, error.seq, error.last], [ROOM, 'p', seq, 5], 'the error');
      }
      same((await readAll(broker, ROOM)).offset, 2, 'head');
      await broker.append(ROOM, [entry('6', 'p', 6)]);
    },
  },
  {
    name: 'producers are independent of each other and of other streams',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('9', 'p', 9), entry('1', 'q', 1)]);
      const { appended } = await broker.append(named('chat/other'), [entry('1', 'p', 1)]);
      same(appended, [{ offset: 1, at: AT, duplicate: false }], 'in another stream');
      same(await broker.lookup(ROOM, { producer: 'q', seq: 9 }), null, "another producer's seq");
    },
  },
  {
    name: 'lookup answers null for what was never stored',
    run: async ({ broker }) => {
      same(await broker.lookup(ROOM, { producer: 'p', seq: 1 }), null, 'no stream');
      await broker.append(ROOM, [entry('2', 'p', 2)]);
      for (const seq of [1, 3]) same(await broker.lookup(ROOM, { producer: 'p', seq }), null, `seq ${seq}`);
      same(await broker.lookup(ROOM, { producer: 'q', seq: 2 }), null, 'no such producer');
    },
  },
  {
    name: 'a producer is remembered for 7 days after its last append, a repeat included',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      await broker.append(ROOM, [entry('1', 'p', 1)]);
      for (let n = 0; n < 3; n++) {
        advanceMs(7 * DAY_MS - 1);
        await world.settle?.();
        const { appended } = await broker.append(ROOM, [entry('1', 'p', 1)]);
        same(appended, [{ offset: 1, at: AT, duplicate: true }], `almost 7 days after use ${n}`);
      }
    },
  },
];

export const FENCE_CASES: readonly Case[] = [
  {
    name: 'an append with a lower fence than the stream has seen is refused and stores nothing',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('by 5', 'p', 1)], { fence: 5 });
      const error = await rejection(broker.append(ROOM, [entry('by 4')], { fence: 4 }), FencedError, 'fence 4');
      same([error.stream, error.token, error.highest, error.retryable], [ROOM, 4, 5, false], 'the error');
      // Even a repeat: who was fenced off must learn it.
      await rejection(broker.append(ROOM, [entry('by 5', 'p', 1)], { fence: 4 }), FencedError, 'a repeat');
      same(offsetsOf(await readAll(broker, ROOM)), [1], 'offsets');
    },
  },
  {
    name: 'equal and higher fences are accepted, and so is an append without one',
    run: async ({ broker }) => {
      for (const fence of [5, 5, 6]) await broker.append(ROOM, [entry(`by ${fence}`)], { fence });
      await broker.append(ROOM, [entry('by nobody')]);
      await rejection(broker.append(ROOM, [entry('by 5')], { fence: 5 }), FencedError, 'the former owner');
      await broker.append(named('chat/other'), [entry('by 1')], { fence: 1 });
      same(offsetsOf(await readAll(broker, ROOM)), [1, 2, 3, 4], 'offsets');
    },
  },
  {
    name: 'an append of no entries raises the fence before the new owner writes',
    run: async ({ broker }) => {
      const former = await broker.lease('room/1', 60_000);
      await former?.release();
      const owner = await broker.lease('room/1', 60_000);
      await broker.append(ROOM, [], { fence: owner?.token ?? 0 });
      const late = broker.append(ROOM, [entry('late')], { fence: former?.token ?? 0 });
      await rejection(late, FencedError, 'the former owner');
    },
  },
];
