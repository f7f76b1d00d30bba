// Finding entries by words: the same for every broker that can.

import type { Broker, Entry } from '../broker.js';
import { WrongKindError } from '../errors.js';
import { canSearch, isFound, type Search, type SearchQuery, wordsIn } from '../search.js';
import { wordsOf } from '../words.js';
import { rejection, same } from './assert.js';
import { seeded } from './random.js';
import { AT, type Case, named, need, ROOM, readAll } from './world.js';

const said = (text: unknown, more: object = {}) => ({ at: AT, data: JSON.stringify({ text, ...more }), user: null });

function searching(broker: Broker): Broker & Search {
  return need(canSearch(broker) ? broker : undefined, 'search');
}

async function found(broker: Broker, text: string, more: Partial<SearchQuery> = {}): Promise<number[]> {
  const page = await searching(broker).search(ROOM, { fields: ['text'], text, limit: 1_000, ...more });
  return page.entries.map(({ offset }) => offset);
}

const amendment = (offset: number, data: unknown, expects = 0) => ({
  ...{ offset, expects, data: JSON.stringify(data), state: '{"x":1}' },
  ...{ at: AT, user: null },
});

export const SEARCH_CASES: readonly Case[] = [
  {
    name: 'a search finds the entries that have all words, the last one as a beginning, newest first',
    run: async ({ broker }) => {
      await broker.append(
        ROOM,
        ['a quick brown fox', 'the fox is quick', 'foxes are not', 'brown quick'].map((text) => said(text)),
      );
      same(await found(broker, 'quick fox'), [2, 1], 'two words');
      same(await found(broker, 'fox quick'), [2, 1], 'in whatever order');
      same(await found(broker, 'fox'), [3, 2, 1], 'a beginning');
      same(await found(broker, 'fo quick'), [], 'all but the last are whole words');
      same(await found(broker, 'quick bro'), [4, 1], 'the last one is a beginning');
      same(await found(broker, 'quick quick'), [4, 2, 1], 'one word twice is one word');
      same(await found(broker, 'zebra'), [], 'nothing');
    },
  },
  {
    name: 'case and the accents of Latin letters do not count, however they are spelt',
    run: async ({ broker }) => {
      await broker.append(
        ROOM,
        ['Crème BRÛLÉE', 'cre\u0300me', 'ΟΔΥΣΣΕΥΣ', 'Привет', 'naïve42', '日本語'].map((text) => said(text)),
      );
      same(await found(broker, 'CREME'), [2, 1], 'without accents');
      same(await found(broker, 'brûlée'), [1], 'with accents');
      same(await found(broker, 'οδυσσευς'), [3], 'a final sigma');
      same(await found(broker, 'ПРИВ'), [4], 'Cyrillic');
      same(await found(broker, 'naive4'), [5], 'letters and digits are one word');
      same(await found(broker, '日本'), [6], 'a beginning, in a script without spaces');
    },
  },
  {
    name: 'nothing in a query has a meaning of its own',
    run: async ({ broker }) => {
      await broker.append(
        ROOM,
        ['this or that', 'near', 'not'].map((text) => said(text)),
      );
      for (const text of ['"this" AND (that*)', 'text:this that', '-this +that', '^this {that}', "this';--that"]) {
        same(await found(broker, text), text.startsWith('text') || text.includes('AND') ? [] : [1], text);
      }
      same(await found(broker, 'NOT'), [3], 'a word of FTS5');
      same(await found(broker, 'this OR'), [1], 'another');
      for (const text of ['', '   ', '"', '*', '💥 …'])
        same(await found(broker, text), [], `no word in ${JSON.stringify(text)}`);
    },
  },
  {
    name: 'only the named members are looked at, only their text, and other payloads are passed over',
    run: async ({ broker }) => {
      await broker.append(ROOM, [
        said('one', { title: 'two' }),
        said({ text: 'one' }),
        said(['one']),
        { at: AT, data: '"one"', user: null },
        { at: AT, data: '["one"]', user: null },
        { at: AT, data: 'null', user: null },
        { at: AT, data: '{"__proto__":"one","title":"one"}', user: '"one"' },
        said('text'),
      ]);
      same(await found(broker, 'one'), [1], 'text');
      same(await found(broker, 'one', { fields: ['title'] }), [7], 'title');
      same(await found(broker, 'one', { fields: ['text', 'title'] }), [7, 1], 'both');
      same(await found(broker, 'two one', { fields: ['text', 'title'] }), [1], 'words of several members');
      same(await found(broker, 'one', { fields: ['__proto__'] }), [7], 'a member that is called so');
      same(await found(broker, 'one', { fields: ['toString'] }), [], 'a member that is not there');
      same(await found(broker, 'one'), [1], 'text again');
    },
  },
  {
    name: 'pages of a search join, and say whether there is more',
    run: async ({ broker }) => {
      const texts = Array.from({ length: 25 }, (_, index) => said(index % 2 === 0 ? 'even' : 'odd'));
      const { epoch } = await broker.append(ROOM, texts);
      const all: number[] = [];
      for (let before: number | undefined, more = true; more; before = all.at(-1)) {
        const page = await searching(broker).search(ROOM, {
          ...{ fields: ['text'], text: 'even', limit: 5 },
          ...(before === undefined ? {} : { before }),
        });
        same(
          { ...page, entries: page.entries.length },
          { epoch, offset: 25, floor: 0, entries: Math.min(5, 13 - all.length), more: all.length < 8 },
          'page',
        );
        all.push(...page.entries.map(({ offset }) => offset));
        more = page.more;
      }
      same(all, [25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1], 'all');
      same(await found(broker, 'even', { before: 1 }), [], 'before the first');
      same(await found(broker, 'even', { before: 99, limit: 1 }), [25], 'before what is to come');
      same(await found(broker, 'even', { bytes: 1 }), [25], 'a page has one entry, whatever its bytes');
      const [one] = texts;
      same(await found(broker, 'even', { bytes: 2 * (one?.data.length ?? 0) }), [25, 23], 'a page of so many bytes');
    },
  },
  {
    name: 'a search sees every append and amendment that has resolved',
    run: async ({ broker }) => {
      for (let n = 1; n <= 30; n += 1) {
        await broker.append(ROOM, [said(`word${n} all`)]);
        same(await found(broker, `all word${n}`), [n], 'the entry just appended');
      }
      let newest = 0;
      for (let n = 1; n <= 5; n += 1) {
        newest = (await broker.amend(ROOM, amendment(7, { text: `version${n} all` }, newest))).offset;
        same(await found(broker, `version${n}`), [7], 'as it is now');
        same(await found(broker, n === 1 ? 'word7' : `version${n - 1}`), [], 'as it was');
      }
      same((await found(broker, 'all')).length, 30, 'entries');
    },
  },
  {
    name: 'what was deleted or trimmed is not found, nor is what was in a stream that was removed',
    run: async (world) => {
      const { broker } = world;
      await broker.append(
        ROOM,
        Array.from({ length: 20 }, (_, index) => said(`common n${index + 1}n`)),
      );
      same((await found(broker, 'common')).length, 20, 'before');
      await broker.amend(ROOM, amendment(15, null));
      same(await found(broker, 'n15n'), [], 'a deleted entry');
      await broker.append(ROOM, [said('common')], { retain: { entries: 10 } });
      await world.settle?.();
      same(await found(broker, 'common'), [22, 20, 19, 18, 17, 16, 14, 13, 12], 'after trimming');
      same(await found(broker, 'n3n'), [], 'a trimmed entry');
      await broker.remove(ROOM);
      same(await found(broker, 'common'), [], 'after the removal');
      await broker.append(ROOM, [said('anew')]);
      await world.settle?.();
      same(await found(broker, 'common'), [], 'in a stream that has begun anew');
      same(await found(broker, 'anew'), [1], 'what is new');
    },
  },
  {
    name: 'streams do not find what is in others',
    run: async ({ broker }) => {
      const other = named('chat/other');
      await broker.append(ROOM, [said('here both')]);
      await broker.append(other, [said('there both'), said('both')]);
      same(await found(broker, 'both'), [1], 'one');
      const page = await searching(broker).search(other, { fields: ['text'], text: 'both', limit: 9 });
      same(
        page.entries.map(({ offset }) => offset),
        [2, 1],
        'the other',
      );
    },
  },
  {
    name: 'entries that were there before anybody searched are found',
    run: async ({ broker }) => {
      for (let n = 0; n < 3; n += 1) {
        await broker.append(
          ROOM,
          Array.from({ length: 500 }, (_, index) => said(`m${n * 500 + index + 1} all`)),
        );
      }
      same(await found(broker, 'm77'), [...Array.from({ length: 10 }, (_, index) => 779 - index), 77], 'a beginning');
      same((await found(broker, 'all', { limit: 5_000 })).length, 1_500, 'all');
    },
  },
  {
    name: 'random entries, amendments and trims are found as a plain list finds them',
    run: async (world) => {
      const { broker } = world;
      const random = seeded(11);
      const below = (n: number) => Math.floor(random() * n);
      const text = () => Array.from({ length: 1 + below(5) }, () => `w${below(40).toString(3)}`).join(' ');
      for (let round = 0; round < 25; round += 1) {
        await broker.append(
          ROOM,
          Array.from({ length: below(30) }, () => said(text())),
          { retain: { entries: 150 + below(50) } },
        );
        const items = (await broker.readBack(ROOM, undefined, { entries: 200, entriesOnly: true })).entries;
        for (let n = 0; n < 8; n += 1) {
          const one = items[below(items.length)];
          if (one === undefined) continue;
          const data = random() < 0.3 ? null : { text: text() };
          await broker.amend(ROOM, amendment(one.offset, data, one.amended?.offset ?? 0)).catch(() => {});
        }
        await world.settle?.();
        const { epoch, floor } = await broker.seek(ROOM, AT + 1);
        const all = await broker.read(ROOM, epoch === null ? { epoch, offset: 0 } : { epoch, offset: floor }, {
          entries: 999,
          entriesOnly: true,
        });
        for (let n = 0; n < 4; n += 1) {
          const query = text();
          same(await found(broker, query), plainly(all.entries, query), `round ${round}: ${query}`);
        }
      }
    },
  },
  {
    name: 'a search of a table is refused, one that can never be right too, and one of nothing finds nothing',
    run: async ({ broker }) => {
      same(await found(broker, 'x'), [], 'of a stream that never was');
      await broker.change(ROOM, [{ key: 'a', set: '{"text":"x"}' }]);
      await rejection(found(broker, 'x'), WrongKindError, 'of a table');
      for (const wrong of [{ limit: 0 }, { limit: 1.5 }, { before: -1 }, { bytes: -1 }]) {
        await rejection(found(broker, 'x', wrong), RangeError, JSON.stringify(wrong));
      }
      await rejection(found(broker, 'x', { fields: [] }), TypeError, 'no fields');
    },
  },
];

export const SEARCH_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, a search finds what it found, and what came since',
    run: async (world) => {
      await world.broker.append(ROOM, [said('one all'), said('two all')]);
      same(await found(world.broker, 'all'), [2, 1], 'before');
      await world.broker.append(ROOM, [said('three all')]);
      const again = await need(world.reopen, 'reopen')();
      same(await found(again, 'all'), [3, 2, 1], 'after');
      await again.append(ROOM, [said('four all')]);
      await again.amend(ROOM, amendment(1, { text: 'uno all' }));
      same(await found(again, 'all'), [4, 3, 2, 1], 'what came since');
      same(await found(again, 'one'), [], 'what was edited');
      same((await readAll(again, ROOM)).entries.length, 5, 'items');
    },
  },
];

function plainly(entries: readonly Entry[], query: string): number[] {
  const wanted = wordsOf(query);
  return entries
    .filter(({ data }) => isFound(wordsIn(data, ['text']), wanted))
    .map(({ offset }) => offset)
    .reverse();
}
