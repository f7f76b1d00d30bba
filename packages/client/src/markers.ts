// Who has read up to where, and what is unread: tables, shown as what they mean.

import type { Epoch, Offset, TrunklineError } from '@trunkline/protocol';
import type { Asks } from './asks.js';
import { mapStore } from './map-store.js';
import type { Shared } from './shared.js';
import type { AnyTableHandle } from './table.js';
import type { TableSnapshot, TableState, TableStore } from './table-handle.js';
import { createTimers } from './timers.js';

/** Somebody who has marked how far they have read. */
export interface Reader<User> {
  readonly user: User;
  readonly offset: Offset;
}

/** Who has read up to where. Immutable, and the same object until something changes. */
export interface ReadersSnapshot<User> {
  readonly state: TableState;
  readonly readers: readonly Reader<User>[];
  /** Those who have read the entry at `offset`. */
  readonly seenBy: (offset: Offset) => readonly Reader<User>[];
}

/** What is unread of one log. */
export interface UnreadSnapshot {
  /** Entries of others after the user's mark: 0 to 99. */
  readonly unread: number;
  /** There are more than 99. */
  readonly more: boolean;
  /** Up to where the user has read. */
  readonly mark: Offset;
  /** The log is counted. Not where the user does not follow it, may no longer read it, or nothing is known yet. */
  readonly isFollowing: boolean;
}

/** Of a log with `markers`. */
export interface WithMarkers<User> {
  /** Who has read up to where, as a store. */
  readonly readers: TableStore<ReadersSnapshot<User>>;
  /** What this user has not read, as a store. All of a line are one subscription, to no log. */
  readonly unread: TableStore<UnreadSnapshot>;
  /**
   * This user has read up to there. Only forward, within a history of the log; at most one is sent a second, the highest, and the next a second after it is stored. The first one
   * makes the user follow the log. Sent again over reconnects; of a refusal `onProblem` is told, and a mark that was refused is sent again by marking once more.
   */
  readonly mark: (offset: Offset) => void;
  /** From now on what comes is counted. Resolves when that is stored. Rejects with `TrunklineError`. */
  readonly follow: () => Promise<void>;
  readonly unfollow: () => Promise<void>;
}

/** What is unread of every log that the user follows, by the log's name on the wire. */
export interface AllUnread {
  readonly state: TableState;
  readonly logs: ReadonlyMap<string, Omit<UnreadSnapshot, 'isFollowing'>>;
}

export const UNREAD = ':unread';
const MARK_MS = 1_000;
const NOTHING: UnreadSnapshot = { unread: 0, more: false, mark: 0, isFollowing: false };
type UnreadRow = Omit<UnreadSnapshot, 'isFollowing'>;
type MarkerRow = Reader<unknown> & { readonly epoch: Epoch };

export const createAllUnread = (table: AnyTableHandle): TableStore<AllUnread> =>
  mapStore(table.view() as TableStore<TableSnapshot<UnreadRow>>, ({ state, rows }) => ({ state, logs: rows }));

/** @param epoch of the log, as far as it is known @param table that of a stream by its name */
export function createMarkers(
  shared: Shared,
  asks: Asks,
  name: string,
  epoch: () => Epoch | null,
  table: (name: string) => AnyTableHandle,
): WithMarkers<unknown> {
  const timers = createTimers<'next'>(shared);
  /** The highest that was marked here, and the highest that is stored, in this history of the log. */
  let wanted = 0;
  let stored = 0;
  let known: Epoch | null = null;
  let isAsking = false;
  // One at a time: what is marked while the line is down is one mark when it is back.
  const send = () => {
    if (isAsking || timers.has('next') || wanted <= stored) return;
    const [offset, of] = [wanted, known];
    const answered = (error?: TrunklineError) => {
      isAsking = false;
      if (error) shared.onProblem('server', error.message, error);
      if (of === known) {
        if (!error) stored = offset;
        // Not again by itself; but who marks it once more may be allowed to by then.
        else if (wanted === offset) wanted = stored;
      }
      timers.set('next', MARK_MS, send);
    };
    isAsking = true;
    asks
      .ask({ type: 'mark', stream: name, offset, ...(of !== null && { epoch: of }) })
      .then(() => answered(), answered);
  };
  return {
    readers: mapStore(
      table(`${name}:markers`).view() as TableStore<TableSnapshot<MarkerRow>>,
      ({ state, rows }) => {
        const now = epoch();
        // A mark in another history says nothing of this one (MRK-1).
        const marks = [...rows.values()].filter((row) => now === null || row.epoch === now);
        const readers = marks.map(({ user, offset }) => ({ user, offset }));
        return { state, readers, seenBy: (offset) => readers.filter((reader) => reader.offset >= offset) };
      },
      epoch,
    ),
    unread: mapStore(table(UNREAD).row(name) as TableStore<UnreadRow | undefined>, (row) =>
      row ? { ...row, isFollowing: true } : NOTHING,
    ),
    mark: (offset) => {
      const now = epoch();
      if (now !== known) {
        // What was marked in another history says nothing of this one.
        if (known !== null) wanted = stored = 0;
        known = now;
      }
      wanted = Math.max(wanted, offset);
      shared.batch.run(send);
    },
    follow: () => asks.ask({ type: 'follow', stream: name }).then(noWord),
    unfollow: () => asks.ask({ type: 'unfollow', stream: name }).then(noWord),
  };
}

const noWord = (): void => {};
