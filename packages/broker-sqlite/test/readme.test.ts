// What the README says about the file is true: its queries run, and it names every table and column.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StreamName } from '@trunkline/protocol';
import Database from 'libsql';
import { expect, it } from 'vitest';
import { openSqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

it('shows queries that run, and names what is in the file', async () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'trunkline.db');
  const broker = await openSqliteBroker(path);
  const message = { at: Date.now(), data: '{"text":"hello"}', user: '{"id":"ada","name":"Ada"}' };
  await broker.append('chat/lobby' as StreamName, [{ ...message, source: { producer: 'ada:tab', seq: 1 } }]);
  await broker.close();

  const db = new Database(path);
  const queries = [...README.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql = '']) => sql);
  const rows = queries.map((sql) => db.prepare(sql).all()[0]);
  expect(rows).toMatchObject([
    { who: 'Ada', text: 'hello' },
    { name: 'chat/lobby', entries: 1, ever: 1 },
    { stream: 'chat/lobby', producer: 'ada:tab', entries: 1 },
  ]);

  const names =
    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'entry_words_%' ORDER BY name";
  const tables = (db.prepare(names).all() as { name: string }[]).map(({ name }) => name);
  expect(tables).toEqual([
    'calls',
    'counters',
    'dead_letters',
    'entries',
    'entry_words',
    'history',
    'producers',
    'publishes',
    'rows',
    'streams',
    'table_rows',
    'tombstones',
    'trash',
    'word_indexes',
  ]);
  for (const table of tables) {
    const line = README.split('\n').find((text) => text.startsWith(`| \`${table}\``)) ?? '';
    expect(line, `the README's line of ${table}`).not.toBe('');
    if (['streams', 'entries', 'producers', 'publishes', 'calls', 'dead_letters', 'word_indexes'].includes(table)) {
      const columns = db.prepare(`SELECT name FROM pragma_table_info('${table}')`).all() as { name: string }[];
      for (const { name } of columns) expect(line).toContain(`\`${name}\``);
    }
  }
  const version = db.prepare('PRAGMA user_version').get();
  expect(version).toMatchObject({ user_version: 8 });
  expect(README).toContain('version of these tables: 8.');
  db.close();
  folder.remove();
});
