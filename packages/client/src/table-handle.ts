// A table as the application sees it: a handle, stores of all rows, of some and of one, and how rows are changed. The types run
// from the server's definition; nothing here exists at run time.

import type { Offset, TrunklineError } from '@trunkline/protocol';

/**
 * The truth about a table, in words:
 * `connecting`: on the way to the first answer · `catching up`: what was missed, or rows that were not asked for before, are arriving, and what is
 * shown is as before · `live`: all rows that were asked for are here, and as they are on the server ·
 * `offline`: the connection is lost, or was closed, and what is shown may be old · `refused`: see `error`.
 */
export type TableState = 'connecting' | 'catching up' | 'live' | 'offline' | 'refused';

/** What is known of a table. Immutable, and the same object until something changes. */
export interface TableSnapshot<Row> {
  readonly state: TableState;
  /** By key, in no order. All of one moment of the table; a row that did not change is the same object as before. */
  readonly rows: ReadonlyMap<string, Row>;
  /** Of the state `refused`: why. */
  readonly error: TrunklineError | undefined;
}

/**
 * What someone wants of a table. One subscription serves all: the rows that any of them wants, at the highest rate that any of them
 * wants. To want something else, take the new interest and give up the old one: what both have in common is not interrupted, and the server
 * is told once.
 */
export interface TableInterest {
  /** Only these rows. Default: all. If more than `maxKeys` of the server (1,000) are wanted together, the whole table is followed. */
  readonly keys?: readonly string[] | undefined;
  /** News at most so often, above 0; more than 100 is as 100. Default: at every change. @throws RangeError */
  readonly ratePerSecond?: number | undefined;
  /** Wants nothing new for now. The server is paused while all want that; whoever comes to a table gets it once all the same. */
  readonly paused?: boolean | undefined;
}

/** A store of something in a table. Its functions need no `this`. */
export interface TableStore<Value> {
  /** Interest in it, and a call when it is another, at most `ratePerSecond` times a second. A change of `state` is told at once. */
  readonly subscribe: (onChange: () => void) => () => void;
  /** What was told last; without a subscription, what is known now. The same object while nothing in it changes. */
  readonly snapshot: () => Value;
  /** What a server renders, and what hydration starts from: nothing, `connecting`. Always the same object. */
  readonly serverSnapshot: () => Value;
}

/** Where a step was stored. */
export interface Changed {
  /** Of the step; of the table, if every row was like that already. */
  readonly offset: Offset;
}

/** On what condition a change happens. */
export interface ChangeCondition {
  /** The offset at which the row must be for the change to happen, 0: there must be none. Otherwise it fails with `conflict`. */
  readonly if?: Offset | undefined;
}

/** The change of one row. */
export type RowChange<Input> =
  | ({ readonly key: string; readonly set: Input } & ChangeCondition)
  | ({
      readonly key: string;
      readonly patch: Partial<Input>;
      readonly unset?: readonly string[] | undefined;
    } & ChangeCondition)
  | ({ readonly key: string; readonly delete: true } & ChangeCondition);

/** A table that clients may read. The same object for the same name, for as long as its line lives. Its functions need no `this`. */
export interface TableReader<Row> {
  /** The stream's name on the wire: `quotes/nyse`. */
  readonly name: string;
  /** Interest without a listener. The result gives it up; calling it again does nothing. */
  readonly open: (interest?: TableInterest) => () => void;
  /** Interest, and a call for each new snapshot: for whatever changes in the rows that anyone here wants. */
  readonly subscribe: (onChange: () => void, interest?: TableInterest) => () => void;
  /**
   * All rows that are known here; `live` when that is all that anyone here wants. Copying the map costs time for each row: `view` and `row`
   * do not.
   */
  readonly snapshot: () => TableSnapshot<Row>;
  /** What a server renders, and what hydration starts from: empty, `connecting`. Always the same object. */
  readonly serverSnapshot: () => TableSnapshot<Row>;
  /** A store of the rows of these keys (default: all), told of at a rate of its own. Keys may come in any order. */
  readonly view: (interest?: TableInterest) => TableStore<TableSnapshot<Row>>;
  /**
   * A store of one row, told of when that row changes; `undefined`: there is none, or it is not known yet. Which of the two, says the
   * `state` of a `view` of that key.
   */
  readonly row: (key: string, interest?: Omit<TableInterest, 'keys'>) => TableStore<Row | undefined>;
  /**
   * How old what is shown may be, in milliseconds by this client's clock: the time since something was last heard on the connection
   * that brings it, which was `live` and not paused then, and one period of the rate that was asked for. While the line is `live` that is the
   * server's ping interval (25 s) at most where nothing changes, and twice that where the link is dead; it grows while the connection is
   * lost, catches up or is paused. `undefined` before there is anything. Not in it: the time that messages take on the way (`rttMs` of the
   * connection tells of both ways), and the period of a `view` that is told more seldom than the table.
   */
  readonly staleMs: () => number | undefined;
}

/** Changes of a table by this client. Each promise resolves when its step is stored. */
export interface TableWriter<Input> {
  /** Puts a row whole. */
  readonly set: (key: string, row: Input, condition?: ChangeCondition) => Promise<Changed>;
  /** Replaces fields of a row, which is created if there is none. `unset` removes fields. */
  readonly patch: (
    key: string,
    fields: Partial<Input>,
    options?: ChangeCondition & { readonly unset?: readonly string[] | undefined },
  ) => Promise<Changed>;
  /** Removes a row, if there is one. */
  readonly delete: (key: string, condition?: ChangeCondition) => Promise<Changed>;
  /**
   * Several rows as one step: all or none, and nobody sees half of it. No key twice. Steps are sent in order, again over reconnects until
   * answered, and happen once. At most `maxQueued` (64) may wait: one more makes the oldest that was never sent fail, with
   * `rate_limited`. Rejects with `TrunklineError`: `conflict` (an `if` does not hold), `too_large`, `invalid`, `forbidden` …; its `outcome`
   * says whether it may have happened all the same.
   */
  readonly change: (changes: readonly RowChange<Input>[]) => Promise<Changed>;
}

/** One table. Its writing half exists where the server's definition lets clients write. */
export type TableHandle<Row, Input = Row, Write extends 'server' | 'client' = 'server'> = TableReader<Row> &
  (Write extends 'client' ? TableWriter<Input> : unknown);
