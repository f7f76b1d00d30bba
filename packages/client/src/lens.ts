// A store of something in a table, with a pace of its own: rows, or one row. Costs nothing while nobody listens.

import type { Shared } from './shared.js';
import type { TableStore } from './table-handle.js';
import { createTimers } from './timers.js';

/** What a table tells of. */
export interface Lens {
  /** A row in it is another. */
  rowChanged(): void;
  /** The state is another: told at once. */
  stateChanged(): void;
}

/**
 * @param build makes the value, or gives the last one if it is no other.
 * @param follow registers with the table; the result ends it.
 */
export function createLens<Value>(
  { batch, clock, ...rest }: Shared,
  ratePerSecond: number | undefined,
  empty: Value,
  build: (last: Value | undefined) => Value,
  follow: (lens: Lens) => () => void,
): TableStore<Value> {
  const timers = createTimers<'due'>({ batch, clock, ...rest });
  const periodMs = ratePerSecond === undefined ? 0 : 1_000 / ratePerSecond;
  const listeners = new Set<() => void>();
  let value: Value | undefined;
  let isCurrent = false;
  let toldMs = Number.NEGATIVE_INFINITY;
  /** Listeners are to be told at the end of this event, and not before: of all that it changes. */
  let isTelling = false;
  let leave = () => {};

  const tell = () => {
    timers.clear('due');
    toldMs = clock.nowMs();
    isCurrent = false;
    isTelling = listeners.size > 0;
    for (const listener of listeners) batch.add(listener);
  };
  const lens: Lens = {
    stateChanged: tell,
    rowChanged() {
      if (isTelling) isCurrent = false;
      // The next row of a slice is no reason for one more turn, which would take that of the next slice.
      if (isTelling || timers.has('due')) return;
      const waitMs = toldMs + periodMs - clock.nowMs();
      // A clock that was put back must not silence it.
      if (waitMs > 0 && waitMs <= periodMs) timers.set('due', waitMs, tell);
      else tell();
    },
  };
  return {
    serverSnapshot: () => empty,
    snapshot() {
      if (!isCurrent) value = build(value);
      isCurrent = listeners.size > 0;
      return value as Value;
    },
    subscribe(onChange) {
      const listener = () => {
        isTelling = false;
        if (listeners.has(listener)) onChange();
      };
      if (listeners.size === 0) leave = follow(lens);
      listeners.add(listener);
      return () => {
        if (!listeners.delete(listener) || listeners.size > 0) return;
        isCurrent = false;
        timers.clear('due');
        leave();
      };
    },
  };
}
