// A file that an older version wrote is brought up to date when it is opened, with all that is in it.

import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, expect, it } from 'vitest';
import { sqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

/** The tables as version 1 made them. */
const VERSION_1 = `
CREATE TABLE streams (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  name           TEXT NOT NULL UNIQUE,          -- chat/lobby
  epoch          TEXT NOT NULL,                 -- identity of this history
  head           INTEGER NOT NULL DEFAULT 0,    -- offset of the newest entry ever appended
  floor          INTEGER NOT NULL DEFAULT 0,    -- entries floor + 1 … head are kept
  fence          INTEGER NOT NULL DEFAULT 0,    -- highest fencing token seen
  retain_entries INTEGER,                       -- NULL: all
  retain_age_ms  INTEGER                        -- NULL: any
);
CREATE INDEX streams_with_age ON streams(id) WHERE retain_age_ms IS NOT NULL;

CREATE TABLE entries (
  stream   INTEGER NOT NULL,                    -- streams.id
  offset   INTEGER NOT NULL,                    -- 1, 2, 3 …
  at       INTEGER NOT NULL,                    -- server time, milliseconds since 1970
  user     TEXT,                                -- the publisher as JSON; NULL: the server
  producer INTEGER,                             -- producers.id; NULL: the server
  seq      INTEGER,                             -- the producer's count
  data     TEXT NOT NULL,                       -- the payload as JSON
  PRIMARY KEY (stream, offset)
) WITHOUT ROWID;

CREATE TABLE producers (                        -- who published to which stream
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  stream   INTEGER NOT NULL,                    -- streams.id
  producer TEXT NOT NULL,
  used_at  INTEGER NOT NULL,                    -- milliseconds since 1970, at most an hour late
  UNIQUE (stream, producer)
);
CREATE INDEX producers_by_use ON producers(used_at);

CREATE TABLE publishes (                        -- which offset each publish got; outlives the entry
  producer INTEGER NOT NULL,                    -- producers.id
  seq      INTEGER NOT NULL,
  offset   INTEGER NOT NULL,
  at       INTEGER NOT NULL,
  PRIMARY KEY (producer, seq)
) WITHOUT ROWID;

CREATE TABLE trash (                            -- removed, and deleted in small steps
  kind TEXT NOT NULL,                           -- 'stream' or 'producer'
  id   INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('lease_token', 0);

CREATE VIEW history AS
SELECT s.name AS stream, e.offset, strftime('%Y-%m-%d %H:%M:%f', e.at / 1000.0, 'unixepoch') AS time_utc,
       e.user, e.data, p.producer, e.seq
FROM entries e JOIN streams s ON s.id = e.stream LEFT JOIN producers p ON p.id = e.producer;

PRAGMA application_id = 1414679372;
PRAGMA user_version = 1;
`;

const folder = temporaryFolder();
afterEach(() => folder.remove());

it('keeps the logs of version 1, takes tables and calls beside them, and amends old entries', async () => {
  const path = join(folder.path, 'old.db');
  const old = new Database(path);
  old.exec(VERSION_1);
  old.exec(`INSERT INTO streams (name, epoch, head) VALUES ('chat/lobby', 'old-epoch', 2);
    INSERT INTO producers (stream, producer, used_at) VALUES (1, 'p', ${Date.now()});
    INSERT INTO publishes VALUES (1, 1, 1, 1000);
    INSERT INTO entries VALUES (1, 1, 1000, NULL, 1, 1, '"one"'), (1, 2, 2000, NULL, NULL, NULL, '"two"');`);
  old.close();

  for (const round of [1, 2]) {
    const broker = sqliteBroker(path);
    const page = await broker.read('chat/lobby' as never, { epoch: 'old-epoch', offset: 0 }, { entries: 10 });
    expect(page.entries.filter(({ amends }) => !amends).map(({ offset, data }) => [offset, data])).toEqual([
      [1, '"one"'],
      [2, '"two"'],
    ]);
    const expects = round === 1 ? 0 : 3;
    const state = `{"editedAt":${round}}`;
    const amended = { offset: 1, expects, data: '"one"', state, at: 3_000, user: '"ada"', owner: 'ada' };
    expect((await broker.amend('chat/lobby' as never, amended)).offset).toBe(2 + round);
    expect(await broker.tail('chat/lobby' as never, 0, 1)).toMatchObject({ from: 1, after: 2 });
    expect(await broker.lookup('chat/lobby' as never, { producer: 'p', seq: 1 })).toMatchObject({ offset: 1 });
    const { offset } = await broker.change('quotes/nyse' as never, [{ key: 'ACME', set: `{"round":${round}}` }]);
    expect(offset).toBe(round);
    expect((await broker.begin({ producer: 'p', seq: 1 }, 60_000)).state).toBe(round === 1 ? 'new' : 'done');
    await broker.finish({ producer: 'p', seq: 1 }, '1');
    await broker.close();
  }
});

/** Every table and column of a file, and its version. */
function shapeOf(path: string): unknown[] {
  const db = new Database(path);
  const tables = db.prepare(
    `SELECT t.name AS "table", c.name, c.type, c."notnull", c.dflt_value, c.pk FROM sqlite_schema t, pragma_table_info(t.name) c
     WHERE t.type IN ('table', 'view') ORDER BY t.name, c.cid`,
  );
  const indexes = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name");
  const shape = [tables.raw().all(), indexes.raw().all(), db.prepare('PRAGMA user_version').raw().get()];
  db.close();
  return shape;
}

/** From each version to the one before. */
const UNDO_8 = `DROP TABLE entry_words; DROP TABLE word_indexes; DELETE FROM counters WHERE name = 'word_traces';
  ${['counted_from', 'counted_bytes', 'retain_bytes'].map((column) => `ALTER TABLE streams DROP COLUMN ${column};`).join(' ')}
  PRAGMA user_version = 7;`;
const UNDO_7 =
  'ALTER TABLE dead_letters DROP COLUMN owner; ALTER TABLE dead_letters DROP COLUMN amends; PRAGMA user_version = 6;';
const UNDO_6 = `DROP INDEX records; DROP VIEW history; DELETE FROM counters WHERE name = 'erased';
  ALTER TABLE streams DROP COLUMN records;
  ${['owner', 'amended', 'state', 'amends', 'nth'].map((column) => `ALTER TABLE entries DROP COLUMN ${column};`).join(' ')}
  ${VERSION_1.slice(VERSION_1.indexOf('CREATE VIEW history'), VERSION_1.indexOf('PRAGMA'))} PRAGMA user_version = 5;`;
const UNDO_5 =
  'DROP TABLE dead_letters; DROP INDEX streams_waiting; ALTER TABLE streams DROP COLUMN outbox_done; PRAGMA user_version = 4;';
const UNDO_4 = 'ALTER TABLE publishes DROP COLUMN count; PRAGMA user_version = 3;';
const UNDO_3 = 'DROP TABLE calls; PRAGMA user_version = 2;';

it.each([
  ['1', undefined],
  ['2', UNDO_8 + UNDO_7 + UNDO_6 + UNDO_5 + UNDO_4 + UNDO_3],
  ['3', UNDO_8 + UNDO_7 + UNDO_6 + UNDO_5 + UNDO_4],
  ['4', UNDO_8 + UNDO_7 + UNDO_6 + UNDO_5],
  ['5', UNDO_8 + UNDO_7 + UNDO_6],
  ['6', UNDO_8 + UNDO_7],
  ['7', UNDO_8],
])('brings a file of version %s to the tables of a new one', async (version, undo) => {
  const [fresh, path] = [join(folder.path, 'new.db'), join(folder.path, 'old.db')];
  await sqliteBroker(fresh).close();
  if (undo !== undefined) await sqliteBroker(path).close();
  const old = new Database(path);
  old.exec(undo ?? VERSION_1);
  old.close();
  expect(shapeOf(path), `of version ${version}`).not.toEqual(shapeOf(fresh));

  const broker = sqliteBroker(path);
  await broker.begin({ producer: 'p', seq: 1 }, 60_000);
  await broker.close();
  expect(shapeOf(path)).toEqual(shapeOf(fresh));
});
