// The reader's work on tables: rows and deletions after a position, whole steps at a time.

import type { Connection, Query, Row } from './database.js';
import type { PackedRows, ReadRowsCall, RowsDone, StateDone } from './messages.js';

/** Rows that are looked at in one go when a page is bounded. */
const CHUNK = 1_000;

export class TableReader {
  readonly #rowsAfter: Query;
  readonly #goneAfter: Query;
  readonly #row: Query;

  constructor(db: Connection) {
    this.#rowsAfter = db.query(
      'SELECT key, born, offset, data, expires_at FROM rows WHERE stream = ? AND offset > ? ORDER BY offset LIMIT ?',
    );
    this.#goneAfter = db.query(
      'SELECT key, offset FROM tombstones WHERE stream = ? AND offset > ? ORDER BY offset LIMIT ?',
    );
    this.#row = db.query('SELECT key, born, offset, data, expires_at FROM rows WHERE stream = ? AND key = ?');
  }

  row(stream: number, key: string): PackedRows | null {
    const row = this.#row.row([stream, key]);
    return row === undefined ? null : [...row];
  }

  /** The table's state is of the same moment. */
  page(stream: number, state: StateDone, { offset: after, entries, bytes }: ReadRowsCall): RowsDone {
    // One more than may be in a page: the first step is whole whatever its size, so the whole of it is looked for.
    const most = Math.max(entries + 1, CHUNK);
    const rows = this.#whole(this.#rowsAfter, stream, after, most, 2);
    const gone = this.#whole(this.#goneAfter, stream, after, most, 1);
    // Beyond the shorter list there may be more, so a page ends where both are known.
    const known = Math.min(rows.upTo, gone.upTo);
    const to = Math.min(reach(rows.found, gone.found, entries, bytes) ?? state.offset, known);
    return {
      ...state,
      rows: rows.found.filter(([, , offset]) => Number(offset) <= to).flat(),
      gone: gone.found.filter(([, offset]) => Number(offset) <= to).flat(),
      to,
    };
  }

  /** Rows of whole steps, and the offset up to which none is missing. */
  #whole(query: Query, stream: number, after: number, most: number, column: number) {
    for (let limit = most; ; limit *= 4) {
      const found = query.rows([stream, after, limit]);
      if (found.length < limit) return { found, upTo: Number.POSITIVE_INFINITY };
      // The last step may be cut: it does not count, unless it is the only one.
      const last = Number(found.at(-1)?.[column]);
      const whole = found.filter((row) => Number(row[column]) < last);
      if (whole.length > 0) return { found: whole, upTo: Number(whole.at(-1)?.[column]) };
    }
  }
}

/** The last offset of which everything fits, or `undefined` if all of it does. The first step always fits. */
function reach(rows: readonly Row[], gone: readonly Row[], entries: number, bytes = Number.POSITIVE_INFINITY) {
  const sizes = [
    ...rows.map(([key, , offset, data]) => [Number(offset), sizeOf(key) + sizeOf(data)] as const),
    ...gone.map(([key, offset]) => [Number(offset), sizeOf(key)] as const),
  ].sort(([a], [b]) => a - b);
  let left = bytes;
  let count = 0;
  let whole: number | undefined;
  let last: number | undefined;
  for (const [offset, size] of sizes) {
    if (offset !== last) whole = last;
    last = offset;
    left -= size;
    count += 1;
    if (whole !== undefined && (left < 0 || count > entries)) return whole;
  }
  return undefined;
}

function sizeOf(text: unknown): number {
  return Buffer.byteLength(String(text));
}
