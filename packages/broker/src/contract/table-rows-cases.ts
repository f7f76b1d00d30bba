// Tables: the pages that tell of their rows, of what changed since a position, and of what is gone.

import { UnrecoverablePositionError } from '../errors.js';
import { check, rejection, same } from './assert.js';
import { all, Copy, gone, goneOf, patch, QUOTES, set } from './table-world.js';
import { ALL, type Case, need, range, START } from './world.js';

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
