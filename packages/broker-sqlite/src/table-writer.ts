// The writer's work on tables: a step as a whole or not at all. What it does is decided by reading first, so that a refused
// step writes nothing; the row is read from the transaction that is going on, so that steps of one group see each other.

import { changedRow, DEFAULT_MAX_ROWS, DEFAULT_TOMBSTONES } from '@trunkline/broker';
import type { Command, Connection, Query } from './database.js';
import type { ChangeCall, ChangeDone, PackedChange, PackedRows, Refusal } from './messages.js';
import { type KnownStream, type Planned, refusedBefore, type StreamRegister } from './stream-register.js';

/** Rows that expire in one step: about a millisecond of work. */
const EXPIRE_ROWS = 500;

interface StoredRow {
  readonly born: number;
  readonly offset: number;
  readonly data: string;
}

/** What a step does with one row, when it was found that it may be taken. */
type RowPlan =
  | {
      readonly do: 'put';
      readonly key: string;
      readonly row: StoredRow | undefined;
      readonly data: string;
      readonly expiresAt: number | null;
    }
  | { readonly do: 'renew'; readonly key: string; readonly expiresAt: number | null }
  | { readonly do: 'delete'; readonly key: string };

type Result = { readonly done: ChangeDone } | { readonly refusal: Refusal };

export class TableWriter {
  readonly #streams: StreamRegister;
  /** No row expires before this moment. */
  #expiryMs: number;
  readonly #countRows: Query;
  readonly #findRow: Query;
  readonly #putRow: Command;
  readonly #renewRow: Command;
  readonly #deleteRow: Command;
  readonly #putTombstone: Command;
  readonly #deleteTombstone: Command;
  readonly #tombstoneBeyond: Query;
  readonly #oldest: Query;
  readonly #newestOld: Query;
  readonly #forgetTombstones: Command;
  readonly #firstExpiry: Query;
  readonly #expired: Query;
  readonly #agedTables: Query;

  constructor(db: Connection, streams: StreamRegister) {
    this.#streams = streams;
    this.#countRows = db.query('SELECT count(*) FROM rows WHERE stream = ?');
    this.#findRow = db.query('SELECT born, offset, data FROM rows WHERE stream = ? AND key = ?');
    this.#putRow = db.command(
      'INSERT OR REPLACE INTO rows (stream, key, born, offset, expires_at, data) VALUES (?, ?, ?, ?, ?, ?)',
    );
    this.#renewRow = db.command('UPDATE rows SET expires_at = ? WHERE stream = ? AND key = ?');
    this.#deleteRow = db.command('DELETE FROM rows WHERE stream = ? AND key = ?');
    this.#putTombstone = db.command('INSERT OR REPLACE INTO tombstones (stream, key, offset, at) VALUES (?, ?, ?, ?)');
    this.#deleteTombstone = db.command('DELETE FROM tombstones WHERE stream = ? AND key = ?');
    this.#tombstoneBeyond = db.query(
      'SELECT offset FROM tombstones WHERE stream = ? ORDER BY offset DESC LIMIT 1 OFFSET ?',
    );
    this.#oldest = db.query('SELECT at FROM tombstones WHERE stream = ? ORDER BY offset LIMIT 1');
    this.#newestOld = db.query('SELECT max(offset) FROM tombstones WHERE stream = ? AND at < ?');
    this.#forgetTombstones = db.command('DELETE FROM tombstones WHERE stream = ? AND offset <= ?');
    this.#firstExpiry = db.query('SELECT min(expires_at) FROM rows WHERE expires_at IS NOT NULL');
    this.#expired = db.query(
      `SELECT s.name, r.key FROM rows r JOIN streams s ON s.id = r.stream
       WHERE r.expires_at <= ? ORDER BY r.expires_at LIMIT ${EXPIRE_ROWS}`,
    );
    this.#agedTables = db.query(
      `SELECT s.name FROM streams s WHERE s.kind = 'table' AND EXISTS (
         SELECT 1 FROM tombstones t WHERE t.stream = s.id AND t.at < ? - s.tombstone_age_ms)`,
    );
    this.#expiryMs = Number(this.#firstExpiry.row([])?.[0] ?? Number.POSITIVE_INFINITY);
  }

  change(call: ChangeCall, nowMs: number): Result {
    const known = this.#streams.find(call.stream);
    const { fence, source, after, tombstones, maxRows = DEFAULT_MAX_ROWS } = call;
    if (known?.kind === 'log') return { refusal: { type: 'wrong_kind', kind: 'log' } };
    if (known !== undefined && fence !== undefined && fence < known.fence) {
      return { refusal: { type: 'fenced', token: fence, highest: known.fence } };
    }
    let planned: Planned | undefined;
    if (source !== undefined) {
      const plan = this.#streams.planSource(known, source.producer, source.seq);
      if ('type' in plan) return { refusal: plan };
      planned = plan;
      const early = after === undefined ? undefined : refusedBefore(plan, after);
      if (early !== undefined) return { refusal: early };
    }
    const isRepeat = planned?.stored !== undefined;
    const plan = isRepeat ? [] : this.#plan(known, call.step, maxRows);
    if ('type' in plan) return { refusal: plan };
    const table = known ?? this.#streams.begin(call.stream, call.newEpoch, 'table');
    if (fence !== undefined) table.fence = fence;
    if (tombstones !== undefined) {
      table.tombstoneCount = tombstones.count ?? DEFAULT_TOMBSTONES.count;
      table.tombstoneAgeMs = tombstones.ageMs ?? DEFAULT_TOMBSTONES.ageMs;
    }
    const done = this.#take(table, plan, nowMs);
    if (planned?.stored !== undefined) done.offset = Number(planned.stored[0]);
    if (source !== undefined) {
      const { producer, seq } = source;
      const known = planned?.producer;
      const run = { seq, offset: table.head, at: nowMs, count: 1 };
      const used = isRepeat ? known : this.#streams.store(table, known, producer, run, nowMs);
      if (used !== undefined) this.#streams.use(used, nowMs);
    }
    return { done: { ...done, duplicate: isRepeat } };
  }

  /** Deletes what has expired, up to a few hundred rows. */
  expire(nowMs: number): readonly ChangeDone[] {
    if (this.#expiryMs > nowMs) return [];
    const keys = new Map<string, string[]>();
    for (const [name, key] of this.#expired.rows([nowMs])) {
      const due = keys.get(String(name));
      if (due === undefined) keys.set(String(name), [String(key)]);
      else due.push(String(key));
    }
    const done: ChangeDone[] = [];
    for (const [name, due] of keys) {
      const table = this.#streams.find(name);
      const plan = due.map((key): RowPlan => ({ do: 'delete', key }));
      if (table !== undefined) done.push(this.#take(table, plan, nowMs));
    }
    this.#expiryMs = Number(this.#firstExpiry.row([])?.[0] ?? Number.POSITIVE_INFINITY);
    return done;
  }

  /** Forgets deletions that are too old, in every table. */
  forgetOld(nowMs: number): void {
    for (const [name] of this.#agedTables.rows([nowMs])) {
      const table = this.#streams.find(String(name));
      if (table !== undefined) this.#trim(table, nowMs);
    }
  }

  /** What the transaction that failed had learnt is not true. */
  reset(): void {
    this.#expiryMs = 0;
  }

  #plan(table: KnownStream | undefined, step: readonly PackedChange[], maxRows: number): RowPlan[] | Refusal {
    const plan: RowPlan[] = [];
    let added = 0;
    let deleted = 0;
    for (const change of step) {
      const { key } = change;
      const row = table === undefined ? undefined : this.#row(table, key);
      const actual = row?.offset ?? 0;
      if (change.if !== undefined && change.if !== actual) {
        return { type: 'row_conflict', key, expected: change.if, actual };
      }
      if ('delete' in change) {
        if (row !== undefined) plan.push({ do: 'delete', key });
        deleted += row === undefined ? 0 : 1;
        continue;
      }
      const expiresAt = change.expiresAt ?? null;
      const data = changedRow(row?.data, change);
      if (data === undefined) plan.push({ do: 'renew', key, expiresAt });
      else {
        added += row === undefined ? 1 : 0;
        plan.push({ do: 'put', key, row, data, expiresAt });
      }
    }
    if (added > deleted && this.#size(table) + added - deleted > maxRows) return { type: 'table_full', maxRows };
    return plan;
  }

  #take(
    table: KnownStream,
    plan: readonly RowPlan[],
    nowMs: number,
  ): { -readonly [K in keyof ChangeDone]: ChangeDone[K] } {
    const from = table.head;
    if (plan.some((one) => one.do !== 'renew')) table.head += 1;
    const offset = table.head;
    const rows: PackedRows = [];
    const gone: string[] = [];
    for (const one of plan) {
      if (one.do !== 'delete') this.#expiryMs = Math.min(this.#expiryMs, one.expiresAt ?? Number.POSITIVE_INFINITY);
      if (one.do === 'renew') this.#renewRow.run([one.expiresAt, table.id, one.key]);
      else if (one.do === 'delete') {
        this.#deleteRow.run([table.id, one.key]);
        this.#putTombstone.run([table.id, one.key, offset, nowMs]);
        gone.push(one.key);
      } else {
        const born = one.row?.born ?? offset;
        if (one.row === undefined) this.#deleteTombstone.run([table.id, one.key]);
        this.#putRow.run([table.id, one.key, born, offset, one.expiresAt, one.data]);
        rows.push(one.key, born, offset, one.data, one.expiresAt);
      }
    }
    const created = rows.length / 5 - plan.filter((one) => one.do === 'put' && one.row !== undefined).length;
    if (table.rows !== undefined) table.rows += created - gone.length;
    table.deletions += gone.length;
    // Looking is not free, so it is done for an eighth of them at a time; the sweep looks at the rest.
    if (table.deletions * 8 >= table.tombstoneCount) this.#trim(table, nowMs);
    this.#streams.changed(table);
    return { stream: table.name, epoch: table.epoch, from, to: offset, offset, duplicate: false, rows, gone };
  }

  #trim(table: KnownStream, nowMs: number): void {
    table.deletions = 0;
    const beyond = this.#tombstoneBeyond.row([table.id, table.tombstoneCount])?.[0] ?? 0;
    const cutoff = nowMs - table.tombstoneAgeMs;
    const isOld = Number(this.#oldest.row([table.id])?.[0] ?? cutoff) < cutoff;
    const old = isOld ? this.#newestOld.row([table.id, cutoff])?.[0] : 0;
    const floor = Math.max(Number(beyond), Number(old));
    if (floor <= table.floor) return;
    this.#forgetTombstones.run([table.id, floor]);
    table.floor = floor;
    this.#streams.changed(table);
  }

  #row(table: KnownStream, key: string): StoredRow | undefined {
    const row = this.#findRow.row([table.id, key]);
    return row && { born: Number(row[0]), offset: Number(row[1]), data: String(row[2]) };
  }

  #size(table: KnownStream | undefined): number {
    if (table === undefined) return 0;
    table.rows ??= Number(this.#countRows.row([table.id])?.[0] ?? 0);
    return table.rows;
  }
}
