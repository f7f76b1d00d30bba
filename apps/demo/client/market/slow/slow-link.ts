// A link of so many bytes a second: what comes is handed on when its last byte would have arrived, one thing after the other.

/** A timer that is so late is no pause of the link: what comes then follows at once on what was before. */
const LATE_MS = 100;

export class SlowLink {
  readonly #bytesPerSecond: number;
  /** When the last byte of all that came so far has passed, by `performance.now()`. */
  #freeAtMs = 0;
  /** Bytes that have passed. */
  passedBytes = 0;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #isCut = false;

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Runs `then` when so many bytes have passed, after all that came before. Not at all once it is cut. */
  pass(bytes: number, then: () => void): void {
    if (this.#isCut) return;
    const nowMs = performance.now();
    const isPause = nowMs - this.#freeAtMs > LATE_MS;
    this.#freeAtMs = (isPause ? nowMs : this.#freeAtMs) + (bytes / this.#bytesPerSecond) * 1000;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.passedBytes += bytes;
      then();
    }, this.#freeAtMs - nowMs);
    this.#timers.add(timer);
  }

  /** Nothing passes any more. */
  cut(): void {
    this.#isCut = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
