// The group's new entries, until they are in their table. Those that differ in data alone, and whose offsets and seqs count up, as a
// client's burst's do, go out by one statement however many they are: to bind the values of a small row costs as much as the row.

import type { Command, Connection, Value } from './database.js';
import { RowBatch } from './row-batch.js';

const COLUMNS = 'entries (stream, offset, at, user, producer, seq, data, owner)';
/** Fewer are rows like any other. */
const LEAST_RUN = 4;
/** More than a burst has; the data of a run is one text for SQLite. */
const MAX_RUN = 256;

export interface EntryRow {
  readonly stream: number;
  readonly offset: number;
  readonly at: Value;
  readonly user: Value;
  readonly producer: number | null;
  readonly seq: number | null;
  readonly owner: Value;
}

export class EntryRows {
  readonly #rows: RowBatch;
  readonly #addRun: Command;
  /** What the next entry may belong to: the first of them, and the data of all. */
  #first: EntryRow | null = null;
  #data: string[] = [];

  constructor(db: Connection) {
    this.#rows = new RowBatch(db, COLUMNS);
    this.#addRun = db.command(
      `INSERT INTO ${COLUMNS} SELECT ?1, ?2 + key, ?3, ?4, ?5, ?6 + key, value, ?7 FROM json_each(?8)`,
    );
  }

  /** @param row the first of them @param data of each; offsets and seqs count up */
  add(row: EntryRow, data: readonly string[]): void {
    const count = this.#data.length;
    if (this.#first === null || count + data.length > MAX_RUN || !isNext(row, this.#first, count)) {
      this.#endRun();
      this.#first = row;
    }
    for (const text of data) this.#data.push(text);
  }

  /** Inserts what was gathered. What it throws ends the transaction. */
  flush(): void {
    this.#endRun();
    this.#rows.flush();
  }

  /** Forgets what was gathered: its transaction is gone. */
  clear(): void {
    this.#first = null;
    this.#data = [];
    this.#rows.clear();
  }

  #endRun(): void {
    const [first, data] = [this.#first, this.#data];
    if (first === null) return;
    this.#first = null;
    this.#data = [];
    const { stream, offset, at, user, producer, seq, owner } = first;
    if (data.length >= LEAST_RUN) {
      this.#addRun.run([stream, offset, at, user, producer, seq, owner, JSON.stringify(data)]);
      return;
    }
    for (let index = 0; index < data.length; index += 1) {
      const nth = seq === null ? null : seq + index;
      this.#rows.add(stream, offset + index, at, user, producer, nth, data[index] as string, owner);
    }
  }
}

function isNext(row: EntryRow, first: EntryRow, distance: number): boolean {
  return (
    row.stream === first.stream &&
    row.offset === first.offset + distance &&
    row.at === first.at &&
    row.user === first.user &&
    row.producer === first.producer &&
    row.owner === first.owner &&
    row.seq === (first.seq === null ? null : first.seq + distance)
  );
}
