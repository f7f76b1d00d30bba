// A reader that applies the slices it is given, and nothing else, has what the table has: for any changes, any place, any
// watch list, and wherever it stops in the middle.

import { type Broker, memoryBroker, type RowChange, type Tables } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BEGINNING, isBeginning, type Place, rowSlices, watchListSlice } from '../src/row-slice.js';
import { TableRows } from '../src/table-rows.js';

const NAME = 'quotes/nyse' as StreamName;

interface RowsMessage {
  readonly from: number;
  readonly to: number;
  readonly epoch?: string;
  readonly reset?: true;
  readonly set?: Record<string, object>;
  readonly patch?: Record<string, object>;
  readonly unset?: Record<string, string[]>;
  readonly delete?: string[];
  readonly drop?: string[];
}

/** What a client does. */
class Reader {
  rows = new Map<string, Record<string, unknown>>();
  position = 0;
  place = BEGINNING;

  constructor(public keys?: Set<string>) {}

  take(slice: { readonly text: string; readonly place: Place }): void {
    const message = JSON.parse(slice.text) as RowsMessage;
    expect(message.from).toBe(message.reset ? 0 : this.position);
    if (message.reset) this.rows.clear();
    for (const [key, row] of Object.entries(message.set ?? {})) this.rows.set(key, { ...row });
    for (const [key, fields] of Object.entries(message.patch ?? {})) {
      expect(this.rows.has(key), `a patch of the row ${key}, which is not here`).toBe(true);
      this.rows.set(key, { ...this.rows.get(key), ...fields });
    }
    for (const [key, names] of Object.entries(message.unset ?? {})) {
      for (const name of names) delete this.rows.get(key)?.[name];
    }
    for (const key of [...(message.delete ?? []), ...(message.drop ?? [])]) this.rows.delete(key);
    this.position = message.to;
    this.place = slice.place;
  }

  /** Takes as many slices as given; all of them by default. */
  catchUp(rows: TableRows, most = Number.POSITIVE_INFINITY): void {
    for (const slice of rowSlices(rows, { ch: 1, epoch: 'e', place: this.place, keys: this.keys }).slice(0, most)) {
      this.take(slice);
    }
  }

  watch(rows: TableRows, keys: Set<string>): void {
    const before = this.keys;
    const entering = [...keys].filter((key) => before !== undefined && !before.has(key));
    const leaving = before === undefined ? [...this.rows.keys()] : [...before];
    const [enter, leave] = [new Set(entering), new Set(leaving.filter((key) => !keys.has(key)))];
    this.keys = keys;
    if (isBeginning(this.place)) return;
    while (enter.size + leave.size > 0) {
      this.take(watchListSlice(rows, { ch: 1, epoch: 'e', place: this.place }, enter, leave));
    }
  }
}

/** A table, and what a node that watches it knows. */
async function table() {
  const broker: Broker & Tables = memoryBroker({ nowMs: () => 0, randomEpoch: () => 'e' });
  const rows = new TableRows();
  await broker.watch(NAME, ({ from, to, rows: changed = [], gone = [] }) =>
    rows.apply(changed, gone, to, to === from + 1),
  );
  const load = async () => {
    const loaded = new TableRows();
    const page = await broker.readRows(NAME, { epoch: null, offset: 0 }, { entries: 1e9 });
    loaded.apply(page.rows, page.gone, page.to, false);
    return loaded;
  };
  const change = async (...step: RowChange[]) => {
    await broker.change(NAME, step);
    // Announcements come a few microtasks later.
    for (let n = 0; n < 6; n++) await Promise.resolve();
  };
  const wanted = async (keys?: Set<string>) => {
    const page = await broker.readRows(NAME, { epoch: null, offset: 0 }, { entries: 1e9 });
    return page.rows
      .filter(({ key }) => keys === undefined || keys.has(key))
      .map(({ key, data }) => [key, JSON.parse(data)])
      .sort();
  };
  return { broker, rows, load, change, wanted };
}

/** Where a reader begins that comes back. */
const resumed = ({ position }: Reader): Place => (position === 0 ? BEGINNING : { since: position, at: position });
const held = (reader: Reader) => [...reader.rows].sort();
const set = (key: string, row: object): RowChange => ({ key, set: JSON.stringify(row) });
const patch = (key: string, fields: object, ...unset: string[]): RowChange => ({
  key,
  patch: JSON.stringify(fields),
  unset,
});

describe('TAB-1, TAB-3, TAB-4: slices of a table', () => {
  it('tell a row whole to who does not have it, and only the changed fields to who has', async () => {
    const { rows, change } = await table();
    await change(set('A', { bid: 1, ask: 2, size: 3 }));
    await change(patch('A', { bid: 5 }, 'size'), set('B', { bid: 9 }));
    const text = (place: Place) => rowSlices(rows, { ch: 7, epoch: 'e', place }).map((slice) => slice.text);
    expect(text(BEGINNING)).toEqual([
      '{"type":"rows","ch":7,"from":0,"to":2,"epoch":"e","reset":true,"set":{"A":{"bid":5,"ask":2},"B":{"bid":9}}}',
    ]);
    expect(text({ since: 1, at: 1 })).toEqual([
      '{"type":"rows","ch":7,"from":1,"to":2,"set":{"B":{"bid":9}},"patch":{"A":{"bid":5}},"unset":{"A":["size"]}}',
    ]);
    expect(text({ since: 2, at: 2 })).toEqual([]);
  });

  it('move the position over steps of which nothing is wanted', async () => {
    const { rows, change } = await table();
    await change(set('A', {}));
    await change(set('B', {}));
    const place = { since: 1, at: 1 };
    expect(rowSlices(rows, { ch: 7, epoch: 'e', place, keys: new Set(['A']) }).map(({ text }) => text)).toEqual([
      '{"type":"rows","ch":7,"from":1,"to":2}',
    ]);
  });

  it('of a range too long for one do not move the position but with the last, so that who is cut off loses nothing', async () => {
    const { rows, change, wanted } = await table();
    const big = 'x'.repeat(40_000);
    await change(set('old', { a: 0, b: 0 }));
    const reader = new Reader();
    reader.catchUp(rows);
    await change(patch('old', { a: 1 }));
    await change(set('P', { big }));
    await change(set('Q', { big }));
    await change(patch('old', { b: 1 }));
    const slices = rowSlices(rows, { ch: 1, epoch: 'e', place: reader.place });
    expect(slices.map(({ text }) => text.replaceAll('x', '').replaceAll(/"type":"rows","ch":1,/g, ''))).toEqual([
      '{"from":1,"to":1,"set":{"P":{"big":""}}}',
      '{"from":1,"to":5,"set":{"Q":{"big":""}},"patch":{"old":{"a":1,"b":1}}}',
    ]);
    reader.catchUp(rows, 1);
    // Cut off here, it comes back with the position that it knows.
    reader.place = resumed(reader);
    reader.catchUp(rows);
    expect(held(reader)).toEqual(await wanted());
  });

  it('never hold half of a step', async () => {
    const { rows, change } = await table();
    const big = 'x'.repeat(30_000);
    await change(set('A', { big }), set('B', { big }), set('C', { big }));
    await change(set('D', { big }), set('E', { big }));
    const keys = rowSlices(rows, { ch: 1, epoch: 'e', place: BEGINNING }).map(({ text }) =>
      Object.keys((JSON.parse(text) as RowsMessage).set ?? {}),
    );
    expect(keys).toEqual([
      ['A', 'B', 'C'],
      ['D', 'E'],
    ]);
  });

  it.each([
    [65_536, [['A', 'B', 'C']]],
    [65_537, [['A'], ['B', 'C']]],
  ])(
    'hold at most 64 KB of rows, or those of one step: a small step and a large one, %i bytes',
    async (bytes, wanted) => {
      const { rows, change } = await table();
      const row = (pad: number) => ({ big: 'x'.repeat(pad) });
      await change(set('A', row(1_000)));
      const more = (rows.node('A')?.whole().bytes ?? 0) - 1_000;
      await change(set('B', row(30_000)), set('C', row(bytes - 31_000 - 3 * more)));
      const keys = rowSlices(rows, { ch: 1, epoch: 'e', place: BEGINNING }).map(({ text }) =>
        Object.keys((JSON.parse(text) as RowsMessage).set ?? {}),
      );
      expect(keys).toEqual(wanted);
    },
  );

  it('to who asks from before a restart of the node tell whole what the node cannot know', async () => {
    const { load, change } = await table();
    await change(set('A', { a: 1, b: 1 }));
    await change(patch('A', { a: 2 }, 'b'));
    const place = { since: 1, at: 1 };
    expect(rowSlices(await load(), { ch: 1, epoch: 'e', place }).map(({ text }) => text)).toEqual([
      '{"type":"rows","ch":1,"from":1,"to":2,"set":{"A":{"a":2}}}',
    ]);
  });

  it('tell a row whole whose removed fields are too many to remember', async () => {
    const { rows, change, wanted } = await table();
    await change(set('A', { stays: 1 }));
    const reader = new Reader();
    reader.catchUp(rows);
    for (let n = 0; n < 80; n++) {
      await change(patch('A', { [`f${n}`]: n }));
      if (n === 20) reader.catchUp(rows);
      await change(patch('A', {}, `f${n}`));
    }
    reader.catchUp(rows);
    expect(held(reader)).toEqual(await wanted());
  });

  it('after any changes make any reader, with any watch list, the same as the table', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd', '__proto__', 'constructor');
    const field = fc.constantFrom('x', 'y', '__proto__', 'z');
    const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant('x'.repeat(25_000)));
    // Entries, not objects: an object literal would set its prototype.
    const object = fc.array(fc.tuple(field, value), { maxLength: 3 }).map((fields) => rowText(fields));
    const rowChange: fc.Arbitrary<RowChange> = fc.oneof(
      fc.record({ key, set: object }),
      fc.record({ key, patch: object, unset: fc.array(field, { maxLength: 2 }) }),
      fc.record({ key, delete: fc.constant(true as const) }),
    );
    const act = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ step: fc.uniqueArray(rowChange, { maxLength: 3, selector: (one) => one.key }) }),
      },
      { weight: 3, arbitrary: fc.record({ reader: fc.nat(2), most: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ reader: fc.nat(2), keys: fc.uniqueArray(key) }) },
      { weight: 1, arbitrary: fc.record({ reader: fc.nat(2), reconnect: fc.constant(true) }) },
      { weight: 1, arbitrary: fc.record({ restart: fc.constant(true) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const { broker, rows: live, load, change, wanted } = await table();
        let rows = live;
        const readers = [new Reader(), new Reader(new Set(['a', 'b'])), new Reader()];
        for (const one of acts) {
          if ('step' in one) await change(...one.step);
          else if ('restart' in one) {
            // Another node: it knows only what is stored, and hears of what comes.
            const loaded = await load();
            await broker.watch(NAME, ({ from, to, rows: changed = [], gone = [] }) =>
              loaded.apply(changed, gone, to, to === from + 1),
            );
            rows = loaded;
          } else {
            const reader = readers[one.reader] as Reader;
            if ('most' in one) reader.catchUp(rows, one.most);
            else if ('keys' in one) reader.watch(rows, new Set(one.keys));
            else reader.place = resumed(reader);
          }
        }
        for (const reader of readers) {
          // A place between two parts dies with its connection, and the node that knew it.
          if (rows !== live) reader.place = resumed(reader);
          reader.catchUp(rows);
          expect(held(reader)).toEqual(await wanted(reader.keys));
        }
      }),
      { numRuns: 300 },
    );
  });
});

function rowText(fields: readonly (readonly [string, unknown])[]): string {
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`;
}
