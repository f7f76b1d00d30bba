// Tables: steps, patches, conditions, deletions, and the pages that tell of them.

import {
  BrokerUnavailableError,
  FencedError,
  OutOfOrderError,
  RowConflictError,
  TableFullError,
  UnrecoverablePositionError,
  WrongKindError,
} from '../errors.js';
import { check, rejection, same } from './assert.js';
import { all, Copy, gone, goneOf, patch, QUOTES, rowsOf, set } from './table-world.js';
import { ALL, type Case, entry, need, ROOM, range, START } from './world.js';

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

export const ROWS_CASES: readonly Case[] = [
  {
    name: 'from every offset, what changed since makes a copy the same as the table',
    run: async ({ broker }) => {
      const copies: { copy: Copy; offset: number; epoch: string | null }[] = [];
      for (const n of range(1, 40)) {
        const page = await all(broker);
        const copy = new Copy();
        copy.apply(page);
        copies.push({ copy, offset: page.offset, epoch: page.epoch });
        const key = `k${(n * 7) % 5}`;
        await broker.change(QUOTES, n % 6 === 0 ? [gone(key)] : [patch(key, { [`f${n % 3}`]: n }), set('last', { n })]);
      }
      const wanted = new Copy();
      wanted.apply(await all(broker));
      for (const { copy, offset, epoch } of copies) {
        copy.apply(await broker.readRows(QUOTES, { epoch, offset }, ALL));
        same(copy.sorted(), wanted.sorted(), `from ${offset}`);
      }
    },
  },
  {
    name: 'pages hold whole steps, at least one, and lead to the end',
    run: async ({ broker }) => {
      for (const n of range(1, 12)) {
        await broker.change(QUOTES, [set(`a${n}`, { n }), set(`b${n}`, { n }), ...(n > 3 ? [gone(`a${n - 3}`)] : [])]);
      }
      const wanted = new Copy();
      wanted.apply(await all(broker));
      for (const limit of [{ entries: 1 }, { entries: 4 }, { entries: 1_000, bytes: 40 }]) {
        const copy = new Copy();
        let position: { epoch: string | null; offset: number } = START;
        let pages = 0;
        for (; ; pages += 1) {
          const page = await broker.readRows(QUOTES, position, limit);
          copy.apply(page);
          const offsets = [...page.rows, ...page.gone].map(({ offset }) => offset);
          check(
            offsets.every((offset) => offset > position.offset && offset <= page.to),
            `limits of page ${pages}`,
          );
          position = { epoch: page.epoch, offset: page.to };
          if (page.to === page.offset) break;
        }
        check(pages > 1, `${JSON.stringify(limit)}: ${pages} pages`);
        same(copy.sorted(), wanted.sorted(), JSON.stringify(limit));
      }
    },
  },
  {
    name: 'a position of another history, or beyond the end, is refused',
    run: async ({ broker }) => {
      const unknown = broker.readRows(QUOTES, { epoch: 'other', offset: 0 }, ALL);
      same((await rejection(unknown, UnrecoverablePositionError, 'never written')).reason, 'epoch', 'the reason');
      const { epoch } = await broker.change(QUOTES, [set('A', {})]);
      for (const position of [
        { epoch: 'other', offset: 1 },
        { epoch, offset: 2 },
        { epoch: null, offset: 1 },
      ]) {
        const error = await rejection(
          broker.readRows(QUOTES, position, ALL),
          UnrecoverablePositionError,
          JSON.stringify(position),
        );
        same([error.reason, error.oldest], ['epoch', { epoch, offset: 0 }], 'the error');
      }
    },
  },
  {
    name: 'deletions are remembered by count, and a position below the floor is refused',
    run: async (world) => {
      const { broker } = world;
      const { epoch } = await broker.change(
        QUOTES,
        range(1, 9).map((n) => set(`k${n}`, {})),
        {
          tombstones: { count: 3 },
        },
      );
      for (const n of range(1, 5)) await broker.change(QUOTES, [gone(`k${n}`)]);
      await world.settle?.();
      const page = await all(broker);
      same(
        [page.floor, goneOf(page)],
        [
          3,
          [
            ['k3', 4],
            ['k4', 5],
            ['k5', 6],
          ],
        ],
        'the table',
      );
      same((await broker.readRows(QUOTES, { epoch, offset: 3 }, ALL)).gone.length, 3, 'at the floor');
      const error = await rejection(
        broker.readRows(QUOTES, { epoch, offset: 2 }, ALL),
        UnrecoverablePositionError,
        'below the floor',
      );
      same([error.reason, error.oldest], ['trimmed', { epoch, offset: 3 }], 'the error');
      same((await broker.readRows(QUOTES, { epoch, offset: 0 }, ALL)).rows.length, 4, 'from the beginning');
    },
  },
  {
    name: 'a reading in pages goes on below the floor, unless a deletion since its beginning was forgotten',
    run: async (world) => {
      const { broker } = world;
      const step = range(1, 9).map((n) => set(`k${n}`, {}));
      await broker.change(QUOTES, step.slice(0, 1), { tombstones: { count: 1 } });
      for (const row of step.slice(1)) await broker.change(QUOTES, [row]);
      for (const n of range(6, 8)) await broker.change(QUOTES, [gone(`k${n}`)]);
      await world.settle?.();
      const one = { entries: 1 };
      const first = await broker.readRows(QUOTES, START, one);
      const { epoch, to, offset: begunAt } = first;
      check(to !== 0 && to < first.floor && begunAt === 12, `a page to ${to}, the floor at ${first.floor}`);
      const found = [...first.rows];
      for (let page = first; page.to < page.offset; ) {
        page = await broker.readRows(QUOTES, { epoch, offset: page.to }, one, begunAt);
        found.push(...page.rows);
      }
      same(
        found.map(({ key }) => key),
        ['k1', 'k2', 'k3', 'k4', 'k5', 'k9'],
        'all pages',
      );
      const refused = async (begun: number | undefined, what: string) => {
        const reading = broker.readRows(QUOTES, { epoch, offset: to }, one, begun);
        same((await rejection(reading, UnrecoverablePositionError, what)).reason, 'trimmed', what);
      };
      await refused(undefined, 'no reading in pages');
      await refused(first.floor - 1, 'a reading that began before the floor');
      same((await broker.readRows(QUOTES, { epoch, offset: to }, one, first.floor)).rows.length, 1, 'at the floor');
      // The first page had k1. That it is gone is forgotten when k2 is: who goes on would keep it.
      for (const n of [1, 2]) await broker.change(QUOTES, [gone(`k${n}`)]);
      await world.settle?.();
      await refused(begunAt, 'a deletion since');
    },
  },
  {
    name: 'deletions are remembered by age',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      await broker.change(QUOTES, [set('A', {}), set('B', {})], { tombstones: { ageMs: 1_000 } });
      await broker.change(QUOTES, [gone('A')]);
      advanceMs(1_000);
      await world.settle?.();
      same(goneOf(await all(broker)), [['A', 2]], 'as old as that');
      advanceMs(1);
      await broker.expire();
      await world.settle?.();
      same([goneOf(await all(broker)), (await all(broker)).floor], [[], 2], 'older');
    },
  },
];
