// What SQLite alone does with the same: the rows that Trunkline's broker writes for a publish, by the same binding, with prepared statements
// for many rows as Trunkline's are, in groups of the size that Trunkline's had, with the same pragmas and checkpoints. No network, no second
// thread. Obeys `turn ROWS` and `finish` itself: it is server and load in one.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openSqliteBroker } from '@trunkline/broker-sqlite';
import { quantile } from '../../lib/stats.mjs';
import { dataFolder } from '../folder.mjs';
import { dataOf, streamOf } from '../messages.mjs';

/** @typedef {{ connections: number, logs: number, depth: number, windowMs: number }} Plan */
/**
 * @typedef {object} Outcome
 * @property {number} messages
 * @property {number} windowSeconds
 * @property {number} cpuSeconds
 * @property {number} latencyP99Ms Of a whole group.
 * @property {number} groups
 * @property {number} commitMs In all.
 */

const CHECKPOINT_BYTES = 4 * 1024 * 1024;
/** Fewer entries of a connection are rows like any other. */
const LEAST_RUN = 4;
/** Rows of one statement. */
const SIZES = [64, 16, 4, 1];
const USER = '"publisher"';
const OWNER = 'publisher';
const COLUMNS = 'entries (stream, offset, at, user, producer, seq, data, owner)';

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const require = createRequire(fileURLToPath(import.meta.resolve('@trunkline/broker-sqlite')));
const Database = require('libsql');

const path = join(dataFolder(), 'raw.db');
// Trunkline's own tables, with every log and producer known already.
const broker = await openSqliteBroker(path);
for (let index = 0; index < plan.connections; index += 1) {
  const source = { producer: `publisher/p${1_000 + index}`, seq: 1 };
  const name = /** @type {import('@trunkline/protocol').StreamName} */ (streamOf(index, plan.logs));
  await broker.append(name, [{ at: 1, data: '{}', user: '"publisher"', source }]);
}
await broker.close();

const db = new Database(path);
db.exec(
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; PRAGMA wal_autocheckpoint = 0;',
);
const streams = /** @type {{ id: number, head: number }[]} */ (db.prepare('SELECT id, head FROM streams').all());
const producers = /** @type {{ id: number, stream: number }[]} */ (
  db.prepare('SELECT id, stream FROM producers ORDER BY id').all()
);
const begin = db.prepare('BEGIN IMMEDIATE');
const commit = db.prepare('COMMIT');
const addRun = db.prepare(
  `INSERT INTO ${COLUMNS} SELECT ?1, ?2 + key, ?3, ?4, ?5, ?6 + key, value, ?7 FROM json_each(?8)`,
);
const entries = rowsOf(COLUMNS);
const publishes = rowsOf('publishes (producer, seq, offset, at, count)');
const saveStream = db.prepare('UPDATE streams SET head = ? WHERE id = ?');
const checkpoint = db.prepare('PRAGMA wal_checkpoint(PASSIVE)').raw();

const { version } = /** @type {{ version: string }} */ (db.prepare('SELECT sqlite_version() AS version').get());
const byId = new Map(streams.map((stream) => [stream.id, stream]));
let next = 0;
/** By producer: the seq of its newest publish. */
const seqs = producers.map(() => 1);
let unwritten = 0;
let commitMs = 0;
const sums = { messages: 0, windowSeconds: 0, cpuSeconds: 0, groups: 0 };
/** @type {number[]} */
const latencies = [];

process.stdout.write(`${JSON.stringify({ versions: { sqlite: version } })}\n`);
write(plan.windowMs, 100);
for await (const line of createInterface({ input: process.stdin })) {
  const [word, rows] = line.split(' ');
  process.stdout.write(`${JSON.stringify(word === 'turn' ? turn(Number(rows)) : finish())}\n`);
}

/** @param {number} rows */
function turn(rows) {
  const before = process.cpuUsage();
  const startMs = performance.now();
  commitMs = 0;
  const { messages, durations } = write(plan.windowMs, rows);
  const { user, system } = process.cpuUsage(before);
  sums.messages += messages;
  sums.windowSeconds += (performance.now() - startMs) / 1e3;
  sums.cpuSeconds += (user + system) / 1e6;
  sums.groups += durations.length;
  latencies.push(...durations);
  return { done: true };
}

/** @returns {Outcome} */
function finish() {
  return { ...sums, commitMs, latencyP99Ms: quantile(Float64Array.from(latencies).sort(), 0.99) };
}

/**
 * @param {number} durationMs
 * @param {number} rows Of a group.
 */
function write(durationMs, rows) {
  const endMs = performance.now() + durationMs;
  const durations = [];
  let messages = 0;
  for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
    const at = Date.now();
    begin.run();
    for (let row = 0; row < rows; row += plan.depth) add(at, Math.min(plan.depth, rows - row));
    entries.flush();
    publishes.flush();
    for (const { id, head } of streams) saveStream.run(head, id);
    const commitFromMs = performance.now();
    commit.run();
    commitMs += performance.now() - commitFromMs;
    messages += rows;
    durations.push(performance.now() - nowMs);
    if (unwritten > CHECKPOINT_BYTES) {
      checkpoint.get();
      unwritten = 0;
    }
  }
  return { messages, durations };
}

/**
 * What a connection publishes in one go.
 * @param {number} at
 * @param {number} count
 */
function add(at, count) {
  const producer = /** @type {{ id: number, stream: number }} */ (producers[next]);
  const stream = /** @type {{ id: number, head: number }} */ (byId.get(producer.stream));
  const seq = /** @type {number} */ (seqs[next]);
  const offset = stream.head + 1;
  publishes.add([producer.id, seq + 1, offset, at, count]);
  const data = [];
  for (let index = 0; index < count; index += 1) {
    data.push(JSON.stringify(dataOf(next, 100_000_001 + seq + index)));
    unwritten += 144;
  }
  if (count >= LEAST_RUN) {
    addRun.run([stream.id, offset, at, USER, producer.id, seq + 1, OWNER, JSON.stringify(data)]);
  } else {
    for (const [index, text] of data.entries()) {
      entries.add([stream.id, offset + index, at, USER, producer.id, seq + 1 + index, text, OWNER]);
    }
  }
  stream.head += count;
  seqs[next] = seq + count;
  next = (next + 1) % producers.length;
}

/**
 * Rows that gather, and go out by the many.
 * @param {string} into A table and its columns.
 */
function rowsOf(into) {
  const width = into.split(',').length;
  const row = `(${Array(width).fill('?').join(', ')})`;
  const commands = SIZES.map((size) => ({
    step: size * width,
    command: db.prepare(`INSERT INTO ${into} VALUES ${Array(size).fill(row).join(', ')}`),
  }));
  /** @type {(string | number)[]} */
  let values = [];
  return {
    add: (/** @type {readonly (string | number)[]} */ row) => void values.push(...row),
    flush: () => {
      let at = 0;
      for (const { step, command } of commands) {
        for (; values.length - at >= step; at += step) command.run(values.slice(at, at + step));
      }
      values = [];
    },
  };
}
