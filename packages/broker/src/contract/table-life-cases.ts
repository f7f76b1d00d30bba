// Tables over time: rows that expire, notifications, restarts.

import { FencedError } from '../errors.js';
import type { Row } from '../table.js';
import { rejection, same } from './assert.js';
import { all, Copy, gone, goneOf, patch, QUOTES, rowsOf, set } from './table-world.js';
import { ALL, AT, type Case, Ear, need, range } from './world.js';

export const EXPIRY_CASES: readonly Case[] = [
  {
    name: 'a row that expires is deleted with an offset once its time has come, and not before',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      await broker.change(QUOTES, [{ ...set('A', { bid: 1 }), expiresAt: AT + 1_000 }, set('B', {})]);
      same((await broker.readRow(QUOTES, 'A'))?.expiresAt, AT + 1_000, 'its expiry');
      advanceMs(999);
      await broker.expire();
      same((await all(broker)).offset, 1, 'a millisecond before');
      advanceMs(1);
      await broker.expire();
      const page = await all(broker);
      same([page.offset, rowsOf(page), goneOf(page)], [2, [['B', 1, 1, {}]], [['A', 2]]], 'at its time');
    },
  },
  {
    name: 'a row that was given another expiry meanwhile lives until that one, or for ever',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      for (const key of ['later', 'never', 'same']) {
        await broker.change(QUOTES, [{ ...set(key, { n: 1 }), expiresAt: AT + 1_000 }]);
      }
      await broker.change(QUOTES, [{ ...patch('later', { n: 2 }), expiresAt: AT + 5_000 }, set('never', { n: 2 })]);
      // No field changes, so it takes no offset; the expiry is another all the same.
      same((await broker.change(QUOTES, [{ ...patch('same', {}), expiresAt: AT + 5_000 }])).offset, 4, 'the renewal');
      advanceMs(4_999);
      await broker.expire();
      same((await all(broker)).rows.length, 3, 'before');
      advanceMs(1);
      await broker.expire();
      same(
        (await all(broker)).rows.map(({ key }) => key),
        ['never'],
        'after',
      );
    },
  },
];

export const TABLE_WATCH_CASES: readonly Case[] = [
  {
    name: 'a watch hears of every step, and what it carries makes a copy the same as the table',
    run: async (world) => {
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const { broker } = world;
      await broker.change(QUOTES, [set('old', { n: 0 })]);
      const ear = new Ear();
      const watch = await broker.watch(QUOTES, ear.onAdvance);
      const copy = new Copy();
      copy.apply(await all(broker));
      same(watch.state.offset, 1, 'the state');
      await broker.change(QUOTES, [patch('old', { m: 1 }), set('A', { bid: 1 })]);
      await broker.change(QUOTES, [gone('old'), { ...set('B', {}), expiresAt: AT + 10 }]);
      advanceMs(10);
      await broker.expire();
      const { epoch, offset } = await all(broker);
      await ear.covers(epoch ?? '', 1, offset);
      const heard = [...ear.heard].sort((a, b) => a.to - b.to);
      if (heard.every(({ rows, gone: tombstones }) => rows !== undefined && tombstones !== undefined)) {
        for (const { rows = [], gone: tombstones = [] } of heard) copy.apply({ rows, gone: tombstones });
        const wanted = new Copy();
        wanted.apply(await all(broker));
        same(copy.sorted(), wanted.sorted(), 'the copy');
      }
      watch.close();
    },
  },
];

export const TABLE_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, a table is the same, and a reader resumes at every offset',
    run: async (world) => {
      const reopen = need(world.reopen?.bind(world), 'reopen');
      const pages: { rows: readonly Row[]; offset: number }[] = [];
      let { broker } = world;
      for (const n of range(1, 15)) {
        await broker.change(QUOTES, [patch(`k${n % 4}`, { n }), ...(n % 5 === 0 ? [gone(`k${(n + 1) % 4}`)] : [])]);
        const { rows, offset } = await all(broker);
        pages.push({ rows, offset });
      }
      const before = await all(broker);
      broker = await reopen();
      same(await all(broker), before, 'the table');
      for (const { rows, offset } of pages) {
        const copy = new Copy();
        copy.apply({ rows, gone: [] });
        copy.apply(await broker.readRows(QUOTES, { epoch: before.epoch, offset }, ALL));
        same(
          copy.sorted(),
          [...before.rows].sort((a, b) => (a.key < b.key ? -1 : 1)),
          `from ${offset}`,
        );
      }
    },
  },
  {
    name: 'after a restart, sources, fences, expiries and the floor of a table are remembered',
    run: async (world) => {
      const reopen = need(world.reopen?.bind(world), 'reopen');
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const source = { producer: 'p', seq: 1 };
      const options = { source, fence: 5, tombstones: { count: 1 } };
      await world.broker.change(QUOTES, [{ ...set('A', {}), expiresAt: AT + 50 }, set('B', {}), set('C', {})], options);
      await world.broker.change(QUOTES, [gone('B')]);
      await world.broker.change(QUOTES, [gone('C')]);
      await world.settle?.();
      const broker = await reopen();
      same((await broker.change(QUOTES, [set('Z', {})], { source })).duplicate, true, 'the source');
      await rejection(broker.change(QUOTES, [], { fence: 4 }), FencedError, 'the fence');
      same((await all(broker)).floor, 2, 'the floor');
      advanceMs(50);
      await broker.expire();
      same((await all(broker)).rows, [], 'the expiry');
      await broker.remove(QUOTES);
      same((await all(await reopen())).epoch, null, 'removed');
    },
  },
];
