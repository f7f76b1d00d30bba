// A clock for what is said of the past: one timer, and one time, for all who look; none while nobody does.

import { useSyncExternalStore } from 'react';

/** A hook that gives the time, in milliseconds since 1970, and again every `tickMs`. The same for all who use it. */
export function createTickingClock(tickMs: number): () => number {
  let nowMs = Date.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const listeners = new Set<() => void>();

  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    if (timer === undefined) {
      // It stood still while nobody looked.
      nowMs = Date.now();
      timer = setInterval(() => {
        nowMs = Date.now();
        for (const each of listeners) each();
      }, tickMs);
    }
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  };
  return () => useSyncExternalStore(subscribe, () => nowMs);
}
