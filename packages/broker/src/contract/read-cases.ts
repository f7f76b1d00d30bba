// Reading: positions, pages, limits, retention.

import { utf8Bytes } from '@trunkline/protocol';
import { UnrecoverablePositionError } from '../errors.js';
import { check, rejection, same } from './assert.js';
import {
  ALL,
  AT,
  type BrokerWorld,
  type Case,
  entries,
  entry,
  named,
  need,
  offsetsOf,
  ROOM,
  range,
  readAll,
  START,
} from './world.js';

/** 5 entries of 10, 20, 30, 40 and 50 bytes: half of each in characters of 2 bytes, and 2 bytes of it in `user`. */
async function fiveSizes({ broker }: BrokerWorld): Promise<string> {
  const sized = range(1, 5).map((n) => ({
    at: AT,
    data: `"${'é'.repeat(n * 2)}${'x'.repeat(n * 6 - 4)}"`,
    user: '""',
  }));
  for (const [index, { data }] of sized.entries()) same(utf8Bytes(data) + 2, (index + 1) * 10, 'bytes');
  return (await broker.append(ROOM, sized)).epoch;
}

export const READ_CASES: readonly Case[] = [
  {
    name: 'a read from every offset gives exactly what follows it',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(30, 1, 'p'));
      for (const offset of range(0, 30)) {
        const page = await broker.read(ROOM, { epoch, offset }, ALL);
        same([offsetsOf(page), page.epoch, page.offset], [range(offset + 1, 30), epoch, 30], `after ${offset}`);
      }
    },
  },
  {
    name: 'a page holds at most `entries` entries: one below, at and above what there is',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(10));
      for (const limit of [1, 9, 10, 11]) {
        const page = await broker.read(ROOM, START, { entries: limit });
        same([offsetsOf(page), page.offset], [range(1, Math.min(limit, 10)), 10], `${limit} from the beginning`);
        const back = await broker.readBack(ROOM, undefined, { entries: limit });
        same(offsetsOf(back), range(Math.max(1, 11 - limit), 10), `${limit} from the end`);
      }
      const middle = await broker.read(ROOM, { epoch, offset: 4 }, { entries: 3 });
      same(offsetsOf(middle), [5, 6, 7], 'from the middle');
    },
  },
  {
    name: 'a page holds at most `bytes` of UTF-8, one below, at and above, and at least one entry',
    run: async (world) => {
      const { broker } = world;
      const epoch = await fiveSizes(world);
      const forward: [number, number[]][] = [
        [0, [1]],
        [9, [1]],
        [29, [1]],
        [30, [1, 2]],
        [31, [1, 2]],
        [59, [1, 2]],
        [60, [1, 2, 3]],
        [150, [1, 2, 3, 4, 5]],
      ];
      for (const [bytes, expected] of forward) {
        same(offsetsOf(await broker.read(ROOM, START, { entries: 9, bytes })), expected, `${bytes} bytes forward`);
      }
      const backward: [number, number[]][] = [
        [0, [5]],
        [89, [5]],
        [90, [4, 5]],
        [91, [4, 5]],
        [120, [3, 4, 5]],
      ];
      for (const [bytes, expected] of backward) {
        const page = await broker.readBack(ROOM, undefined, { entries: 9, bytes });
        same(offsetsOf(page), expected, `${bytes} bytes backward`);
      }
      const both = await broker.read(ROOM, { epoch, offset: 1 }, { entries: 2, bytes: 1_000 });
      same(offsetsOf(both), [2, 3], 'the lower of both bounds');
    },
  },
  {
    name: 'the pages backwards from the newest entry join to the whole log',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(25));
      const seen: number[] = [];
      let before: number | undefined;
      for (;;) {
        const page = await broker.readBack(ROOM, before, { entries: 7 });
        if (page.entries.length === 0) break;
        seen.unshift(...offsetsOf(page));
        before = seen[0];
      }
      same(seen, range(1, 25), 'all pages');
      for (const beyond of [26, 27, 1_000]) {
        same(offsetsOf(await broker.readBack(ROOM, beyond, { entries: 2 })), [24, 25], `before ${beyond}`);
      }
      same(offsetsOf(await broker.readBack(ROOM, 25, { entries: 2 })), [23, 24], 'before 25');
      for (const none of [0, 1]) same(offsetsOf(await broker.readBack(ROOM, none, ALL)), [], `before ${none}`);
    },
  },
  {
    name: 'reads and lookups see every append that was called before them, awaited or not',
    run: async ({ broker }) => {
      for (const n of range(1, 40)) {
        const appended = broker.append(ROOM, [entry(`${n}`, 'p', n)]);
        const [page, back, found] = await Promise.all([
          broker.read(ROOM, START, ALL),
          broker.readBack(ROOM, undefined, { entries: 1 }),
          broker.lookup(ROOM, { producer: 'p', seq: n }),
        ]);
        same([page.offset, offsetsOf(page).at(-1), offsetsOf(back), found?.offset], [n, n, [n], n], `append ${n}`);
        await appended;
      }
    },
  },
  {
    name: 'at the head, and in a stream that was never written, a page is empty',
    run: async ({ broker }) => {
      same(await broker.read(ROOM, START, ALL), { ...START, floor: 0, entries: [] }, 'never written');
      same(await broker.readBack(ROOM, undefined, ALL), { ...START, floor: 0, entries: [] }, 'never written, back');
      const { epoch } = await broker.append(ROOM, entries(3));
      const page = await broker.read(ROOM, { epoch, offset: 3 }, ALL);
      same(page, { epoch, offset: 3, floor: 0, entries: [] }, 'at the head');
    },
  },
  {
    name: 'a position of another epoch, or beyond the head, is refused with `epoch`',
    run: async ({ broker }) => {
      await rejectsWith('epoch', broker.read(ROOM, { epoch: 'other', offset: 0 }, ALL), 'a stream never written');
      const { epoch } = await broker.append(ROOM, entries(3));
      const wanted = { epoch: 'other', offset: 2 };
      const error = await rejectsWith('epoch', broker.read(ROOM, wanted, ALL), 'another epoch');
      same([error.stream, error.wanted, error.oldest], [ROOM, wanted, { epoch, offset: 0 }], 'the error');
      await rejectsWith('epoch', broker.read(ROOM, { epoch: 'other', offset: 0 }, ALL), 'another epoch at 0');
      await rejectsWith('epoch', broker.read(ROOM, { epoch, offset: 4 }, ALL), 'one beyond the head');
      await rejectsWith('epoch', broker.read(ROOM, { epoch: null, offset: 1 }, ALL), 'no epoch, but an offset');
    },
  },
];

async function rejectsWith(
  reason: 'trimmed' | 'epoch',
  read: Promise<unknown>,
  what: string,
): Promise<UnrecoverablePositionError> {
  const error = await rejection(read, UnrecoverablePositionError, what);
  same([error.reason, error.retryable], [reason, false], what);
  return error;
}

export const RETENTION_CASES: readonly Case[] = [
  {
    name: 'what exceeds `entries` is trimmed from the oldest end, and a position before it is refused with `trimmed`',
    run: async (world) => {
      const { broker } = world;
      const { epoch } = await broker.append(ROOM, entries(10), { retain: { entries: 4 } });
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), [7, 8, 9, 10], 'kept');
      const error = await rejectsWith('trimmed', broker.read(ROOM, { epoch, offset: 5 }, ALL), 'one too old');
      same([error.wanted.offset, error.oldest], [5, { epoch, offset: 6 }], 'the error');
      await rejectsWith('trimmed', broker.read(ROOM, START, ALL), 'the beginning, without an epoch');
      same(offsetsOf(await broker.read(ROOM, { epoch, offset: 6 }, ALL)), [7, 8, 9, 10], 'at the floor');
      same(offsetsOf(await broker.readBack(ROOM, 7, ALL)), [], 'back from the floor');
      same(offsetsOf(await broker.readBack(ROOM, 9, ALL)), [7, 8], 'back to the floor');
    },
  },
  {
    name: 'retention stays in force until another append replaces it',
    run: async (world) => {
      const { broker } = world;
      await broker.append(ROOM, entries(5), { retain: { entries: 5 } });
      await broker.append(ROOM, entries(5));
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), range(6, 10), 'still 5');
      await broker.append(ROOM, entries(10), { retain: {} });
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), range(6, 20), 'all from now on');
      await broker.append(ROOM, entries(1), { retain: { entries: 2 } });
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), [20, 21], 'down to 2');
    },
  },
  {
    name: 'what is older than `ageMs` is trimmed; epoch and offsets go on when nothing is left',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      // `at` is the server's time, and the world's clock starts at AT.
      const { epoch } = await broker.append(ROOM, entries(3), { retain: { ageMs: 10_000 } });
      advanceMs(6_000);
      await broker.append(ROOM, [{ ...entry('later'), at: AT + 6_000 }]);
      advanceMs(4_000);
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), [1, 2, 3, 4], 'at 10 seconds');
      advanceMs(1);
      await world.settle?.();
      same(offsetsOf(await broker.readBack(ROOM, undefined, ALL)), [4], 'a millisecond later');
      advanceMs(6_000);
      await world.settle?.();
      const empty = await broker.readBack(ROOM, undefined, ALL);
      same(empty, { epoch, offset: 4, floor: 4, entries: [] }, 'all gone');
      const { appended } = await broker.append(ROOM, [{ ...entry('new'), at: AT + 16_001 }]);
      same(appended[0]?.offset, 5, 'next offset');
    },
  },
  {
    name: 'no page has a hole while entries are trimmed behind the reader',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(20), { retain: { entries: 20 } });
      let refused = 0;
      const reads: Promise<void>[] = [];
      const appends: Promise<unknown>[] = [];
      for (const round of range(1, 60)) {
        appends.push(broker.append(ROOM, entries(7)));
        // The head is at 20 + 7 × round, the floor on its way to 20 below: some of these are too old, some are not.
        const offset = Math.max(0, round * 7 - 10 + (round % 3) * 12);
        if (round % 4 === 0) await appends.at(-1);
        reads.push(
          broker.read(ROOM, { epoch, offset }, { entries: 10 }).then(
            (page) => {
              const expected = range(offset + 1, offset + page.entries.length);
              same(offsetsOf(page), expected, `after ${offset}`);
              check(
                page.entries.length > 0 || page.offset === offset,
                `an empty page before the head, after ${offset}`,
              );
            },
            (error: unknown) => {
              if (!(error instanceof UnrecoverablePositionError)) throw error;
              refused += 1;
            },
          ),
        );
      }
      await Promise.all([...reads, ...appends]);
      check(refused < 60, 'every read was refused');
    },
  },
];

export const REMOVE_CASES: readonly Case[] = [
  {
    name: 'a removed stream is as if it had never been: another epoch, no history, no producers, no fence',
    run: async ({ broker }) => {
      const other = named('chat/other');
      await broker.append(other, entries(2, 1, 'p'));
      const { epoch } = await broker.append(ROOM, entries(700, 1, 'p'), { fence: 8, retain: { entries: 1_000 } });
      await broker.remove(ROOM);
      await broker.remove(named('never/was'));
      same(await readAll(broker, ROOM), { ...START, floor: 0, entries: [] }, 'page');
      same(await broker.lookup(ROOM, { producer: 'p', seq: 1 }), null, 'lookup');
      const begun = await broker.append(ROOM, [entry('new life', 'p', 1)], { fence: 1 });
      check(begun.epoch !== epoch, 'the epoch is the same');
      same(begun.appended, [{ offset: 1, at: AT, duplicate: false }], 'appended');
      await rejectsWith('epoch', broker.read(ROOM, { epoch, offset: 1 }, ALL), 'a position of the old history');
      same((await readAll(broker, other)).offset, 2, 'the other stream');
    },
  },
  {
    name: 'remove and appends take effect in the order of the calls',
    run: async ({ broker }) => {
      const [first, , second] = await Promise.all([
        broker.append(ROOM, entries(3, 1, 'p')),
        broker.remove(ROOM),
        broker.append(ROOM, entries(2, 1, 'p')),
      ]);
      check(first.epoch !== second.epoch, 'the epoch is the same');
      same(
        second.appended.map(({ offset }) => offset),
        [1, 2],
        'offsets',
      );
      same((await readAll(broker, ROOM)).epoch, second.epoch, 'epoch that is read');
    },
  },
];
