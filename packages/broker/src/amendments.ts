// Entries that change: an amendment rewrites a stored entry and appends a record to the same log, as one step. A part of the port of
// its own. The broker does not look into what it stores: what an edit or a reaction is, the core knows.

import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import type { AppendOptions, NewEntry, StreamState } from './broker.js';

/** What is to become of an entry. `at`, `user`, `owner` and `source` are those of the record: of who amends, and when. */
export interface Amendment extends NewEntry {
  /** Of the entry. */
  readonly offset: Offset;
  /** Offset of the newest record that amended the entry, as the caller has seen it; 0: none. */
  readonly expects: Offset;
  /** Takes the place of the entry's `data`, of which nothing is kept. */
  readonly data: string;
  /** All else that can change, as JSON text. Takes the place of the entry's `state`. */
  readonly state: string;
}

/** Where the record of an amendment stands. */
export interface AmendResult {
  readonly epoch: Epoch;
  /** Of the record. If nothing changed: of the entry's newest record, or its own if it has none. */
  readonly offset: Offset;
  /** As of an appended entry. */
  readonly at: number;
  /** The record was stored by an earlier call with the same `source`. */
  readonly duplicate: boolean;
}

/** Of an amended entry. */
export interface EntryState {
  /** Of the newest record that amended it. */
  readonly offset: Offset;
  readonly state: string;
}

/** Of a record. Its own `data` is `null`. */
export interface Amends {
  /** Of the entry. */
  readonly offset: Offset;
  /**
   * What the entry is now, whenever that became so. Both are given with the newest record of an entry that is kept, and absent
   * with any other: who reads on comes to the one that has them.
   */
  readonly data?: string;
  readonly state?: string;
}

/** The end of a log, counted in entries. */
export interface Tail extends StreamState {
  /** Where to read on from to get the entries asked for. The offset before an entry, or `floor`. */
  readonly from: Offset;
  /** Entries that are kept after the position asked about. */
  readonly after: number;
  /** Records that are no longer kept. */
  readonly recordsTrimmed: number;
}

/** Amends the entries of logs. What is said of `Broker` holds here too: errors, and that a promise resolves when it is stored. */
export interface Amendments {
  /**
   * Rewrites an entry and appends its record, as one step. From then on every read gives the entry as it is now, and the `data`
   * that was replaced is nowhere: a broker with a file says when it is gone from there too. An amendment after which the entry is as it
   * was, text by text, appends nothing; its `source` is remembered all the same.
   *
   * The record before it, if the entry had one, says nothing any more. Such a record is erased if there is a record right before and right behind it that is kept: so of
   * a run of records the first, the last and those that are the newest of an entry are kept, and their number is bounded by that of entries, however often they are
   * amended. Its offset is a place like any other.
   *
   * Idempotent by `source`, which counts among the appends of its producer. Watchers are told as of an append. Records have offsets, and
   * are no entries: bounds that count entries pass over them.
   *
   * @throws AmendConflictError if the newest record of the entry is not `expects`, or there is no such entry: never was, is no longer kept,
   * is a record.
   * @throws OutOfOrderError, FencedError, BrokerUnavailableError as `append` does.
   */
  amend(
    stream: StreamName,
    amendment: Amendment,
    options?: Pick<AppendOptions, 'fence' | 'after' | 'outbox'>,
  ): Promise<AmendResult>;

  /**
   * Where the newest `count` entries begin, and how many there are after an offset. Sees every append that has resolved.
   * @param count at least 0
   */
  tail(stream: StreamName, after: Offset, count: number): Promise<Tail>;
}
