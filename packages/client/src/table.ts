// A table: what is shown of it, who looks at which rows, and what the server is asked for. Each socket feeds a replica of its own, which is shown
// when it has reached the head: so nobody sees half of a snapshot, and while the line moves (CON-8) nobody sees older rows after newer ones.

import type { RowData } from '@trunkline/protocol';
import { type Changes, createChanges } from './changes.js';
import { createLens, type Lens } from './lens.js';
import type { Link } from './link.js';
import type { Shared } from './shared.js';
import type { Interest, Kind, Subscription } from './subscription.js';
import type { TableHandle, TableInterest, TableSnapshot } from './table-handle.js';
import {
  adoptRows,
  applyRows,
  covers,
  emptyReplica,
  forkReplica,
  resumeAt,
  type TableReplica,
} from './table-replica.js';
import { tune } from './table-seat.js';
import { createTimers } from './timers.js';
import { createWishCount, isKey, type Wishes } from './wishes.js';

export type AnyTableSnapshot = TableSnapshot<RowData>;
export type AnyTableHandle = TableHandle<unknown, object, 'client'>;

/** What of a table is its own. */
export interface Table extends Kind {
  readonly handle: Omit<AnyTableHandle, 'name' | 'open' | 'subscribe' | 'snapshot' | 'serverSnapshot'>;
  readonly changes: Changes;
  snapshot(): AnyTableSnapshot;
  add(interest: Interest): void;
  remove(interest: Interest): void;
  /** Asks for what is wanted now, where it is subscribed. */
  tune(): void;
  /** Tells each view of another state, if it is another. */
  noteState(): void;
}

const NO_ROWS: ReadonlyMap<string, RowData> = new Map();
export const EMPTY_TABLE: AnyTableSnapshot = { state: 'connecting', rows: NO_ROWS, error: undefined };

/** @param open interest in the stream; the result gives it up. */
export function createTable(
  shared: Shared,
  link: Link,
  name: string,
  producer: string,
  subscription: Subscription,
  open: (interest: TableInterest) => () => void,
): Table {
  const timers = createTimers<'ask'>(shared);
  const wishes = createWishCount();
  const changes = createChanges(shared, link, name, producer);
  /** Tells one that its state is another, if it is. */
  const views = new Map<Lens, () => void>();
  const wholeViews = new Set<Lens>();
  const byKey = new Map<string, Set<Lens>>();
  let shown: TableReplica | undefined;
  /** When what is shown was surely the newest. */
  let freshAtMs = Number.NaN;
  let isChanged = false;

  let wishedLast: Wishes | undefined;
  /** While nobody looks any more and it lingers, what was wanted last: who comes back finds it, also over a reconnect. */
  const wanted = (): Wishes => {
    if (subscription.interests.size > 0 || !wishedLast) wishedLast = wishes.sum(link.limits.maxKeys, link.sight);
    return wishedLast;
  };

  const table: Table = {
    changes,
    handle: {
      ...changes.handle,
      staleMs() {
        freshen();
        return Number.isNaN(freshAtMs) ? undefined : Math.max(0, shared.clock.nowMs() - freshAtMs);
      },
      view(interest = {}) {
        const keys = interest.keys && [...new Set(interest.keys)];
        const mine = { ...interest, keys };
        // No row has another.
        const possible = keys?.filter(isKey);
        return createLens<AnyTableSnapshot>(
          shared,
          mine.ratePerSecond,
          EMPTY_TABLE,
          (last) => {
            const rows = keys ? pick(keys, last?.rows) : share();
            const now = { ...standing(possible), rows };
            const isSame = last && last.state === now.state && last.error === now.error && last.rows === rows;
            return isSame ? last : now;
          },
          (lens) => {
            const leave = follow(lens, keys, mine);
            let told = standing(possible).state;
            views.set(lens, () => {
              const { state } = standing(possible);
              if (state !== told) lens.stateChanged();
              told = state;
            });
            return leave;
          },
        );
      },
      row: (key, interest = {}) =>
        createLens<RowData | undefined>(
          shared,
          interest.ratePerSecond,
          undefined,
          () => shown?.rows.get(key),
          (lens) => follow(lens, [key], { ...interest, keys: [key] }),
        ),
    },
    snapshot: () => ({ ...standing(wanted().list), rows: share() }),
    add(interest) {
      wishes.add(interest);
      later();
    },
    remove(interest) {
      wishes.remove(interest);
      later();
    },
    tune() {
      if (subscription.interests.size === 0) return;
      freshen();
      for (const seat of subscription.seats()) tune(name, seat, wanted, subscription);
    },
    noteState() {
      for (const tell of views.values()) tell();
    },
    question(seat) {
      const { list, rate } = wanted();
      const place = shown && resumeAt(shown, list);
      const replica = shown && place ? forkReplica(shown, list) : emptyReplica(list);
      seat.table = { replica, asked: { list, rate, paused: false }, isTuning: false };
      return { ...place, keys: list && [...list], rate };
    },
    placed(seat, ok) {
      const { table: mine } = seat;
      if (!mine) return;
      const { replica } = mine;
      // Not the place that was asked for: a reset follows.
      if (ok.from !== replica.offset || ok.epoch !== replica.epoch) mine.replica = emptyReplica(replica.list);
      table.tune();
    },
    read(seat, message) {
      const { table: mine } = seat;
      if (!mine) return 'old';
      if (message.type === 'synced') {
        if (message.to !== mine.replica.offset) return 'hole';
        mine.replica.held = mine.replica.list;
        return 'new';
      }
      if (message.type !== 'rows') return 'old';
      if (message.reset) {
        mine.replica = emptyReplica(mine.replica.list);
        seat.state = 'on';
      }
      const { replica } = mine;
      return applyRows(replica, message, replica === shown ? changed : () => {});
    },
    covers({ table: now }, { table: before }) {
      // The next server may not have heard yet of what the one before has told.
      const isOther = now?.replica.epoch !== before?.replica.epoch;
      return isOther || !now || !before || now.replica.offset >= before.replica.offset;
    },
    advanced() {
      const { state, table: mine } = subscription.shown();
      if (state === 'synced' && mine && mine.replica !== shown) {
        adoptRows(mine.replica, shown?.rows ?? NO_ROWS, changed);
        shown = mine.replica;
      }
      freshen();
      if (isChanged) for (const lens of wholeViews) lens.rowChanged();
      isChanged = false;
      // What may only be asked for by who has reached the head.
      table.tune();
    },
    rest() {},
  };
  return table;

  /** In this task many may come and go: they are one question. */
  function later(): void {
    if (!link.dial || timers.has('ask')) return;
    timers.set('ask', 0, () => {
      subscription.ask();
      table.tune();
    });
  }

  function freshen(): void {
    const { state, table: mine, dial } = subscription.shown();
    if (state !== 'synced' || !mine || !dial || mine.asked.paused) return;
    freshAtMs = dial.heardMs - (mine.asked.rate === undefined ? 0 : 1_000 / mine.asked.rate);
  }

  /** What is true of some rows, or of all: `live` only when all of them are here. */
  function standing(keys: Iterable<string> | undefined): Omit<AnyTableSnapshot, 'rows'> {
    const state = subscription.state(shown !== undefined);
    const isShort = state === 'live' && !(shown && covers(shown, keys));
    return { state: isShort ? 'catching up' : state, error: state === 'refused' ? subscription.error() : undefined };
  }

  function changed(key: string): void {
    isChanged = true;
    for (const lens of byKey.get(key) ?? []) lens.rowChanged();
  }

  /** What is handed out is not changed any more. */
  function share(): AnyTableSnapshot['rows'] {
    if (!shown) return NO_ROWS;
    shown.isShared = true;
    return shown.rows;
  }

  /** The rows of some keys; the same map if they are the same rows. */
  function pick(keys: readonly string[], last = NO_ROWS): AnyTableSnapshot['rows'] {
    const rows = new Map<string, RowData>();
    let isSame = true;
    for (const key of keys) {
      const row = shown?.rows.get(key);
      if (row) rows.set(key, row);
      isSame &&= row === last.get(key);
    }
    return isSame ? last : rows;
  }

  function follow(lens: Lens, keys: readonly string[] | undefined, interest: TableInterest) {
    // First: whoever asks for what there is not is thrown at, and nothing is kept of them.
    const leave = open(interest);
    if (!keys) wholeViews.add(lens);
    for (const key of keys ?? []) byKey.set(key, (byKey.get(key) ?? new Set()).add(lens));
    return () => {
      views.delete(lens);
      wholeViews.delete(lens);
      for (const key of keys ?? []) {
        const lenses = byKey.get(key);
        lenses?.delete(lens);
        if (lenses?.size === 0) byKey.delete(key);
      }
      leave();
    };
  }
}
