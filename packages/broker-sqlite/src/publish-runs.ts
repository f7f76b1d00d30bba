// Which offset each publish got. Those of a producer that were stored one behind the other, as a client's burst is, share a row:
// it costs what one costs, and a table with a row for each spreads a group over as many pages as it has producers.

import type { Connection, Query, Row } from './database.js';
import { RowBatch } from './row-batch.js';

/** Publishes whose seqs and offsets count up together, and that were accepted at the same time. */
export interface PublishRun {
  readonly producer: number;
  /** Of the first, as is `offset`. */
  readonly seq: number;
  readonly offset: number;
  readonly at: number;
  count: number;
}

export class PublishRuns {
  readonly #find: Query;
  readonly #last: Query;
  /** Of the group at work. */
  readonly #rows: RowBatch;
  /** What the next publish may belong to. */
  #run: PublishRun | null = null;

  constructor(db: Connection) {
    this.#find = db.query(
      `SELECT offset + ?2 - seq, at FROM publishes WHERE producer = ?1 AND seq + count > ?2
       AND seq = (SELECT max(seq) FROM publishes WHERE producer = ?1 AND seq <= ?2)`,
    );
    this.#last = db.query('SELECT seq + count - 1 FROM publishes WHERE producer = ? ORDER BY seq DESC LIMIT 1');
    this.#rows = new RowBatch(db, 'publishes (producer, seq, offset, at, count)');
  }

  /** Notes publishes that are stored. Their producer's seqs only ever grow. */
  add(added: PublishRun): void {
    const run = this.#run;
    if (
      run?.producer === added.producer &&
      run.seq + run.count === added.seq &&
      run.offset + run.count === added.offset &&
      run.at === added.at
    ) {
      run.count += added.count;
      return;
    }
    this.#endRun();
    this.#run = added;
  }

  /** `offset, at` of a publish, or `undefined`. It may be of the group at work. */
  find(producer: number, seq: number): Row | undefined {
    this.flush();
    return this.#find.row([producer, seq]);
  }

  /** Highest seq that is stored of a producer; 0 if there is none. */
  last(producer: number): number {
    this.flush();
    return Number(this.#last.row([producer])?.[0] ?? 0);
  }

  flush(): void {
    this.#endRun();
    this.#rows.flush();
  }

  /** Forgets what was gathered: its transaction is gone. */
  clear(): void {
    this.#run = null;
    this.#rows.clear();
  }

  #endRun(): void {
    if (this.#run === null) return;
    const { producer, seq, offset, at, count } = this.#run;
    this.#rows.add(producer, seq, offset, at, count);
    this.#run = null;
  }
}
