// The part of the port that stores tables: rows by key, of which only the latest value is kept. A table is a stream like a
// log, with an epoch, offsets, producers and fences; what differs is what an offset counts, and what is read.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { PageLimit, ProducerSeq, StreamState } from './broker.js';

/** Rows that a table may have, unless its options say otherwise. */
export const DEFAULT_MAX_ROWS = 100_000;
/** How long deletions are remembered, unless a table's options say otherwise. */
export const DEFAULT_TOMBSTONES: { readonly count: number; readonly ageMs: number } = {
  count: 10_000,
  ageMs: 24 * 3_600_000,
};

interface RowChangeBase {
  /** 1 to 256 bytes of text in UTF-8. */
  readonly key: string;
  /** The row's `offset` as the caller knows it; 0: there is no such row. Otherwise the whole step is refused. */
  readonly if?: Offset;
}
/** The row as a whole: fields that it had and that are not named here are gone. */
export interface RowSet extends RowChangeBase {
  /** A JSON object as text. */
  readonly set: string;
  /** When the row goes by itself, in milliseconds since 1970. Default: never. Replaces an earlier one. */
  readonly expiresAt?: number;
}
/** Some fields of the row; the others stay. A row that does not exist is created. */
export interface RowPatch extends RowChangeBase {
  /** A JSON object as text: each field replaces the row's field of that name, whole. */
  readonly patch: string;
  /** Fields to remove. A field that is also in `patch` is set. */
  readonly unset?: readonly string[];
  /** As in a set. */
  readonly expiresAt?: number;
}
/** The row goes. Where there is none, nothing happens. */
export interface RowDelete extends RowChangeBase {
  readonly delete: true;
}
/** What becomes of one row in a step. */
export type RowChange = RowSet | RowPatch | RowDelete;

/** A row as stored. */
export interface Row {
  readonly key: string;
  /** Offset of the step that created it. */
  readonly born: Offset;
  /** Offset of the step that changed it last. */
  readonly offset: Offset;
  /** A JSON object as text. */
  readonly data: string;
  readonly expiresAt?: number;
}

/** Remembers that a row was deleted. */
export interface Tombstone {
  readonly key: string;
  readonly offset: Offset;
}

/** Options of `change`. */
export interface ChangeOptions {
  /** Makes the step idempotent, as it does for an append. */
  readonly source?: ProducerSeq;
  /** As for an append. */
  readonly fence?: number;
  /**
   * As for an append: an earlier `seq` of the source's producer, of a step that may still fail. Unless it is stored when this step takes
   * effect, this one is refused with `BrokerUnavailableError`, whatever else there is to be said of it. Without effect on a repeat, and
   * without a source. Default: nothing is waited for.
   */
  readonly after?: number;
  /** Rows that the table may have. A step after which there would be more is refused. Default 100_000. */
  readonly maxRows?: number;
  /** How long deletions are remembered; replaces the table's setting from now on. What exceeds either bound is forgotten, soon but not at once. */
  readonly tombstones?: {
    /** Default 10_000. At least 1. */
    readonly count?: number;
    /** In milliseconds. Default 86_400_000: a day. */
    readonly ageMs?: number;
  };
}

/** Where a step was stored. */
export interface ChangeResult {
  readonly epoch: Epoch;
  /** Of the step; of the same step the first time, if it was a repeat; the table's, if the step changed nothing. */
  readonly offset: Offset;
  /** The step was stored by an earlier call with the same `source`. */
  readonly duplicate: boolean;
}

/** What became of a table after a position. Its `floor` is the offset of the newest deletion that was forgotten. */
export interface RowsPage extends StreamState {
  /** In the order of their offsets. */
  readonly rows: readonly Row[];
  /** Rows that were deleted and are not there, in the order of offsets. */
  readonly gone: readonly Tombstone[];
  /** Position that the page reaches: that of the table, unless the limit cut it. */
  readonly to: Offset;
}

/** Stores tables. What is said of `Broker` holds here too: order of calls, errors, the meaning of a resolved promise. */
export interface Tables {
  /**
   * Changes rows as one step, which takes one offset: all of them or none. Resolves when it is stored. Patches are merged here,
   * into the row as it is at that moment. A step after which every row is as it was takes no offset. No step names a key twice.
   *
   * @throws RowConflictError if an `if` does not hold.
   * @throws TableFullError if there would be more than `maxRows`.
   * @throws OutOfOrderError, FencedError, BrokerUnavailableError as `append` does.
   * @throws WrongKindError if the stream is a log.
   */
  change(stream: StreamName, step: readonly RowChange[], options?: ChangeOptions): Promise<ChangeResult>;

  /**
   * Rows, and deletions that are remembered, whose last change lies after `after.offset`, each once with its latest value: whole
   * steps, at least one if there is one, up to the limit. After offset 0: all there is. Sees every change that has resolved.
   *
   * @param begunAt of a page that goes on from another: the table's offset as the first page, which began at 0, told it. Deletions up to there
   *   are of rows that no page had, so `after` may lie below the floor as long as `begunAt` does not. Default 0.
   * @throws UnrecoverablePositionError if the epoch differs (as for `read`), or `after.offset` is not 0 and below the floor, as `begunAt` is
   *   (`trimmed`).
   */
  readRows(stream: StreamName, after: Position, limit: PageLimit, begunAt?: Offset): Promise<RowsPage>;

  /** One row, or `null`. Sees every change that has resolved. */
  readRow(stream: StreamName, key: string): Promise<Row | null>;

  /**
   * Deletes the rows whose `expiresAt` has come, in all tables: ordinary deletions, each table's as one step or several. To be
   * called about once a second, by any number of nodes. Until then such a row is there like any other.
   */
  expire(): Promise<void>;
}
