// What a SQLite broker may be told, and what it tells of its work.

/** Options of `sqliteBroker`. */
export interface SqliteBrokerOptions {
  /** The clock for ages, leases and the memory of producers, in milliseconds since 1970. Default: `Date.now`. */
  readonly nowMs?: () => number;
  /**
   * Largest size of the database file, in bytes, its `-wal` neighbour (a few MB) apart. Default: what the disk holds. An append
   * that does not fit rejects with `BrokerUnavailableError`; what retention or `remove` frees is used again.
   */
  readonly maxFileBytes?: number;
  /**
   * A worker thread ended on its own; the message says when it is started again, or that it is not: that happens after 100 ms, 1, 5, 15 and 30 s, and
   * then no more, until one has lived for a minute. Meanwhile calls reject with `BrokerUnavailableError`. Default: `process.emitWarning`.
   */
  readonly onFailure?: (error: Error) => void;
  /** Told of each group of writes after it was committed, for metrics. Must not throw. */
  readonly onGroup?: (group: CommittedGroup) => void;
}

/** One transaction of the writing thread: what was written and synced together. */
export interface CommittedGroup {
  /** Writes in it: appends, changes of tables, removals, tokens of leases. */
  readonly calls: number;
  /** Entries in the appends. */
  readonly entries: number;
  /** Time that putting the rows into SQLite took, in milliseconds. */
  readonly writeMs: number;
  /** Time that COMMIT took, in milliseconds: writing to the WAL and the sync that makes it durable. */
  readonly commitMs: number;
}

/** The default of `onFailure`. */
export function warn(error: Error): void {
  process.emitWarning(error);
}
