// A rate with a burst, in two numbers and no timer.

export class TokenBucket {
  #tokens: number;
  #sinceMs: number;

  constructor(
    private readonly ratePerSecond: number,
    private readonly burst: number,
    nowMs: number,
  ) {
    this.#tokens = burst;
    this.#sinceMs = nowMs;
  }

  /** Takes one token. 0: done; else the milliseconds until there is one, and none was taken. */
  take(nowMs: number): number {
    // A clock that jumped back gives nothing, and takes nothing.
    const elapsedMs = Math.max(0, nowMs - this.#sinceMs);
    this.#tokens = Math.min(this.burst, this.#tokens + (elapsedMs / 1_000) * this.ratePerSecond);
    this.#sinceMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil(((1 - this.#tokens) / this.ratePerSecond) * 1_000);
  }
}
