// The few things that are needed of SQLite, typed: statements that are prepared once and give rows as arrays.

import Database from 'libsql';

export type Value = string | number | null;
/** A value that is written; bytes are read by `Query.bytes`. */
export type Written = Value | Buffer;
export type Row = readonly Value[];

/** A connection. Throws errors with a `code` like `SQLITE_FULL`. */
export class Connection {
  readonly #db: Database.Database;

  constructor(path: string) {
    this.#db = new Database(path);
  }

  /** Runs statements without parameters and results. */
  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** The first value that a statement gives, for pragmas. */
  value(sql: string): Value {
    return new Query(this.#db, sql).row([])?.[0] ?? null;
  }

  query(sql: string): Query {
    return new Query(this.#db, sql);
  }

  command(sql: string): Command {
    return new Command(this.#db, sql);
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  close(): void {
    this.#db.close();
  }
}

/** A statement that gives rows. */
export class Query {
  readonly #statement: Database.Statement;

  constructor(db: Database.Database, sql: string) {
    this.#statement = db.prepare(sql).raw();
  }

  row(values: readonly Value[]): Row | undefined {
    return this.#statement.get(values) as Row | undefined;
  }

  /** The second value of the first row, which are bytes. */
  bytes(values: readonly Value[]): Buffer | undefined {
    const found = (this.#statement.get(values) as readonly unknown[] | undefined)?.[1];
    return found instanceof Uint8Array ? Buffer.from(found) : undefined;
  }

  rows(values: readonly Value[]): Row[] {
    return this.#statement.all(values) as Row[];
  }
}

/** A statement that changes something. */
export class Command {
  readonly #statement: Database.Statement;

  constructor(db: Database.Database, sql: string) {
    this.#statement = db.prepare(sql);
  }

  /** Gives the rowid of the last row that was inserted. */
  run(values: readonly Written[]): number {
    return Number(this.#statement.run(values).lastInsertRowid);
  }
}

/** `SQLITE_FULL`, or `''` when the error is not one of SQLite. */
export function sqliteCode(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
