// Rows by the many: all of them, in order, whatever their number; and a repeat within a group, which reads what was gathered.

import { join } from 'node:path';
import type { StreamName } from '@trunkline/protocol';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Connection } from '../src/database.js';
import { openSqliteBroker } from '../src/index.js';
import { RowBatch } from '../src/row-batch.js';
import { temporaryFolder } from './world.js';

let folder: ReturnType<typeof temporaryFolder>;
let path: string;
beforeEach(() => {
  folder = temporaryFolder();
  path = join(folder.path, 'rows.db');
});
afterEach(() => folder.remove());

it.each([0, 1, 3, 4, 5, 15, 16, 17, 63, 64, 65, 149])('inserts %i rows', (count) => {
  const db = new Connection(path);
  db.exec('CREATE TABLE t (a, b)');
  const batch = new RowBatch(db, 't (a, b)');
  for (let row = 0; row < count; row += 1) batch.add(row, `row ${row}`);
  expect(db.value('SELECT count(*) FROM t')).toBe(0);
  batch.flush();
  batch.flush();
  const rows = db.query('SELECT a, b FROM t ORDER BY rowid').rows([]);
  expect(rows).toEqual(Array.from({ length: count }, (_, row) => [row, `row ${row}`]));
  db.close();
});

it('forgets what was gathered for a transaction that is gone', () => {
  const db = new Connection(path);
  db.exec('CREATE TABLE t (a, b)');
  const batch = new RowBatch(db, 't (a, b)');
  batch.add(1, 'one');
  batch.clear();
  batch.flush();
  expect(db.value('SELECT count(*) FROM t')).toBe(0);
  db.close();
});

it('knows a repeat of what the same group stores', async () => {
  const broker = await openSqliteBroker(path);
  const name = 'chat/lobby' as StreamName;
  const entry = (seq: number) => ({ at: seq, data: `${seq}`, user: null, source: { producer: 'ada/tab', seq } });
  const results = await Promise.all([1, 2, 1, 3, 2].map((seq) => broker.append(name, [entry(seq)])));
  expect(results.map(({ appended }) => appended[0])).toEqual([
    { offset: 1, at: 1, duplicate: false },
    { offset: 2, at: 2, duplicate: false },
    { offset: 1, at: 1, duplicate: true },
    { offset: 3, at: 3, duplicate: false },
    { offset: 2, at: 2, duplicate: true },
  ]);
  await broker.close();
});

it('trims what the same group stores', async () => {
  const broker = await openSqliteBroker(path);
  const name = 'chat/lobby' as StreamName;
  const entries = Array.from({ length: 100 }, (_, index) => ({ at: index, data: `${index}`, user: null }));
  await broker.append(name, entries, { retain: { entries: 10 } });
  const page = await broker.readBack(name, undefined, { entries: 1_000 });
  expect(page.floor).toBe(90);
  expect(page.entries.map(({ offset }) => offset)).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99, 100]);
  await broker.close();
});
