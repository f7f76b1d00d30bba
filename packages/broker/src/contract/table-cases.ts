// Tables: steps, patches, conditions, deletions.

import {
  BrokerUnavailableError,
  FencedError,
  OutOfOrderError,
  RowConflictError,
  TableFullError,
  WrongKindError,
} from '../errors.js';
import { check, rejection, same } from './assert.js';
import { all, gone, goneOf, patch, QUOTES, rowsOf, set } from './table-world.js';
import { ALL, type Case, entry, ROOM, range, START } from './world.js';

export const CHANGE_CASES: readonly Case[] = [
  {
    name: 'a table that was never written is empty',
    run: async ({ broker }) => {
      same(await all(broker), { epoch: null, offset: 0, floor: 0, rows: [], gone: [], to: 0 }, 'rows');
      same(await broker.readRow(QUOTES, 'ACME'), null, 'a row');
    },
  },
  {
    name: 'each step takes one offset, whatever the number of its rows',
    run: async ({ broker }) => {
      const first = await broker.change(QUOTES, [set('A', { bid: 1 }), set('B', { bid: 2 })]);
      const second = await broker.change(QUOTES, [set('C', { bid: 3 })]);
      same([first.offset, second.offset, second.epoch === first.epoch], [1, 2, true], 'answers');
      const rows = [
        ['A', 1, 1, { bid: 1 }],
        ['B', 1, 1, { bid: 2 }],
        ['C', 2, 2, { bid: 3 }],
      ];
      same(rowsOf(await all(broker)), rows, 'rows');
    },
  },
  {
    name: 'set replaces a row whole and keeps its birth',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', { bid: 1, ask: 2 })]);
      await broker.change(QUOTES, [set('A', { bid: 5 })]);
      same(rowsOf(await all(broker)), [['A', 1, 2, { bid: 5 }]], 'rows');
    },
  },
  {
    name: 'patch replaces fields whole, removes others, and creates a row that is missing',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', { bid: 1, ask: 2, depth: { a: 1, b: 2 } })]);
      await broker.change(QUOTES, [patch('A', { bid: 9, depth: { c: 3 } }, 'ask', 'bid'), patch('B', { bid: 4 })]);
      const rows = [
        ['A', 1, 2, { bid: 9, depth: { c: 3 } }],
        ['B', 2, 2, { bid: 4 }],
      ];
      same(rowsOf(await all(broker)), rows, 'rows');
    },
  },
  {
    name: 'patches that are under way together are merged one after the other',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', {})]);
      await Promise.all(range(1, 40).map((n) => broker.change(QUOTES, [patch('A', { [`f${n}`]: n })])));
      const row = await broker.readRow(QUOTES, 'A');
      same([row?.offset, Object.keys(JSON.parse(row?.data ?? '{}')).length], [41, 40], 'the row');
    },
  },
  {
    name: 'a step that leaves every row as it was takes no offset',
    run: async ({ broker }) => {
      const { epoch } = await broker.change(QUOTES, [set('A', { bid: 1, ask: [2] })]);
      const same1 = { epoch, offset: 1, duplicate: false };
      same(await broker.change(QUOTES, [set('A', { ask: [2], bid: 1 })]), same1, 'the same row');
      same(await broker.change(QUOTES, [patch('A', { bid: 1 }, 'missing')]), same1, 'the same fields');
      same(await broker.change(QUOTES, [gone('B')]), same1, 'nothing to delete');
      same(await broker.change(QUOTES, []), same1, 'no rows');
    },
  },
  {
    name: 'what is deleted is gone and remembered, and a row of that key is born anew',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', { bid: 1 }), set('B', { bid: 2 })]);
      await broker.change(QUOTES, [gone('A'), patch('B', { bid: 3 })]);
      const page = await all(broker);
      same([rowsOf(page), goneOf(page)], [[['B', 1, 2, { bid: 3 }]], [['A', 2]]], 'after the delete');
      same(await broker.readRow(QUOTES, 'A'), null, 'the row');
      await broker.change(QUOTES, [set('A', { bid: 7 })]);
      const later = await all(broker);
      same([rowsOf(later).at(-1), goneOf(later)], [['A', 3, 3, { bid: 7 }], []], 'born anew');
    },
  },
  {
    name: 'an if that does not hold refuses the whole step',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', { bid: 1 })]);
      await broker.change(QUOTES, [
        { ...patch('A', { bid: 2 }), if: 1 },
        { ...set('B', {}), if: 0 },
      ]);
      const wrong = [
        { change: { ...set('A', { bid: 9 }), if: 1 }, key: 'A', actual: 2 },
        { change: { ...set('A', { bid: 9 }), if: 0 }, key: 'A', actual: 2 },
        { change: { ...patch('C', { bid: 9 }), if: 1 }, key: 'C', actual: 0 },
        { change: { ...gone('B'), if: 1 }, key: 'B', actual: 2 },
      ];
      for (const { change, key, actual } of wrong) {
        const step = broker.change(QUOTES, [set('other', {}), change]);
        const error = await rejection(step, RowConflictError, JSON.stringify(change));
        same([error.stream, error.key, error.expected, error.actual], [QUOTES, key, change.if, actual], 'the error');
      }
      same((await all(broker)).offset, 2, 'head');
      await broker.change(QUOTES, [{ ...gone('A'), if: 2 }]);
      same((await all(broker)).offset, 3, 'head after the delete');
    },
  },
  {
    name: 'a table holds as many rows as it may and not one more',
    run: async ({ broker }) => {
      const maxRows = 3;
      await broker.change(QUOTES, [set('A', {}), set('B', {})], { maxRows });
      await broker.change(QUOTES, [set('C', {})], { maxRows });
      const error = await rejection(broker.change(QUOTES, [set('D', {})], { maxRows }), TableFullError, 'a fourth');
      same([error.stream, error.maxRows], [QUOTES, 3], 'the error');
      await broker.change(QUOTES, [set('D', {}), gone('A')], { maxRows });
      await broker.change(QUOTES, [patch('B', { bid: 1 })], { maxRows });
      same((await all(broker)).rows.length, 3, 'rows');
    },
  },
  {
    name: 'a step with a source is taken once, and answered with its offset again',
    run: async ({ broker }) => {
      const source = { producer: 'p', seq: 1 };
      const { epoch } = await broker.change(QUOTES, [set('A', { bid: 1 })], { source });
      await broker.change(QUOTES, [set('A', { bid: 2 })]);
      const again = await broker.change(QUOTES, [set('A', { bid: 1 })], { source });
      same(again, { epoch, offset: 1, duplicate: true }, 'the repeat');
      same((await broker.lookup(QUOTES, source))?.offset, 1, 'lookup');
      await broker.change(QUOTES, [set('A', { bid: 3 })], { source: { producer: 'p', seq: 5 } });
      const late = broker.change(QUOTES, [set('A', { bid: 9 })], { source: { producer: 'p', seq: 3 } });
      const error = await rejection(late, OutOfOrderError, 'seq 3 after 5');
      same([error.seq, error.last], [3, 5], 'the error');
      same(rowsOf(await all(broker)), [['A', 1, 3, { bid: 3 }]], 'rows');
    },
  },
  {
    name: 'a step that comes after one that is not stored is refused, and changes nothing',
    run: async ({ broker }) => {
      const source = (seq: number) => ({ producer: 'p', seq });
      const early = broker.change(QUOTES, [set('A', { bid: 3 })], { source: source(3), after: 2 });
      await rejection(early, BrokerUnavailableError, 'too early, and it does not begin the table');
      same((await all(broker)).epoch, null, 'no table');
      await broker.change(QUOTES, [set('A', { bid: 1 })], { source: source(1) });
      // It is said before anything else that may be wrong with it: what is wrong now may be right then.
      const wrong = broker.change(QUOTES, [{ ...set('A', { bid: 3 }), if: 2 }], { source: source(3), after: 2 });
      await rejection(wrong, BrokerUnavailableError, 'too early, with a condition');
      await broker.change(QUOTES, [set('A', { bid: 2 })], { source: source(2) });
      await broker.change(QUOTES, [{ ...set('A', { bid: 3 }), if: 2 }], { source: source(3), after: 2 });
      const again = await broker.change(QUOTES, [set('A', { bid: 2 })], { source: source(2), after: 9 });
      same([again.offset, again.duplicate], [2, true], 'a repeat');
      // Those under way at the same time: the second one sees the first, also if that changes nothing.
      const pair = [4, 5].map((seq) =>
        broker.change(QUOTES, [set('A', { bid: 5 })], { source: source(seq), after: seq - 1 }),
      );
      same(
        (await Promise.all(pair)).map(({ offset }) => offset),
        [4, 4],
        'side by side',
      );
      await broker.change(QUOTES, [set('A', { bid: 6 })], { after: 9 });
      same(rowsOf(await all(broker)), [['A', 1, 5, { bid: 6 }]], 'rows');
      const never = broker.change(QUOTES, [set('A', {})], { source: source(6), after: 0 });
      await rejection(never, RangeError, 'no seq');
    },
  },
  {
    name: 'a step that was refused may come again with its source',
    run: async ({ broker }) => {
      const source = { producer: 'p', seq: 1 };
      await rejection(
        broker.change(QUOTES, [{ ...set('A', {}), if: 7 }], { source }),
        RowConflictError,
        'the condition',
      );
      same((await broker.change(QUOTES, [set('A', {})], { source })).duplicate, false, 'again');
    },
  },
  {
    name: 'a step with a lower fence than the table has seen is refused',
    run: async ({ broker }) => {
      await broker.change(QUOTES, [set('A', { bid: 1 })], { fence: 5 });
      const late = broker.change(QUOTES, [set('A', { bid: 2 })], { fence: 4 });
      const error = await rejection(late, FencedError, 'fence 4');
      same([error.token, error.highest], [4, 5], 'the error');
      await broker.change(QUOTES, [], { fence: 6 });
      await rejection(broker.change(QUOTES, [gone('A')], { fence: 5 }), FencedError, 'fence 5 after 6');
      same(rowsOf(await all(broker)), [['A', 1, 1, { bid: 1 }]], 'rows');
    },
  },
  {
    name: 'a log is no table and a table is no log',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('hello')]);
      await broker.change(QUOTES, [set('A', {})]);
      await rejection(broker.change(ROOM, [set('A', {})]), WrongKindError, 'change of a log');
      await rejection(broker.readRows(ROOM, START, ALL), WrongKindError, 'rows of a log');
      const error = await rejection(broker.append(QUOTES, [entry('hello')]), WrongKindError, 'append to a table');
      same([error.stream, error.kind], [QUOTES, 'table'], 'the error');
      await rejection(broker.readBack(QUOTES, undefined, ALL), WrongKindError, 'entries of a table');
      await broker.remove(ROOM);
      await broker.change(ROOM, [set('A', {})]);
    },
  },
  {
    name: 'keys and fields named like members of objects are data',
    run: async ({ broker }) => {
      const row = '{"__proto__":{"a":1},"constructor":null,"":"empty","é\\"":[1]}';
      await broker.change(QUOTES, [
        { key: '__proto__', set: row },
        { key: 'constructor', set: '{}' },
      ]);
      await broker.change(QUOTES, [
        { key: '__proto__', patch: '{"toString":1}', unset: ['constructor', 'hasOwnProperty'] },
      ]);
      same(
        (await broker.readRow(QUOTES, '__proto__'))?.data,
        '{"__proto__":{"a":1},"":"empty","é\\"":[1],"toString":1}',
        'the row',
      );
      same((await all(broker)).rows.length, 2, 'rows');
    },
  },
  {
    name: 'calls that can never be right are refused before anything happens',
    run: async ({ broker }) => {
      const long = 'k'.repeat(256);
      await broker.change(QUOTES, [set(long, {})]);
      const wrong = [
        [set('', {})],
        [set(`${long}k`, {})],
        [set(`${'é'.repeat(128)}k`, {})],
        [set('A\0', {})],
        [set('A', {}), set('A', {})],
        [{ key: 'A', set: '[1]' }],
        [{ ...set('A', {}), if: -1 }],
        [{ ...set('A', {}), expiresAt: Number.NaN }],
      ];
      for (const step of wrong) {
        const error = await broker.change(QUOTES, step).then(
          () => null,
          (thrown: unknown) => thrown,
        );
        check(
          error instanceof TypeError || error instanceof RangeError,
          `${JSON.stringify(step).slice(0, 80)}: ${error}`,
        );
      }
      same((await all(broker)).offset, 1, 'head');
    },
  },
];
