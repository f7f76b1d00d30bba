// How long to wait before the next attempt.

import type { Shared } from './shared.js';

/** While trouble is young, at most this much: most outages are a restart. */
const YOUNG_CAP_MS = 2_000;
const YOUNG_MS = 30_000;
const OLD_CAP_MS = 30_000;
const FIRST_MS = 500;
/** The longest wait that a server may ask for. */
export const LONGEST_WAIT_MS = 3_600_000;

export interface Backoff {
  /** @param afterMs what the other side asks for: not sooner than that, and at most an hour. */
  nextMs(afterMs?: number): number;
  /** The trouble is over. */
  reset(): void;
}

/** Capped exponential backoff with full jitter: the bound doubles, the wait is any part of it. */
export function createBackoff({ clock, random }: Shared): Backoff {
  let attempts = 0;
  let sinceMs: number | undefined;
  return {
    nextMs(afterMs = 0) {
      sinceMs ??= clock.nowMs();
      const capMs = clock.nowMs() - sinceMs < YOUNG_MS ? YOUNG_CAP_MS : OLD_CAP_MS;
      return Math.max(Math.min(afterMs, LONGEST_WAIT_MS), random() * Math.min(capMs, FIRST_MS * 2 ** attempts++));
    },
    reset() {
      attempts = 0;
      sinceMs = undefined;
    },
  };
}
