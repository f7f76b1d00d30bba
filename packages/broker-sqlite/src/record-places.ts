// How many of a log's offsets are entries, up to any of them: each record knows how many entries are before it. Of a run of records the first
// and the last are kept, so that this can be told of every offset; those between them go when they say nothing any more (amend-writer.ts).

import type { Connection, Query } from './database.js';

/** What of a stream has to be known. */
export interface Counted {
  readonly id: number;
  /** Records that it ever had. */
  readonly records: number;
}

export class RecordPlaces {
  readonly #before: Query;
  readonly #behind: Query;

  constructor(db: Connection) {
    const some = 'SELECT offset, nth FROM entries WHERE stream = ? AND amends IS NOT NULL AND offset';
    this.#before = db.query(`${some} <= ? ORDER BY offset DESC LIMIT 1`);
    this.#behind = db.query(`${some} > ? ORDER BY offset LIMIT 1`);
  }

  /** Entries that the stream ever had up to `offset`, which is not below its floor. */
  entriesUpTo({ id, records }: Counted, offset: number): number {
    if (records === 0) return offset;
    const before = this.#before.row([id, offset]);
    const behind = this.#behind.row([id, offset]);
    if (before !== undefined) {
      // All after it are entries, or erased records up to the next one, which knows what is before it.
      return Math.min(
        offset - (Number(before[0]) - Number(before[1])),
        Number(behind?.[1] ?? Number.POSITIVE_INFINITY),
      );
    }
    // Those before it are no longer kept: the next one knows how many they were.
    return offset - (behind === undefined ? records : Number(behind[0]) - 1 - Number(behind[1]));
  }
}
