// Where the entries of a time begin, and retention by bytes.

import type { Broker } from '../broker.js';
import { rejection, same } from './assert.js';
import { ALL, AT, type BrokerWorld, type Case, entry, offsetsOf, ROOM, range, readAll } from './world.js';

/** As 1, 2, 3 … seconds after `AT`. */
const timed = (count: number, first = 1) =>
  Array.from({ length: count }, (_, index) => ({ ...entry(`e${first + index}`), at: AT + (first + index) * 1_000 }));

const amendment = (offset: number, data: string, expects = 0) => ({
  ...{ offset, expects, data, state: '{"editedAt":1}' },
  ...{ at: AT + 99_000, user: null },
});

export const SEEK_CASES: readonly Case[] = [
  {
    name: 'a time leads to the offset before the first entry of that time or later',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, timed(40));
      for (let second = 0; second <= 41; second += 1) {
        const from = Math.max(0, second - 1);
        same((await broker.seek(ROOM, AT + second * 1_000)).from, Math.min(40, from), `from of second ${second}`);
        same(
          (await broker.seek(ROOM, AT + second * 1_000 + 1)).from,
          Math.min(40, second),
          `from of just after ${second}`,
        );
      }
      same(await broker.seek(ROOM, AT), { epoch, offset: 40, floor: 0, from: 0 }, 'state');
    },
  },
  {
    name: 'entries of the same millisecond are all after it, and what was trimmed is not looked for',
    run: async (world) => {
      const { broker } = world;
      await broker.append(ROOM, [...timed(3), ...timed(1, 3), ...timed(1, 3), ...timed(2, 4)]);
      same((await broker.seek(ROOM, AT + 3_000)).from, 2, 'from');
      await broker.append(ROOM, timed(1, 6), { retain: { entries: 4 } });
      await world.settle?.();
      same((await broker.seek(ROOM, AT)).from, 4, 'from of what is kept');
      same((await broker.seek(ROOM, AT + 9_000)).from, 8, 'from of the future');
    },
  },
  {
    name: 'records of amendments are in the way of no time',
    run: async ({ broker }) => {
      await broker.append(ROOM, timed(3));
      await broker.amend(ROOM, { ...amendment(1, '"new"'), at: AT + 4_000 });
      await broker.append(ROOM, timed(2, 5));
      const { from, epoch } = await broker.seek(ROOM, AT + 4_000);
      const page = await broker.read(ROOM, { epoch, offset: from }, { entries: 1, entriesOnly: true });
      same(offsetsOf(page), [5], 'the entry that the time leads to');
    },
  },
  {
    name: 'of a stream that never was a time leads to its beginning; what is no time is refused',
    run: async ({ broker }) => {
      same(await broker.seek(ROOM, AT), { epoch: null, offset: 0, floor: 0, from: 0 }, 'state');
      await rejection(broker.seek(ROOM, 1.5), RangeError, 'half a millisecond');
      await rejection(broker.seek(ROOM, Number.NaN), RangeError, 'no number');
    },
  },
];

/** 20 bytes: 18 of data, 2 of user. */
const twenty = (n: number) => ({ at: AT, data: JSON.stringify(String(n).padStart(16, '.')), user: '{}' });

async function kept(broker: Broker, world: BrokerWorld): Promise<number[]> {
  await world.settle?.();
  return offsetsOf(await readAll(broker, ROOM).catch(() => broker.readBack(ROOM, undefined, ALL)));
}

async function appendEach(broker: Broker, count: number, first: number, bytes?: number): Promise<void> {
  for (let n = first; n < first + count; n += 1) {
    await broker.append(ROOM, [twenty(n)], bytes === undefined ? undefined : { retain: { bytes } });
  }
}

export const BYTES_CASES: readonly Case[] = [
  {
    name: 'retention by bytes keeps the newest entries that fit, on both sides of the bound',
    run: async (world) => {
      const { broker } = world;
      await appendEach(broker, 10, 1, 100);
      same(await kept(broker, world), range(6, 10), 'kept of 100 bytes');
      await appendEach(broker, 1, 11, 99);
      same(await kept(broker, world), range(8, 11), 'kept of 99 bytes');
      await appendEach(broker, 1, 12, 101);
      same(await kept(broker, world), range(8, 12), 'kept of 101 bytes');
    },
  },
  {
    name: 'bytes are those of UTF-8',
    run: async (world) => {
      const { broker } = world;
      // 10 bytes: two quotes and four letters of two bytes each.
      for (let n = 0; n < 5; n += 1) {
        await broker.append(ROOM, [{ at: AT, data: '"éééé"', user: null }], { retain: { bytes: 29 } });
      }
      same(await kept(broker, world), [4, 5], 'kept');
    },
  },
  {
    name: 'the newest entry is kept even if it alone has more bytes, records after it or not',
    run: async (world) => {
      const { broker } = world;
      await appendEach(broker, 3, 1, 1);
      same(await kept(broker, world), [3], 'kept');
      await broker.amend(ROOM, amendment(3, '"longer than it was before"'));
      await broker.amend(ROOM, amendment(3, '"and longer still than that"', 4));
      same(await kept(broker, world), [3, 4, 5], 'kept, with its records');
    },
  },
  {
    name: 'a log that had entries before its bytes were bounded is trimmed like one that was bounded from the first',
    run: async (world) => {
      const { broker } = world;
      await broker.append(
        ROOM,
        Array.from({ length: 2_000 }, (_, index) => twenty(index + 1)),
      );
      await appendEach(broker, 1, 2_001, 20_000);
      same(await kept(broker, world), range(1_002, 2_001), 'kept');
      await appendEach(broker, 10, 2_002, 20_000);
      same(await kept(broker, world), range(1_012, 2_011), 'kept later');
    },
  },
  {
    name: 'one whose bytes fit keeps all of it, and is trimmed once it has grown',
    run: async (world) => {
      const { broker } = world;
      await broker.append(
        ROOM,
        Array.from({ length: 500 }, (_, index) => twenty(index + 1)),
      );
      await appendEach(broker, 1, 501, 10_060);
      same(await kept(broker, world), range(1, 501), 'kept');
      await appendEach(broker, 4, 502, 10_060);
      same(await kept(broker, world), range(3, 505), 'kept later');
    },
  },
  {
    name: 'an edit changes what its entry counts for, and records count nothing',
    run: async (world) => {
      const { broker } = world;
      await appendEach(broker, 5, 1, 100);
      await broker.amend(ROOM, amendment(3, '""'));
      same(await kept(broker, world), range(1, 6), 'kept after an edit that made it shorter');
      // 16 bytes less.
      await broker.append(ROOM, [{ at: AT, data: '"12345678901234"', user: null }]);
      same(await kept(broker, world), range(1, 7), 'kept: 16 bytes fit');
      await broker.amend(ROOM, amendment(7, '"123456789012345"'));
      same(await kept(broker, world), range(2, 8), 'kept: 17 bytes do not');
    },
  },
  {
    name: 'of several bounds the narrowest holds, and a bound that is taken back no longer does',
    run: async (world) => {
      const { broker } = world;
      await broker.append(
        ROOM,
        Array.from({ length: 10 }, (_, index) => twenty(index + 1)),
        {
          retain: { bytes: 100, entries: 8 },
        },
      );
      same(await kept(broker, world), range(6, 10), 'kept: bytes are narrower');
      await broker.append(ROOM, [twenty(11)], { retain: { bytes: 100, entries: 2 } });
      same(await kept(broker, world), [10, 11], 'kept: entries are narrower');
      await broker.append(ROOM, [twenty(12), twenty(13)], { retain: { bytes: 60 } });
      same(await kept(broker, world), [11, 12, 13], 'kept: what the other bound had trimmed no longer counts');
      await appendEach(broker, 1, 14);
      same(await kept(broker, world), [12, 13, 14], 'kept: an append that says nothing changes nothing');
      await broker.append(ROOM, [twenty(15), twenty(16)], { retain: {} });
      same(await kept(broker, world), range(12, 16), 'kept: all from now on');
    },
  },
  {
    name: 'a bound of no bytes is refused',
    run: async ({ broker }) => {
      for (const bytes of [0, -1, 1.5, Number.NaN]) {
        await rejection(broker.append(ROOM, [], { retain: { bytes } }), RangeError, `retain.bytes of ${bytes}`);
      }
    },
  },
];

export const BYTES_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, the bytes that are kept are known',
    run: async (world) => {
      await appendEach(world.broker, 8, 1, 100);
      const again = await world.reopen?.();
      if (again === undefined) throw new Error('this world cannot reopen: skip the case, with the reason');
      await appendEach(again, 2, 9);
      same(await kept(again, world), range(6, 10), 'kept');
    },
  },
];
