// The port through which streams are stored and nodes learn what changed. The guarantees stand here, at the port; the
// contract suite (`@trunkline/broker/contract`) checks every sentence of them on each implementation.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { Amendments, Amends, EntryState } from './amendments.js';
import type { Results } from './results.js';
import type { Row, Tables, Tombstone } from './table.js';

/** Who sent an entry, and its count among this producer's publishes to the stream. Makes an append idempotent. */
export interface ProducerSeq {
  /**
   * The producer's key, at most 512 characters of text. The core puts the user's id into it, which binds a producer to its user.
   */
  readonly producer: string;
  /** 1, 2, 3 … in the order of sending. Numbers may be left out, never used twice. */
  readonly seq: number;
}

/** An entry to be appended. */
export interface NewEntry {
  /** Server time when it was accepted, in milliseconds since 1970. Stored as given. */
  readonly at: number;
  /** The payload as JSON text, stored as given: the broker never looks into it. JSON text holds no NUL and no half of a surrogate pair. */
  readonly data: string;
  /** The publisher as others may see them, as JSON text; `null` when the server published. */
  readonly user: string | null;
  /** Id of the user who published. Absent: nobody's, as what the server published. */
  readonly owner?: string;
  /** Absent for what the server itself publishes: such an entry is stored each time it is appended. */
  readonly source?: ProducerSeq;
}

/** An entry as stored. `source` may be absent once the producer was forgotten. */
export interface Entry extends NewEntry {
  readonly offset: Offset;
  /** Absent: it is as it was appended. */
  readonly amended?: EntryState;
  /** Absent of an entry. What has it is no entry but the record of an amendment. */
  readonly amends?: Amends;
}

/** Where an appended entry stands. */
export interface Appended {
  readonly offset: Offset;
  /** `at` of the stored entry: that of the first append if this one was a repeat. */
  readonly at: number;
  /** The entry was stored by an earlier append with the same `source`. */
  readonly duplicate: boolean;
}

/** Where entries were stored. */
export interface AppendResult {
  readonly epoch: Epoch;
  /** One for each entry, in the order given. */
  readonly appended: readonly Appended[];
}

/** How much of a log is kept. What exceeds any of the bounds is trimmed from the oldest end, soon but not at once. */
export interface Retention {
  /** Entries to keep; records between them stay with them. Default: all. At least 1. */
  readonly entries?: number;
  /** Age in milliseconds, by `at`, up to which entries are kept. Default: any. */
  readonly ageMs?: number;
  /**
   * Bytes to keep: those of `data` and `user` of entries as they are now, in UTF-8; records, and what the store needs around them, do not count. Default:
   * any. At least 1. The newest entry is kept even if it alone has more.
   */
  readonly bytes?: number;
}

/** Options of `append`. */
export interface AppendOptions {
  /** Replaces the stream's retention from now on. */
  readonly retain?: Retention;
  /**
   * A token from `lease`. The append is refused with `FencedError` if the stream has seen a higher token, from any
   * process: a former owner that woke up late can no longer write. A stream remembers the highest token it has seen.
   */
  readonly fence?: number;
  /**
   * An earlier `seq` of the first entry's producer, of an append that may still fail. Unless it is stored when this append takes
   * effect, this one is refused with `BrokerUnavailableError` and changes nothing: what follows a failure must not overtake what
   * failed. Without effect on a repeat. Default: nothing is waited for.
   */
  readonly after?: number;
  /** From this append on, the log is in the outbox of a broker that has one (`hasOutbox`). Absent: as it is. */
  readonly outbox?: true;
}

/** A stream's state. */
export interface StreamState extends Position {
  /** Offset before the oldest entry that is kept: entries `floor + 1 … offset` can be read. */
  readonly floor: Offset;
}

/** Where the entries of a time begin. */
export interface Seek extends StreamState {
  /** Where to read on from: what is kept up to it is older, what is after it is not. The head, if all is older. */
  readonly from: Offset;
}

/** Bounds of one page. A page always holds at least one item if there is one, even if that alone exceeds `bytes`. */
export interface PageLimit {
  /** Records of amendments do not count. */
  readonly entries: number;
  /** Of all that an item holds as text (`data`, `user`, states), in UTF-8. Default: no bound. */
  readonly bytes?: number;
  /** Leaves out the records of amendments. Default: they stand between the entries. */
  readonly entriesOnly?: boolean;
}

/** Entries of a log, and the state of it in that moment. */
export interface Page extends StreamState {
  /** In offset order, contiguous (but for records that were left out or erased), each as it is now. */
  readonly entries: readonly Entry[];
}

/** A change of a stream: the entries (of a table: the steps) in `(from, to]` of `epoch` now exist. */
export interface Advance {
  readonly stream: StreamName;
  readonly epoch: Epoch;
  readonly from: Offset;
  readonly to: Offset;
  /** All entries of the range, if the broker carries the data along. */
  readonly entries?: readonly Entry[];
  /** Of a table: all rows that changed in the range, and all that were deleted in it, as they are at `to`. */
  readonly rows?: readonly Row[];
  readonly gone?: readonly Tombstone[];
}

/** A watch on a stream. */
export interface Watch {
  /** Notifications are complete from here on: whatever lies after this position will be announced. */
  readonly state: StreamState;
  /** Ends the watch. No notification is delivered after it returns. Harmless when called twice. */
  close(): void;
}

/** Ownership of a name for a while. */
export interface Lease {
  /** Grows with every new owner of the name: the fencing token. */
  readonly token: number;
  /** Extends the lease by `ttlMs` from now. `false`: it was lost, and someone else may own the name. */
  renew(): Promise<boolean>;
  /** Gives the name back, if it is still owned. */
  release(): Promise<void>;
}

/**
 * Stores streams and tells every node what changed.
 *
 * All methods may be called at any time and in any number; calls on one stream take effect in the order in which they
 * were made on this object, except that a read may already see what was appended or removed after it was called.
 * A call that can never be right (a `seq` of 0, a limit of 0) rejects with a `TypeError` or `RangeError`.
 * A broken world (disk, network) rejects with `BrokerUnavailableError`, and then nobody knows
 * whether the append happened: appending the same `source` again tells. After `close()` every call rejects with it.
 */
export interface Broker extends Amendments, Tables, Results {
  /**
   * Appends entries as one step: all of them or none (repeats aside), with contiguous offsets in the order given, after
   * everything appended before. Resolves when they are stored at the level this broker documents, never earlier.
   *
   * Idempotent by `source`: an entry whose `{producer, seq}` was stored before is not stored again; it is answered with
   * the offset it got the first time, even if it was trimmed since. Producers are remembered for 7 days after their last
   * append to the stream. Two entries of one call may not share a source.
   *
   * A stream that never existed, or was removed, begins with a new random epoch and offset 1. An append of no entries
   * begins the stream as well and applies the options. One that is refused changes nothing at all.
   *
   * @throws OutOfOrderError if a producer has stored a higher `seq` and never this one: storing it now would break the producer's order.
   * @throws FencedError if `options.fence` is lower than the highest the stream has seen.
   * @throws BrokerUnavailableError
   */
  append(stream: StreamName, entries: readonly NewEntry[], options?: AppendOptions): Promise<AppendResult>;

  /** What `append` would answer for a `source` that was stored before, or `null`. Sees every append that has resolved. */
  lookup(
    stream: StreamName,
    source: ProducerSeq,
  ): Promise<{ readonly epoch: Epoch; readonly offset: Offset; readonly at: number } | null>;

  /**
   * Entries after `after.offset`, oldest first, up to the limit. Sees every append that has resolved.
   * An empty page means that there is nothing newer.
   *
   * A position without an epoch, at offset 0, is before the first entry of whatever history there is.
   *
   * @throws UnrecoverablePositionError if the epoch differs (`epoch`; also when `after.offset` is beyond the head, which
   * only another history can explain) or entries after the position were trimmed (`trimmed`). Never a page with a hole, but for erased records.
   */
  read(stream: StreamName, after: Position, limit: PageLimit): Promise<Page>;

  /** The newest entries before offset `before` (default: the newest of all), in offset order. An empty page: there are none that are kept. */
  readBack(stream: StreamName, before: Offset | undefined, limit: PageLimit): Promise<Page>;

  /**
   * Where entries of `at` (milliseconds since 1970) and later begin. Sees every append that has resolved. The times of a log grow; where a clock was set
   * back it is one of the places at which they come to `at`.
   */
  seek(stream: StreamName, at: number): Promise<Seek>;

  /**
   * Calls `onAdvance` for every change of the stream after the returned state, whoever made it, on any node.
   *
   * Notifications come soon after the change is stored and never before it. They may repeat, overlap, or arrive out of
   * order, and one may be missing when a later one arrives; but a change is never announced to nobody: the last one always
   * comes. `onAdvance` is not called before the promise resolves, and what it throws is not caught.
   */
  watch(stream: StreamName, onAdvance: (advance: Advance) => void): Promise<Watch>;

  /** Forgets the stream, its history, its producers and the highest token it has seen. Watchers are not told; the next append starts a new epoch. */
  remove(stream: StreamName): Promise<void>;

  /**
   * Takes ownership of a name, if nobody holds it, for `ttlMs` milliseconds from now: at most one owner at any moment by
   * the broker's clock. `null` if somebody holds it. Each new ownership has a higher token than all before it, also over restarts
   * of a durable broker.
   */
  lease(name: string, ttlMs: number): Promise<Lease | null>;

  /** Waits until what was accepted is stored, then lets go of everything. Harmless when called twice. */
  close(): Promise<void>;
}
