// A rate with a burst, in two numbers and no timer.

/** What one token is counted as: with rates in whole tokens a second, a millisecond is a whole number of parts, and nothing is rounded. */
const TOKEN = 1_000;

export class TokenBucket {
  #parts: number;
  #sinceMs: number;

  constructor(
    private readonly ratePerSecond: number,
    private readonly burst: number,
    nowMs: number,
  ) {
    this.#parts = burst * TOKEN;
    this.#sinceMs = nowMs;
  }

  /** Takes one token. 0: done; else the milliseconds until there is one, and none was taken. */
  take(nowMs: number): number {
    // A clock that jumped back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, nowMs - this.#sinceMs);
    this.#parts = Math.min(this.burst * TOKEN, this.#parts + elapsedMs * this.ratePerSecond);
    this.#sinceMs = nowMs;
    if (this.#parts >= TOKEN) {
      this.#parts -= TOKEN;
      return 0;
    }
    return Math.ceil((TOKEN - this.#parts) / this.ratePerSecond);
  }
}
