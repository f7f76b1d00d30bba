// The tables, written for people who open the file with any SQLite tool.

import { DEFAULT_TOMBSTONES } from '@trunkline/broker';

/** "TRKL": says that a file is ours, in its header. */
export const APPLICATION_ID = 0x54524b4c;
/** Version of the tables below, in the file's header (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 8;

/** What version 2 added: tables. */
const CREATE_TABLES = `
CREATE TABLE rows (                             -- the latest value of each row of a table
  stream     INTEGER NOT NULL,                  -- streams.id
  key        TEXT NOT NULL,
  born       INTEGER NOT NULL,                  -- offset of the step that created it
  offset     INTEGER NOT NULL,                  -- offset of the step that changed it last
  expires_at INTEGER,                           -- milliseconds since 1970; NULL: never
  data       TEXT NOT NULL,                     -- a JSON object
  PRIMARY KEY (stream, key)
) WITHOUT ROWID;
CREATE INDEX rows_by_change ON rows(stream, offset);
CREATE INDEX rows_by_expiry ON rows(expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE tombstones (                       -- deletions that readers may still have to be told of
  stream INTEGER NOT NULL,                      -- streams.id
  key    TEXT NOT NULL,
  offset INTEGER NOT NULL,
  at     INTEGER NOT NULL,                      -- milliseconds since 1970
  PRIMARY KEY (stream, key)
) WITHOUT ROWID;
CREATE INDEX tombstones_by_change ON tombstones(stream, offset);

CREATE VIEW table_rows AS
SELECT s.name AS stream, r.key, r.data, r.offset FROM rows r JOIN streams s ON s.id = r.stream;
`;

/** What version 3 added: calls that must not run twice. */
const CREATE_CALLS = `
CREATE TABLE calls (                            -- procedures that run once, and what they answered
  caller    TEXT NOT NULL,                      -- who called
  seq       INTEGER NOT NULL,                   -- the caller's count
  ttl_ms    REAL NOT NULL,                      -- remembered this long after it was begun, and after it was finished
  forget_at REAL NOT NULL,                      -- milliseconds since 1970
  result    TEXT,                               -- what came of it as JSON; NULL: begun, and not finished
  PRIMARY KEY (caller, seq)
) WITHOUT ROWID;
CREATE INDEX calls_by_end ON calls(forget_at);
`;

/** What version 5 added: who is still to be told of what a log got. */
const CREATE_OUTBOX = `
CREATE INDEX streams_waiting ON streams(name) WHERE outbox_done < head;

CREATE TABLE dead_letters (                     -- entries that nobody could be told of
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  stream   TEXT NOT NULL,                       -- its name: the stream may be removed by now
  epoch    TEXT NOT NULL,
  offset   INTEGER NOT NULL,
  at       INTEGER NOT NULL,                    -- of the entry, milliseconds since 1970
  user     TEXT,                                -- the publisher as JSON; NULL: the server
  producer TEXT,
  seq      INTEGER,
  data     TEXT NOT NULL,                       -- the payload as JSON
  died_at  INTEGER NOT NULL,                    -- milliseconds since 1970
  attempts INTEGER NOT NULL,
  reason   TEXT NOT NULL
);
`;

/** What version 6 added to `entries`: owners, and what amendments need. */
const AMENDMENTS = {
  owner: 'TEXT',
  amended: 'INTEGER',
  state: 'TEXT',
  amends: 'INTEGER',
  nth: 'INTEGER',
} as const;
const INDEX_RECORDS = `
CREATE INDEX records ON entries(stream, offset, nth) WHERE amends IS NOT NULL;
INSERT INTO counters VALUES ('erased', 0);      -- texts that were replaced, and may have left copies in unused places
`;
const CREATE_HISTORY = `
CREATE VIEW history AS
SELECT s.name AS stream, e.offset, strftime('%Y-%m-%d %H:%M:%f', e.at / 1000.0, 'unixepoch') AS time_utc,
       e.user, e.data, p.producer, e.seq, e.state
FROM entries e JOIN streams s ON s.id = e.stream LEFT JOIN producers p ON p.id = e.producer WHERE e.amends IS NULL;
`;

/** What version 7 added to dead letters: whose entry it is, and which entry a record amends. */
const AMENDED_LETTERS = `
ALTER TABLE dead_letters ADD COLUMN owner TEXT;
ALTER TABLE dead_letters ADD COLUMN amends INTEGER;
`;

/** What version 8 added to `streams`: retention by bytes. */
const BYTES = {
  retain_bytes: 'INTEGER',
  counted_bytes: 'INTEGER NOT NULL DEFAULT 0',
  counted_from: 'INTEGER NOT NULL DEFAULT 0',
} as const;
/** And the index of words. */
const CREATE_WORDS = `
CREATE TABLE word_indexes (                     -- logs that were searched
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  stream      INTEGER NOT NULL UNIQUE,          -- streams.id
  fields      TEXT NOT NULL,                    -- members of the payload, as JSON
  up_to       INTEGER NOT NULL,                 -- entries above the floor and up to here are in the index
  next_fields TEXT                              -- what it is to have instead; NULL: nothing
);
CREATE VIRTUAL TABLE entry_words USING fts5(    -- rowid: word_indexes.id << 36 | entries.offset
  list, content='', detail='none', columnsize=0, tokenize='ascii', prefix='1 2 3'
);
INSERT INTO entry_words (entry_words, rank) VALUES ('secure-delete', 1);
INSERT INTO counters VALUES ('word_traces', 0); -- words that were taken out, and may have left their beginning
`;

/** From each older version to the next: the first leads from 1 to 2. */
export const MIGRATIONS: readonly string[] = [
  `ALTER TABLE streams ADD COLUMN kind TEXT NOT NULL DEFAULT 'log';
   ALTER TABLE streams ADD COLUMN tombstone_count INTEGER NOT NULL DEFAULT ${DEFAULT_TOMBSTONES.count};
   ALTER TABLE streams ADD COLUMN tombstone_age_ms INTEGER NOT NULL DEFAULT ${DEFAULT_TOMBSTONES.ageMs};
   ${CREATE_TABLES}
   PRAGMA user_version = 2;`,
  `${CREATE_CALLS}
   PRAGMA user_version = 3;`,
  // A publish that was stored alone is a run of one.
  `ALTER TABLE publishes ADD COLUMN count INTEGER NOT NULL DEFAULT 1;
   PRAGMA user_version = 4;`,
  `ALTER TABLE streams ADD COLUMN outbox_done INTEGER;
   ${CREATE_OUTBOX}
   PRAGMA user_version = 5;`,
  `${Object.entries(AMENDMENTS)
    .map(([column, type]) => `ALTER TABLE entries ADD COLUMN ${column} ${type};`)
    .join('\n')}
   ALTER TABLE streams ADD COLUMN records INTEGER NOT NULL DEFAULT 0;
   ${INDEX_RECORDS}
   DROP VIEW history;
   ${CREATE_HISTORY}
   PRAGMA user_version = 6;`,
  `${AMENDED_LETTERS}
   PRAGMA user_version = 7;`,
  `${Object.entries(BYTES)
    .map(([column, type]) => `ALTER TABLE streams ADD COLUMN ${column} ${type};`)
    .join('\n')}
   ${CREATE_WORDS}
   PRAGMA user_version = 8;`,
];

export const CREATE_SCHEMA = `
CREATE TABLE streams (
  id             INTEGER PRIMARY KEY AUTOINCREMENT,
  name           TEXT NOT NULL UNIQUE,          -- chat/lobby
  epoch          TEXT NOT NULL,                 -- identity of this history
  head           INTEGER NOT NULL DEFAULT 0,    -- offset of the newest entry ever appended
  floor          INTEGER NOT NULL DEFAULT 0,    -- entries floor + 1 … head are kept
  fence          INTEGER NOT NULL DEFAULT 0,    -- highest fencing token seen
  retain_entries INTEGER,                       -- NULL: all
  retain_age_ms  INTEGER,                       -- NULL: any
  kind             TEXT NOT NULL DEFAULT 'log', -- 'log' or 'table'
  tombstone_count  INTEGER NOT NULL DEFAULT ${DEFAULT_TOMBSTONES.count},     -- of a table: deletions remembered
  tombstone_age_ms INTEGER NOT NULL DEFAULT ${DEFAULT_TOMBSTONES.ageMs},
  outbox_done      INTEGER,                     -- of a log: how far somebody was told of it; NULL: nobody is to be told
  records          INTEGER NOT NULL DEFAULT 0,  -- of a log: how many offsets were records of amendments since it began
  retain_bytes     ${BYTES.retain_bytes},                     -- NULL: any
  counted_bytes    ${BYTES.counted_bytes},  -- with retain_bytes: of the entries above counted_from that are kept
  counted_from     ${BYTES.counted_from}
);
CREATE INDEX streams_with_age ON streams(id) WHERE retain_age_ms IS NOT NULL;

CREATE TABLE entries (
  stream   INTEGER NOT NULL,                    -- streams.id
  offset   INTEGER NOT NULL,                    -- 1, 2, 3 …
  at       INTEGER NOT NULL,                    -- server time, milliseconds since 1970
  user     TEXT,                                -- the publisher as JSON; NULL: the server
  producer INTEGER,                             -- producers.id; NULL: the server
  seq      INTEGER,                             -- the producer's count
  data     TEXT NOT NULL,                       -- the payload as JSON, as it is now; of a record null
  owner    ${AMENDMENTS.owner},                                -- the publisher's id; NULL: nobody's
  amended  ${AMENDMENTS.amended},                             -- of an amended entry: offset of its newest record
  state    ${AMENDMENTS.state},                                -- of an amended entry: all else that changes, as JSON
  amends   ${AMENDMENTS.amends},                             -- of a record: offset of its entry; NULL: it is an entry
  nth      ${AMENDMENTS.nth},                             -- of a record: entries before it
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
  seq      INTEGER NOT NULL,                    -- of the first of a run that was stored together
  offset   INTEGER NOT NULL,                    -- of the first; seqs and offsets count up together
  at       INTEGER NOT NULL,                    -- of all of them
  count    INTEGER NOT NULL DEFAULT 1,          -- publishes in the run
  PRIMARY KEY (producer, seq)
) WITHOUT ROWID;

CREATE TABLE trash (                            -- removed, and deleted in small steps
  kind TEXT NOT NULL,                           -- 'stream' or 'producer'
  id   INTEGER NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters VALUES ('lease_token', 0);
${INDEX_RECORDS}${CREATE_HISTORY}
${CREATE_TABLES}${CREATE_CALLS}${CREATE_OUTBOX}${AMENDED_LETTERS}${CREATE_WORDS}
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${SCHEMA_VERSION};
`;
