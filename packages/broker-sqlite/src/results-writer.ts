// The writer's part for calls that must not run twice: begins and finishes them, and forgets those whose time is over.

import type { CallState } from '@trunkline/broker';
import type { Command, Connection, Query } from './database.js';
import type { BeginCall, FinishCall } from './messages.js';

/** Calls that are forgotten in one step of the sweep: a result may be 64 KB. */
const CALLS_PER_STEP = 100;

/** `result, forget_at` of a caller and seq, if there is one. */
export const FIND_CALL = 'SELECT result, forget_at FROM calls WHERE caller = ? AND seq = ?';

export class ResultsWriter {
  readonly #find: Query;
  readonly #begin: Command;
  readonly #finish: Command;
  readonly #forgettable: Query;
  readonly #forget: Command;

  constructor(db: Connection) {
    this.#find = db.query(FIND_CALL);
    this.#begin = db.command('INSERT OR REPLACE INTO calls (caller, seq, ttl_ms, forget_at) VALUES (?, ?, ?, ?)');
    this.#finish = db.command(
      `UPDATE calls SET result = ?, forget_at = ? + ttl_ms
       WHERE caller = ? AND seq = ? AND result IS NULL AND forget_at > ?`,
    );
    this.#forgettable = db.query(`SELECT caller, seq FROM calls WHERE forget_at <= ? LIMIT ${CALLS_PER_STEP}`);
    this.#forget = db.command('DELETE FROM calls WHERE caller = ? AND seq = ?');
  }

  begin({ caller, seq, ttlMs }: BeginCall, nowMs: number): CallState {
    const [result, forgetAt] = this.#find.row([caller, seq]) ?? [];
    if (forgetAt !== undefined && Number(forgetAt) > nowMs) {
      return typeof result === 'string' ? { state: 'done', result } : { state: 'begun' };
    }
    this.#begin.run([caller, seq, ttlMs, nowMs + ttlMs]);
    return { state: 'new' };
  }

  finish({ caller, seq, result }: FinishCall, nowMs: number): void {
    this.#finish.run([result, nowMs, caller, seq, nowMs]);
  }

  /** Forgets some of those whose time is over; gives whether there may be more. */
  forgetOld(nowMs: number): boolean {
    const found = this.#forgettable.rows([nowMs]);
    for (const call of found) this.#forget.run(call);
    return found.length === CALLS_PER_STEP;
  }
}
