// Rows that are inserted many at a time: most of what a small row costs is the call of its statement, so rows gather here and go
// out by statements of 64, 16, 4 and 1. Whoever reads the table, deletes from it, or commits flushes first.

import type { Command, Connection, Value } from './database.js';

const SIZES = [64, 16, 4, 1] as const;

export class RowBatch {
  readonly #db: Connection;
  readonly #into: string;
  readonly #width: number;
  readonly #commands = new Map<number, Command>();
  #values: Value[] = [];

  /** @param into `entries (stream, offset)`: a table and its columns, in the order of the values */
  constructor(db: Connection, into: string) {
    this.#db = db;
    this.#into = into;
    this.#width = into.split(',').length;
  }

  /** One value per column. */
  add(...row: Value[]): void {
    this.#values.push(...row);
  }

  /** Inserts what was gathered, in order. What it throws ends the transaction. */
  flush(): void {
    if (this.#values.length === 0) return;
    const values = this.#values;
    this.#values = [];
    let at = 0;
    for (const size of SIZES) {
      for (const step = size * this.#width; values.length - at >= step; at += step) {
        this.#command(size).run(values.slice(at, at + step));
      }
    }
  }

  /** Forgets what was gathered: its transaction is gone. */
  clear(): void {
    this.#values = [];
  }

  #command(size: number): Command {
    const known = this.#commands.get(size);
    if (known !== undefined) return known;
    const row = `(${Array(this.#width).fill('?').join(', ')})`;
    const command = this.#db.command(`INSERT INTO ${this.#into} VALUES ${Array(size).fill(row).join(', ')}`);
    this.#commands.set(size, command);
    return command;
  }
}
