// Entries on their way into the table: what is gathered as a run comes out row by row, as it came in.

import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Connection, type Row } from '../src/database.js';
import { type EntryRow, EntryRows } from '../src/entry-rows.js';
import { CREATE_SCHEMA } from '../src/schema.js';
import { temporaryFolder } from './world.js';

let folder: ReturnType<typeof temporaryFolder>;
let db: Connection;
beforeEach(() => {
  folder = temporaryFolder();
  db = new Connection(join(folder.path, 'rows.db'));
  db.exec(CREATE_SCHEMA);
});
afterEach(() => {
  db.close();
  folder.remove();
});

const stored = (): Row[] =>
  db.query('SELECT stream, offset, at, user, producer, seq, owner, data FROM entries ORDER BY stream, offset').rows([]);

const first: EntryRow = { stream: 1, offset: 1, at: 5, user: '"ada"', producer: 7, seq: 3, owner: 'ada' };

/** The `index`-th entry of a burst that begins with `first`. */
const nth = (index: number, row = first): EntryRow => ({
  ...row,
  offset: row.offset + index,
  seq: row.seq === null ? null : row.seq + index,
});

const valuesOf = ({ stream, offset, at, user, producer, seq, owner }: EntryRow, data: string): Row => [
  ...[stream, offset, at, user, producer, seq, owner, data],
];

describe('a run', () => {
  it.each([1, 3, 4, 5, 32, 255, 256, 257, 600])('of %i', (count) => {
    const rows = new EntryRows(db);
    const expected: Row[] = [];
    for (let index = 0; index < count; index += 1) {
      rows.add(nth(index), [`{"n":${index}}`]);
      expected.push(valuesOf(nth(index), `{"n":${index}}`));
    }
    rows.flush();
    rows.flush();
    expect(stored()).toEqual(expected);
  });

  it.each([
    [3, 2],
    [128, 128],
    [128, 129],
    [200, 100, 1],
  ])('that comes as %i, %i and more', (...counts) => {
    const rows = new EntryRows(db);
    let index = 0;
    for (const count of counts) {
      rows.add(
        nth(index),
        Array.from({ length: count }, (_, next) => `${index + next}`),
      );
      index += count;
    }
    rows.flush();
    expect(stored()).toEqual(Array.from({ length: index }, (_, next) => valuesOf(nth(next), `${next}`)));
  });

  it('of any JSON text', () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 4, maxLength: 12 }), (texts) => {
        db.exec('DELETE FROM entries');
        const rows = new EntryRows(db);
        for (const [index, data] of texts.entries()) rows.add(nth(index), [data]);
        rows.flush();
        expect(stored().map((row) => row[7])).toEqual(texts);
      }),
      { numRuns: 200 },
    );
  });

  it('of the server, which has neither user nor seq', () => {
    const server: EntryRow = { ...first, user: null, producer: null, seq: null, owner: null };
    const rows = new EntryRows(db);
    for (let index = 0; index < 6; index += 1) rows.add(nth(index, server), [`${index}`]);
    rows.flush();
    expect(stored()).toEqual(Array.from({ length: 6 }, (_, index) => valuesOf(nth(index, server), `${index}`)));
  });
});

it('ends where an entry differs in anything else', () => {
  const changes: Partial<EntryRow>[] = [
    ...[{ stream: 2 }, { offset: 100 }, { at: 6 }, { user: '"bob"' }, { user: null }, { producer: 8 }, { seq: 40 }],
    ...[{ producer: null, seq: null }, { owner: 'bob' }, { owner: null }],
  ];
  for (const change of changes) {
    db.exec('DELETE FROM entries');
    const rows = new EntryRows(db);
    const expected: Row[] = [];
    for (let index = 0; index < 12; index += 1) {
      // Two runs, the second of which begins with what is changed.
      const row = index < 6 ? nth(index) : nth(index - 6, { ...nth(6), ...change });
      rows.add(row, [`${index}`]);
      expected.push(valuesOf(row, `${index}`));
    }
    rows.flush();
    expect(stored()).toEqual(expected);
  }
});

it('forgets what was gathered for a transaction that is gone', () => {
  const rows = new EntryRows(db);
  for (let index = 0; index < 5; index += 1) rows.add(nth(index), ['1']);
  rows.clear();
  rows.flush();
  expect(stored()).toEqual([]);
});
