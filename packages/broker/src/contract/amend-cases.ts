// Amending: rewriting an entry and appending its record as one step, what readers are given of both, and what counts as an entry.

import type { Amendment, AmendResult } from '../amendments.js';
import type { Broker, Entry } from '../broker.js';
import { AmendConflictError, BrokerUnavailableError, FencedError, OutOfOrderError, WrongKindError } from '../errors.js';
import { check, rejection, same } from './assert.js';
import {
  ALL,
  AT,
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
  START,
} from './world.js';

const STATE = '{"editedAt":1}';

/** A record by bob of an amendment of the entry at `offset`. */
export function amendment(offset: number, expects: number, data = '"edited"', state = STATE): Amendment {
  return { offset, expects, data, state, at: AT + 1, user: '{"id":"bob"}', owner: 'bob' };
}

async function amended(
  broker: Broker,
  offset: number,
  expects: number,
  data?: string,
  state?: string,
): Promise<AmendResult> {
  return broker.amend(ROOM, amendment(offset, expects, data, state));
}

/** The record that `amendment` appends, as it is read. */
function record(offset: number, of: number, data?: string, state: string | undefined = STATE): Entry {
  const amends = data === undefined ? { offset: of } : { offset: of, data, state };
  return { offset, at: AT + 1, data: 'null', user: '{"id":"bob"}', owner: 'bob', amends };
}

export const AMEND_CASES: readonly Case[] = [
  {
    name: 'an amendment rewrites its entry and appends a record, and every read gives both as they are now',
    run: async ({ broker }) => {
      const [one, two] = [{ ...entry('one', 'p', 1), owner: 'ada' }, entry('two')];
      const { epoch } = await broker.append(ROOM, [one, two]);
      same(await amended(broker, 1, 0), { epoch, offset: 3, at: AT + 1, duplicate: false }, 'the first answer');
      const first = { ...one, offset: 1, data: '"edited"', amended: { offset: 3, state: STATE } };
      const second = { ...two, offset: 2 };
      const page = { epoch, offset: 3, floor: 0, entries: [first, second, record(3, 1, '"edited"')] };
      same(await readAll(broker, ROOM), page, 'page');
      same(await broker.readBack(ROOM, undefined, ALL), page, 'page backwards');

      await amended(broker, 1, 3, 'null', '{"deletedAt":2}');
      const gone = { ...first, data: 'null', amended: { offset: 4, state: '{"deletedAt":2}' } };
      // The newest record alone says what the entry is.
      const all = [gone, second, record(3, 1), record(4, 1, 'null', '{"deletedAt":2}')];
      same((await readAll(broker, ROOM)).entries, all, 'after the second');
      for (const after of [1, 2, 3]) {
        same((await broker.read(ROOM, { epoch, offset: after }, ALL)).entries, all.slice(after), `after ${after}`);
        same((await broker.readBack(ROOM, after + 1, ALL)).entries, all.slice(0, after), `back from ${after + 1}`);
      }
    },
  },
  {
    name: 'an amendment that has not seen the newest one, or whose entry is not there, is refused and changes nothing',
    run: async ({ broker }) => {
      const refused = async (offset: number, expects: number, actual: number | null) => {
        const what = `${offset} expected at ${expects}`;
        const error = await rejection(amended(broker, offset, expects), AmendConflictError, what);
        same([error.offset, error.expected, error.actual], [offset, expects, actual], what);
      };
      await refused(1, 0, null);
      same(await readAll(broker, ROOM), { ...START, floor: 0, entries: [] }, 'a stream that was never written');
      await broker.append(ROOM, entries(2));
      await refused(1, 3, 0);
      await refused(3, 0, null);
      await amended(broker, 1, 0);
      const before = await readAll(broker, ROOM);
      await refused(1, 0, 3);
      await refused(1, 4, 3);
      await refused(3, 0, null);
      same(await readAll(broker, ROOM), before, 'page');
    },
  },
  {
    name: 'of two amendments of an entry that have seen the same, one is refused',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(3));
      const results = await Promise.allSettled([1, 2, 3].map((n) => amended(broker, 2, 0, `"${n}"`)));
      same(
        results.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected'],
        'the first call wins',
      );
      same((await readAll(broker, ROOM)).entries[1]?.data, '"1"', 'what it says');
    },
  },
  {
    name: 'an amendment after which the entry is as it was appends nothing, and its source is remembered',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('one')]);
      const { epoch } = await amended(broker, 1, 0);
      const before = await readAll(broker, ROOM);
      const source = { producer: 'p', seq: 4 };
      const again = { ...amendment(1, 2), at: AT + 9, source };
      same(await broker.amend(ROOM, again), { epoch, offset: 2, at: AT + 9, duplicate: false }, 'answer');
      same(await broker.amend(ROOM, again), { epoch, offset: 2, at: AT + 9, duplicate: true }, 'answer to a repeat');
      same(await broker.lookup(ROOM, source), { epoch, offset: 2, at: AT + 9 }, 'lookup');
      same(await readAll(broker, ROOM), before, 'page');
      await broker.append(ROOM, [entry('two')]);
      const untouched = { ...amendment(3, 0, '"two"', '{}'), source: { producer: 'p', seq: 5 } };
      same((await broker.amend(ROOM, untouched)).offset, 3, 'of an entry that has no record: its own offset');
      same((await readAll(broker, ROOM)).offset, 3, 'head');
    },
  },
  {
    name: 'amendments count among the appends of their producer: once each, in order, and not ahead of what may fail',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('one', 'p', 1)]);
      const second = { ...amendment(1, 0), source: { producer: 'p', seq: 2 } };
      const waiting = broker.amend(ROOM, { ...second, source: { producer: 'p', seq: 3 } }, { after: 2 });
      await rejection(waiting, BrokerUnavailableError, 'after 2, which is not stored');
      const stored = await broker.amend(ROOM, second, { after: 1 });
      // Known by its source, whatever it expects.
      same(await broker.amend(ROOM, second), { ...stored, duplicate: true }, 'a repeat');
      same(
        (await broker.append(ROOM, [entry('again', 'p', 2)])).appended[0],
        { offset: 2, at: AT + 1, duplicate: true },
        'the number of an amendment',
      );
      const fifth = { ...amendment(1, 2, '"five"'), source: { producer: 'p', seq: 5 } };
      await broker.amend(ROOM, fifth);
      const late = { ...amendment(1, 3), source: { producer: 'p', seq: 4 } };
      const error = await rejection(broker.amend(ROOM, late), OutOfOrderError, 'seq 4 after 5');
      same([error.seq, error.last], [4, 5], 'what the error says');
      await rejection(broker.append(ROOM, [entry('late', 'p', 4)]), OutOfOrderError, 'an append after an amendment');
      same((await readAll(broker, ROOM)).offset, 3, 'head');
    },
  },
  {
    name: 'an amendment with an old fencing token is refused, a newer one is remembered; a table has no entries',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(1), { fence: 5 });
      await rejection(broker.amend(ROOM, amendment(1, 0), { fence: 4 }), FencedError, 'token 4');
      await broker.amend(ROOM, amendment(1, 0), { fence: 7 });
      await rejection(broker.append(ROOM, entries(1), { fence: 6 }), FencedError, 'token 6');
      const table = named('quotes/nyse');
      await broker.change(table, [{ key: 'ACME', set: '{}' }]);
      await rejection(broker.amend(table, amendment(1, 0)), WrongKindError, 'of a table');
      await rejection(broker.tail(table, 0, 1), WrongKindError, 'tail of a table');
    },
  },
  {
    name: 'pages count entries, and carry the records between them or leave them out',
    run: async ({ broker }) => {
      // 1 2 r3 r4 5 r6 7 8: entries 1, 2, 5, 7, 8.
      const { epoch } = await broker.append(ROOM, entries(2));
      await amended(broker, 1, 0, '"a"');
      await amended(broker, 1, 3, '"b"');
      await broker.append(ROOM, entries(1, 5));
      await amended(broker, 2, 0, '"c"');
      await broker.append(ROOM, entries(2, 7));
      const forwards = async (after: number, count: number, entriesOnly = false) =>
        offsetsOf(await broker.read(ROOM, { epoch, offset: after }, { entries: count, entriesOnly }));
      const backwards = async (before: number | undefined, count: number, entriesOnly = false) =>
        offsetsOf(await broker.readBack(ROOM, before, { entries: count, entriesOnly }));
      same(await forwards(0, 1), [1], 'one entry');
      same(await forwards(0, 2), [1, 2, 3, 4], 'two entries, and the records after them');
      same(await forwards(2, 2), range(3, 7), 'from a record on');
      same(await forwards(0, 3, true), [1, 2, 5], 'three entries, no record');
      same(await forwards(0, 9, true), [1, 2, 5, 7, 8], 'all entries, no record');
      same(await backwards(undefined, 3), range(5, 8), 'the newest three');
      same(await backwards(5, 1), [2, 3, 4], 'the newest before 5, and the records after it');
      same(await backwards(7, 2, true), [2, 5], 'two before 7, no record');
      const bytes = { entries: 9, bytes: 0 };
      same(offsetsOf(await broker.read(ROOM, { epoch, offset: 2 }, bytes)), [3], 'at least one, if it is a record');
      same(offsetsOf(await broker.readBack(ROOM, 5, bytes)), [4], 'backwards too');
    },
  },
  {
    name: 'what a page holds in bytes counts what records and amended entries say',
    run: async ({ broker }) => {
      await broker.append(ROOM, [{ at: AT, data: '1', user: null }]);
      const long = `"${'x'.repeat(98)}"`;
      await broker.amend(ROOM, { ...amendment(1, 0, long, `{"a":"${'y'.repeat(42)}"}`), user: null });
      await broker.append(ROOM, [{ at: AT, data: '2', user: null }]);
      // 100 + 50, 4 + 150, 1.
      const fits = async (bytes: number) => offsetsOf(await broker.read(ROOM, START, { entries: 9, bytes }));
      same([await fits(303), await fits(304), await fits(305)], [[1], [1, 2], [1, 2, 3]], 'forwards');
      const back = async (bytes: number) => offsetsOf(await broker.readBack(ROOM, undefined, { entries: 9, bytes }));
      same(
        [await back(154), await back(155), await back(304), await back(305)],
        [[3], [2, 3], [2, 3], [1, 2, 3]],
        'backwards',
      );
    },
  },
  {
    name: 'the tail counts entries',
    run: async ({ broker }) => {
      same(
        await broker.tail(ROOM, 0, 5),
        { ...START, floor: 0, from: 0, after: 0, recordsTrimmed: 0 },
        'of a stream that was never written',
      );
      const { epoch } = await broker.append(ROOM, entries(2));
      await amended(broker, 1, 0, '"a"');
      await amended(broker, 1, 3, '"b"');
      await broker.append(ROOM, entries(1, 5));
      await amended(broker, 2, 0, '"c"');
      const state = { epoch, offset: 6, floor: 0, recordsTrimmed: 0 };
      const tail = async (after: number, count: number) => broker.tail(ROOM, after, count);
      same(await tail(0, 0), { ...state, from: 6, after: 3 }, 'none');
      same(await tail(2, 1), { ...state, from: 4, after: 1 }, 'one');
      same(await tail(4, 2), { ...state, from: 1, after: 1 }, 'two');
      same(await tail(5, 3), { ...state, from: 0, after: 0 }, 'three');
      same(await tail(99, 9), { ...state, from: 0, after: 0 }, 'more than there are');
      const bad = await rejection(broker.tail(ROOM, 0, -1), Error, 'count -1');
      check(bad instanceof RangeError, `count -1: got ${bad.name}`);
    },
  },
  {
    name: 'retention counts entries, and lets go of the records before the oldest one kept',
    run: async (world) => {
      const { broker } = world;
      await broker.append(ROOM, entries(3), { retain: { entries: 2 } });
      for (const [index, expects] of [0, 4, 5, 6].entries()) await amended(broker, 3, expects, `"${index}"`);
      await world.settle?.();
      const before = await readAll(broker, ROOM).catch(() => broker.readBack(ROOM, undefined, ALL));
      same([before.floor, offsetsOf(before)], [1, [2, 3, 4, 7]], 'records do not push entries out');
      await broker.append(ROOM, entries(1, 8));
      await world.settle?.();
      const page = await broker.readBack(ROOM, undefined, ALL);
      same([page.floor, offsetsOf(page)], [2, [3, 4, 7, 8]], 'one entry more');
      await broker.append(ROOM, entries(1, 9));
      await world.settle?.();
      const after = await broker.readBack(ROOM, undefined, ALL);
      same([after.floor, offsetsOf(after)], [7, [8, 9]], 'the records behind entry 3 went with it');
      same(
        await broker.tail(ROOM, 0, 9),
        { ...START, epoch: after.epoch, offset: 9, floor: 7, from: 7, after: 2, recordsTrimmed: 4 },
        'tail',
      );
    },
  },
  {
    name: 'a record of an entry that is no longer kept says no more than its offset',
    run: async (world) => {
      const { broker } = world;
      await broker.append(ROOM, entries(2), { retain: { entries: 2 } });
      await amended(broker, 1, 0);
      await amended(broker, 2, 0);
      await broker.append(ROOM, entries(1, 5));
      await world.settle?.();
      const page = await broker.readBack(ROOM, undefined, ALL);
      same(page.entries.slice(1, 3), [record(3, 1), record(4, 2, '"edited"')], 'records');
      await rejection(amended(broker, 1, 3), AmendConflictError, 'the entry that is gone');
    },
  },
  {
    name: 'a watch hears of amendments, with the record and what its entry is now',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(2));
      const ear = new Ear();
      await broker.watch(ROOM, ear.onAdvance);
      await amended(broker, 2, 0);
      await ear.covers(epoch, 2, 3);
      for (const carried of ear.carried(epoch)) same(carried, record(3, 2, '"edited"'), 'what is carried along');
      const heard = ear.heard.length;
      await amended(broker, 2, 3);
      await broker.append(ROOM, entries(1, 4));
      await ear.covers(epoch, 3, 4);
      check(
        ear.heard.slice(heard).every(({ to }) => to >= 3),
        'what changes nothing is not announced by itself',
      );
    },
  },
  {
    name: 'an amendment that can never be right is a TypeError or RangeError, and changes nothing',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(1));
      const bad: [string, Partial<Amendment>][] = [
        ['offset 0', { offset: 0 }],
        ['expects -1', { expects: -1 }],
        ['seq 0', { source: { producer: 'p', seq: 0 } }],
        ['NUL in data', { data: '"\0"' }],
        ['half of a surrogate pair in state', { state: '"\ud83e"' }],
      ];
      for (const [what, part] of bad) {
        const error = await rejection(broker.amend(ROOM, { ...amendment(1, 0), ...part }), Error, what);
        check(error instanceof TypeError || error instanceof RangeError, `${what}: got ${error.name}`);
      }
      same((await readAll(broker, ROOM)).offset, 1, 'head');
    },
  },
  {
    name: 'appends, amendments and reads that are called at once take effect in the order of the calls',
    run: async ({ broker }) => {
      await broker.append(ROOM, entries(1));
      const calls: Promise<unknown>[] = [];
      for (let round = 0; round < 60; round += 1) {
        calls.push(broker.append(ROOM, [entry(`${round}`, `p${round % 3}`, round + 1)]));
        calls.push(amended(broker, 1, round === 0 ? 0 : 2 * round + 1, `"${round}"`));
      }
      const seen = await broker.read(ROOM, START, ALL);
      await Promise.all(calls);
      check(seen.offset === 121, `the read was called last and saw ${seen.offset} of 121`);
      same(seen.entries[0]?.amended?.offset, 121, 'newest record');
      same(seen.entries.filter(({ amends }) => amends?.data !== undefined).length, 1, 'records that say what it is');
    },
  },
];

export const AMEND_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, amended entries, their owners and records are the same, and readers resume at every offset',
    run: async (world) => {
      const reopen = need(world.reopen, 'restart');
      const { broker } = world;
      const odd = { ...entry('odd'), owner: 'a\0b\ud83e"' };
      const { epoch } = await broker.append(ROOM, [...entries(2), odd], { retain: { entries: 4 } });
      await amended(broker, 1, 0);
      await broker.append(ROOM, entries(1, 5));
      await broker.amend(ROOM, { ...amendment(3, 0), source: { producer: 'p', seq: 9 } });
      await amended(broker, 1, 4, 'null', '{"deletedAt":3}');
      const before = await readAll(broker, ROOM);
      const again = await reopen();
      same(await readAll(again, ROOM), before, 'all');
      same(before.entries[2]?.owner, odd.owner, 'owner');
      for (const after of range(0, 7)) {
        const page = await again.read(ROOM, { epoch, offset: after }, ALL);
        same(page.entries, before.entries.slice(after), `after ${after}`);
      }
      same(await again.tail(ROOM, 2, 2), { epoch, offset: 7, floor: 0, from: 2, after: 2, recordsTrimmed: 0 }, 'tail');
      same((await again.lookup(ROOM, { producer: 'p', seq: 9 }))?.offset, 6, 'the source of an amendment');
      same((await again.amend(ROOM, amendment(1, 7, '"back"'))).offset, 8, 'the next amendment');
      await again.append(ROOM, entries(1, 9));
      await world.settle?.();
      same((await again.readBack(ROOM, undefined, ALL)).floor, 1, 'retention goes on counting entries');
    },
  },
];
