// Deletes what is no longer needed, in steps of a few milliseconds between the writer's groups: entries that retention
// dropped, what belonged to removed streams, producers that nobody used for 7 days, results whose time is over. Last it has what is left
// of erased texts overwritten.

import { PRODUCER_MEMORY_MS } from '@trunkline/protocol';
import type { Command, Connection, Query } from './database.js';
import { Scrubber } from './scrubber.js';
import { USE_STEP_MS } from './stream-register.js';
import { TraceMerger } from './trace-merger.js';
import { TAKEN_OUT_MAX } from './word-index.js';
import type { Writer } from './writer.js';

const STEP_MS = 3;
const ROWS_MIN = 16;
const ROWS_MAX = 1_000;
const STREAMS_PER_STEP = 200;
const PRODUCERS_PER_STEP = 100;

export class Sweeper {
  readonly #writer: Writer;
  /** Rows per step: grows and shrinks so that a step takes about `STEP_MS`. */
  #rows = 200;
  #trashed = true;
  /** Last stream whose age was looked at, in a round that is going on. */
  #agedUpTo: number | null = null;
  #forgetting = false;
  readonly #merger: TraceMerger;
  readonly scrubber: Scrubber;
  readonly #agedStreams: Query;
  readonly #unusedProducers: Query;
  readonly #producersOf: Query;
  readonly #deleteProducer: Command;
  readonly #anyTrash: Query;
  readonly #discard: Command;
  readonly #deleteTrash: Command;
  readonly #lastEntryOfStep: Query;
  readonly #deleteEntries: Command;
  readonly #lastPublishOfStep: Query;
  readonly #deletePublishes: Command;
  readonly #deleteOf: Readonly<Record<'rows' | 'tombstones', Command>>;
  readonly #anyOf: Readonly<Record<'rows' | 'tombstones', Query>>;

  constructor(db: Connection, writer: Writer) {
    this.#writer = writer;
    this.#merger = new TraceMerger(db);
    this.scrubber = new Scrubber(db);
    this.#agedStreams = db.query(
      `SELECT s.id, s.name, s.retain_age_ms, (SELECT at FROM entries WHERE stream = s.id ORDER BY offset LIMIT 1)
       FROM streams s WHERE s.retain_age_ms IS NOT NULL AND s.id > ? ORDER BY s.id LIMIT ${STREAMS_PER_STEP}`,
    );
    this.#unusedProducers = db.query(
      `SELECT id, stream, producer FROM producers WHERE used_at <= ? LIMIT ${PRODUCERS_PER_STEP}`,
    );
    this.#producersOf = db.query(
      `SELECT id, stream, producer FROM producers WHERE stream = ? LIMIT ${PRODUCERS_PER_STEP}`,
    );
    this.#deleteProducer = db.command('DELETE FROM producers WHERE id = ?');
    this.#anyTrash = db.query('SELECT kind, id FROM trash LIMIT 1');
    this.#discard = db.command('INSERT OR IGNORE INTO trash (kind, id) VALUES (?, ?)');
    this.#deleteTrash = db.command('DELETE FROM trash WHERE kind = ? AND id = ?');
    this.#lastEntryOfStep = db.query('SELECT offset FROM entries WHERE stream = ? ORDER BY offset LIMIT 1 OFFSET ?');
    this.#deleteEntries = db.command('DELETE FROM entries WHERE stream = ? AND offset <= ?');
    this.#lastPublishOfStep = db.query('SELECT seq FROM publishes WHERE producer = ? ORDER BY seq LIMIT 1 OFFSET ?');
    this.#deletePublishes = db.command('DELETE FROM publishes WHERE producer = ? AND seq <= ?');
    const some = (table: string) =>
      `DELETE FROM ${table} WHERE stream = ? AND key IN (SELECT key FROM ${table} WHERE stream = ? LIMIT ?)`;
    this.#deleteOf = { rows: db.command(some('rows')), tombstones: db.command(some('tombstones')) };
    const any = (table: string) => `SELECT 1 FROM ${table} WHERE stream = ? LIMIT 1`;
    this.#anyOf = { rows: db.query(any('rows')), tombstones: db.query(any('tombstones')) };
  }

  /** Looks for what became old, from the next step on. */
  begin(): void {
    this.#agedUpTo ??= 0;
    this.#forgetting = true;
    this.#trashed = true;
    this.#merger.begin();
    this.scrubber.begin();
  }

  /** A stream was removed. */
  removed(): void {
    this.#trashed = true;
  }

  get idle(): boolean {
    return this.#isTidy && this.#merger.idle && this.scrubber.idle;
  }

  get #isTidy(): boolean {
    return this.#writer.trimmer.backlog.size === 0 && !this.#trashed && this.#agedUpTo === null && !this.#forgetting;
  }

  /** Something failed: leaves the rest to the next `begin`. */
  giveUp(): void {
    this.#writer.trimmer.backlog.clear();
    this.#trashed = false;
    this.#agedUpTo = null;
    this.#forgetting = false;
    this.#merger.giveUp();
    this.scrubber.giveUp();
  }

  /** One step in a transaction of its own. `clock` measures it. */
  step(nowMs: number, clock: () => number): void {
    const began = clock();
    if (this.#agedUpTo !== null) this.#agedUpTo = this.#findAged(this.#agedUpTo, nowMs);
    else this.#writer.inTransaction(() => this.#work(nowMs));
    const tookMs = clock() - began;
    if (tookMs > STEP_MS) this.#rows = Math.max(ROWS_MIN, this.#rows >> 1);
    else if (tookMs < STEP_MS / 3) this.#rows = Math.min(ROWS_MAX, this.#rows * 2);
  }

  #findAged(after: number, nowMs: number): number | null {
    const rows = this.#agedStreams.rows([after]);
    for (const [, name, ageMs, oldestAt] of rows) {
      if (oldestAt !== null && Number(oldestAt) < nowMs - Number(ageMs)) this.#writer.trimmer.backlog.add(String(name));
    }
    return rows.length < STREAMS_PER_STEP ? null : Number(rows.at(-1)?.[0]);
  }

  #work(nowMs: number): void {
    if (this.#isTidy) {
      // Before the scrubber's walk, which then finds what it leaves.
      if (this.#merger.idle) this.scrubber.step(this.#rows);
      else this.#merger.step();
      return;
    }
    for (const name of this.#writer.trimmer.backlog) {
      const stream = this.#writer.streams.find(name);
      if (stream === undefined) this.#writer.trimmer.backlog.delete(name);
      else this.#writer.trimmer.trim(stream, nowMs, this.#rows);
      return;
    }
    if (this.#forgetting) {
      const found = this.#unusedProducers.rows([nowMs - PRODUCER_MEMORY_MS - USE_STEP_MS]);
      for (const [id, stream, key] of found) this.#forget(Number(id), Number(stream), String(key));
      this.#writer.tables.forgetOld(nowMs);
      const hasMoreCalls = this.#writer.results.forgetOld(nowMs);
      this.#forgetting = found.length === PRODUCERS_PER_STEP || hasMoreCalls;
      return;
    }
    const [kind, id] = this.#anyTrash.row([]) ?? [];
    if (kind === 'stream') this.#emptyStream(Number(id));
    else if (kind === 'producer') this.#emptyProducer(Number(id));
    else this.#trashed = false;
  }

  /** Forgotten as a whole, at once: half of a producer's memory would refuse what it should have answered. */
  #forget(id: number, stream: number, key: string): void {
    this.#deleteProducer.run([id]);
    this.#discard.run(['producer', id]);
    this.#writer.streams.forgetProducer(stream, key);
    this.#trashed = true;
  }

  #emptyStream(id: number): void {
    const rows = this.#writer.words.remains(id) ? TAKEN_OUT_MAX : this.#rows;
    const last = this.#lastEntryOfStep.row([id, rows - 1])?.[0];
    const to = Number(last ?? Number.MAX_SAFE_INTEGER);
    this.#writer.words.forgetRemoved(id, to);
    this.#deleteEntries.run([id, to]);
    if (last !== undefined) return;
    this.#writer.words.drop(id);
    for (const table of ['rows', 'tombstones'] as const) {
      this.#deleteOf[table].run([id, id, this.#rows]);
      if (this.#anyOf[table].row([id]) !== undefined) return;
    }
    const producers = this.#producersOf.rows([id]);
    for (const [producer, , key] of producers) this.#forget(Number(producer), id, String(key));
    if (producers.length < PRODUCERS_PER_STEP) this.#deleteTrash.run(['stream', id]);
  }

  #emptyProducer(id: number): void {
    const last = this.#lastPublishOfStep.row([id, this.#rows - 1])?.[0];
    this.#deletePublishes.run([id, last ?? Number.MAX_SAFE_INTEGER]);
    if (last === undefined) this.#deleteTrash.run(['producer', id]);
  }
}
