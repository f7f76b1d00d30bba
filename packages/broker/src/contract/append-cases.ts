// Appending: order, contiguity, one step, mistakes.

import type { NewEntry } from '../broker.js';
import { OutOfOrderError } from '../errors.js';
import { check, rejection, same } from './assert.js';
import { ALL, AT, type Case, entries, entry, named, offsetsOf, ROOM, range, readAll, START } from './world.js';

export const APPEND_CASES: readonly Case[] = [
  {
    name: 'entries get the offsets 1, 2, 3 … in the order given, and are read as they were written',
    run: async ({ broker }) => {
      const written = entries(5, 1, 'p');
      const first = await broker.append(ROOM, written.slice(0, 3));
      const second = await broker.append(ROOM, written.slice(3));
      same(
        [...first.appended, ...second.appended],
        range(1, 5).map((offset) => ({ offset, at: AT, duplicate: false })),
        'answers',
      );
      same(second.epoch, first.epoch, 'epoch of the second append');
      const page = await readAll(broker, ROOM);
      const stored = written.map((one, index) => ({ ...one, offset: index + 1 }));
      same(page, { epoch: first.epoch, offset: 5, floor: 0, entries: stored }, 'page');
    },
  },
  {
    name: 'appends made at once take effect in the order of the calls',
    run: async ({ broker }) => {
      const answers = await Promise.all(range(1, 300).map((n) => broker.append(ROOM, [entry(`${n}`, `p${n % 3}`, n)])));
      same(
        answers.map(({ appended }) => appended[0]?.offset),
        range(1, 300),
        'offsets',
      );
      const page = await readAll(broker, ROOM);
      same(
        page.entries.map(({ data }) => data),
        range(1, 300).map((n) => JSON.stringify(`${n}`)),
        'stored order',
      );
    },
  },
  {
    name: 'the entries of one append are neighbours, whatever else is appended at the same time',
    run: async ({ broker }) => {
      const sizes = [1, 7, 2, 600, 3, 1, 40];
      const answers = await Promise.all(sizes.map((size, index) => broker.append(ROOM, entries(size, 1, `p${index}`))));
      let next = 1;
      for (const [index, { appended }] of answers.entries()) {
        const size = sizes[index] ?? 0;
        same(
          appended.map(({ offset }) => offset),
          range(next, next + size - 1),
          `offsets of append ${index}`,
        );
        next += size;
      }
    },
  },
  {
    name: 'an append that is refused stores none of its entries and changes nothing else',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, [entry('five', 'p', 5)]);
      const mixed = [entry('new', 'q', 1), entry('too late', 'p', 4), entry('six', 'p', 6)];
      await rejection(broker.append(ROOM, mixed, { fence: 9, retain: { entries: 1 } }), OutOfOrderError, 'the append');
      same(offsetsOf(await readAll(broker, ROOM)), [1], 'offsets after the refusal');
      same(await broker.lookup(ROOM, { producer: 'q', seq: 1 }), null, 'lookup of its first entry');
      // Neither its fence nor its retention were taken over.
      await broker.append(ROOM, [entry('six', 'p', 6)], { fence: 3 });
      same((await readAll(broker, ROOM)).floor, 0, 'floor');
      same((await broker.append(ROOM, [])).epoch, epoch, 'epoch');
    },
  },
  {
    name: 'a refused first append does not begin the stream',
    run: async ({ broker }) => {
      const backwards = [entry('two', 'p', 2), entry('one', 'p', 1)];
      await rejection(broker.append(ROOM, backwards), OutOfOrderError, 'seq 1 behind seq 2 in one append');
      same(await readAll(broker, ROOM), { ...START, floor: 0, entries: [] }, 'page');
    },
  },
  {
    name: 'each stream begins with an epoch of its own and counts for itself',
    run: async ({ broker }) => {
      const names = ['a', 'a/b', 'a/b:presence', 'A'].map(named);
      const begun = await Promise.all(names.map((name) => broker.append(name, [entry(name, 'p', 1)])));
      const epochs = new Set(begun.map(({ epoch }) => epoch));
      same(epochs.size, names.length, 'different epochs');
      for (const epoch of epochs)
        check(/^[A-Za-z0-9_-]{1,64}$/.test(epoch), `the protocol cannot carry epoch ${epoch}`);
      for (const name of names) {
        same(
          (await readAll(broker, name)).entries.map(({ data }) => data),
          [JSON.stringify(name)],
          `entries of ${name}`,
        );
      }
    },
  },
  {
    name: 'an append of no entries begins the stream, answers its epoch and stores nothing',
    run: async ({ broker }) => {
      const begun = await broker.append(ROOM, []);
      same(begun.appended, [], 'appended');
      same(await readAll(broker, ROOM), { epoch: begun.epoch, offset: 0, floor: 0, entries: [] }, 'page');
      const first = await broker.append(ROOM, [entry('first')]);
      same([first.epoch, first.appended[0]?.offset], [begun.epoch, 1], 'the first entry');
    },
  },
  {
    name: 'an entry without a source is stored each time it is appended',
    run: async ({ broker }) => {
      const news = entry('news');
      await broker.append(ROOM, [news, news]);
      await broker.append(ROOM, [news]);
      same(offsetsOf(await readAll(broker, ROOM)), [1, 2, 3], 'offsets');
    },
  },
  {
    name: 'what the caller does to its objects after the call does not change what is stored',
    run: async ({ broker }) => {
      const source = { producer: 'p', seq: 1 };
      const one = { at: AT, data: '"before"', user: null, source };
      const list: NewEntry[] = [one];
      const appended = broker.append(ROOM, list);
      Object.assign(one, { at: 0, data: '"after"' });
      Object.assign(source, { producer: 'q', seq: 7 });
      list.push(entry('more'));
      await appended;
      const page = await readAll(broker, ROOM);
      same(
        page.entries,
        [{ offset: 1, at: AT, data: '"before"', user: null, source: { producer: 'p', seq: 1 } }],
        'stored',
      );
    },
  },
  {
    name: 'a call that can never be right is a TypeError or RangeError, and stores nothing',
    run: async ({ broker }) => {
      const good = entry('good', 'p', 1);
      const bad: [string, Promise<unknown>][] = [
        ['seq 0', broker.append(ROOM, [good, entry('x', 'q', 0)])],
        ['seq 1.5', broker.append(ROOM, [entry('x', 'p', 1.5)])],
        ['a producer of 513 characters', broker.append(ROOM, [entry('x', 'p'.repeat(513), 1)])],
        ['a time that is no integer', broker.append(ROOM, [{ ...good, at: Number.NaN }])],
        ['NUL in data', broker.append(ROOM, [{ ...good, data: '"\0"' }])],
        ['half of a surrogate pair in user', broker.append(ROOM, [{ ...good, user: '"\ud83e"' }])],
        ['a shared source', broker.append(ROOM, [good, good])],
        ['retain no entries', broker.append(ROOM, [good], { retain: { entries: 0 } })],
        ['retain no age', broker.append(ROOM, [good], { retain: { ageMs: 0 } })],
        ['a fence that is no token', broker.append(ROOM, [good], { fence: -1 })],
        ['a page of 0 entries', broker.read(ROOM, START, { entries: 0 })],
        ['a page of -1 bytes', broker.readBack(ROOM, undefined, { entries: 1, bytes: -1 })],
        ['a lease of 0 ms', broker.lease('name', 0)],
      ];
      for (const [what, call] of bad) {
        const error = await rejection(call, Error, what);
        check(error instanceof TypeError || error instanceof RangeError, `${what}: got ${error.name}`);
      }
      same(await broker.read(ROOM, START, ALL), { ...START, floor: 0, entries: [] }, 'page');
      // A producer's key may be as long as that.
      await broker.append(ROOM, [entry('x', 'p'.repeat(512), 1)]);
    },
  },
];
