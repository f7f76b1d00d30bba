// What server code can do with a table.

import type { Offset, TableContract } from '@trunkline/protocol';

/** A row as it is stored. */
export interface TableRow<Row> {
  readonly key: string;
  /** Offset of its last change: what `if` compares with. */
  readonly offset: Offset;
  readonly data: Row;
  /** When it goes by itself, in milliseconds since 1970. Absent: never. */
  readonly expiresAt?: number;
}

/** Fields that a row of the type may lack: those that can be taken away. */
export type OptionalField<Row> = Row extends unknown
  ? { [K in keyof Row]-?: Record<never, never> extends Pick<Row, K> ? K : never }[keyof Row] & string
  : never;

/** The condition of a change. */
export interface RowCondition {
  /** The row's `offset` as you know it; 0: there must be no such row. If it is another, nothing of the step happens: `conflict`. */
  readonly if?: Offset;
}

/** The condition of a set or a patch, and how long what it makes shall be there. */
export interface RowOptions extends RowCondition {
  /**
   * When the row goes by itself, in whole milliseconds since 1970, up to a second late. Default: `expireMs` from now; never, if the
   * channel has none. Replaces what was said before.
   */
  readonly expiresAt?: number;
}

/** Options of `patch`. */
export interface RowPatchOptions<Row> extends RowOptions {
  /** Fields to take away. */
  readonly unset?: readonly OptionalField<Row>[];
}

/** One row of a step: what becomes of it. */
export type RowStep<Row> =
  | ({ readonly key: string; readonly set: Row; readonly patch?: never; readonly delete?: never } & RowOptions)
  | ({
      readonly key: string;
      readonly patch: Partial<Row>;
      readonly set?: never;
      readonly delete?: never;
    } & RowPatchOptions<Row>)
  | ({ readonly key: string; readonly delete: true; readonly set?: never; readonly patch?: never } & RowCondition);

/** What a step has come to. */
export interface StepResult {
  /** Offset of the step; of the table, if every row was already as the step wants it. */
  readonly offset: Offset;
}

/**
 * A table, seen from the server. It writes as the server itself: the schema, `write` and `authorize` are for clients. A key is 1 to 256
 * bytes of text. A change resolves when the broker has stored it.
 *
 * What every change rejects with, a TrunklineError: `conflict` (an `if` does not hold), `invalid` (a key, or a row that is no JSON object),
 * `too_large` (a row over `maxEntryBytes`, a table over `maxRows`), `unavailable` (the broker failed: it may have happened).
 */
export interface TableServerHandle<C extends TableContract> {
  /** The stream's name, as on the wire: `quotes/nyse`. */
  readonly name: string;
  /** Clients of this server that follow it now: make what is costly to make only while somebody looks. Cheap to read. */
  readonly subscribers: number;
  /** Gives the row as a whole: fields that it had and that are not in `row` are gone. Creates it if there is none. */
  set(key: string, row: C['row'], options?: RowOptions): Promise<StepResult>;
  /**
   * Replaces some fields, whole, and leaves the others. Several patches at a time, of several processes too, do not overwrite each other's
   * fields. Creates the row if there is none, with these fields alone: name an `if`, if that must not be.
   */
  patch(key: string, fields: Partial<C['row']>, options?: RowPatchOptions<C['row']>): Promise<StepResult>;
  /** Where there is no such row nothing happens. */
  delete(key: string, options?: RowCondition): Promise<StepResult>;
  /**
   * Changes several rows as one step, which has one offset: all or none, and at no position has a client a part of it. No key twice.
   * @throws TrunklineError also `too_large` (more rows than `maxRowsPerChange`, 1_000).
   */
  change(step: readonly RowStep<C['row']>[]): Promise<StepResult>;
  /** The row, or `null`. Sees every change that has resolved. @throws TrunklineError `unavailable` (the broker failed). */
  get(key: string): Promise<TableRow<C['row']> | null>;
  /** Every row, in the order of their last changes. Sees every change that has resolved. @throws TrunklineError `unavailable`. */
  rows(): Promise<readonly TableRow<C['row']>[]>;
}
