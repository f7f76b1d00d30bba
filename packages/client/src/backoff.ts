// How long to wait before the next attempt.

/** While trouble is young, at most this much: most outages are a restart. */
const YOUNG_CAP_MS = 2_000;
const YOUNG_MS = 30_000;
const OLD_CAP_MS = 30_000;
const FIRST_MS = 500;
const LONGEST_MS = 3_600_000;

/** Capped exponential backoff with full jitter: the bound doubles, the wait is any part of it. */
export class Backoff {
  #attempts = 0;
  #sinceMs: number | undefined;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** @param afterMs what the other side asks for: not sooner than that, and at most an hour. */
  nextMs(nowMs: number, afterMs = 0): number {
    this.#sinceMs ??= nowMs;
    const cap = nowMs - this.#sinceMs < YOUNG_MS ? YOUNG_CAP_MS : OLD_CAP_MS;
    return Math.max(Math.min(afterMs, LONGEST_MS), this.#random() * Math.min(cap, FIRST_MS * 2 ** this.#attempts++));
  }

  /** The trouble is over. */
  reset(): void {
    this.#attempts = 0;
    this.#sinceMs = undefined;
  }
}
