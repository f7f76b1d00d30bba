/** Time as the Node layer sees it, and the one timer that all connections share. */

/** Replace it to move time by hand. */
export interface Clock {
  /** Milliseconds on any scale that never goes back. */
  nowMs(): number;
  /** Calls back every so often, without keeping the process alive. @returns stops it. */
  repeat(everyMs: number, callback: () => void): () => void;
}

/**
 * The process's monotonic clock. In whole milliseconds: V8 keeps a small whole number in the field that holds it, and any other
 * one as an object, of which ten thousand idle connections would each have one.
 */
export const systemClock: Clock = {
  nowMs: () => Math.floor(performance.now()),
  repeat(everyMs, callback) {
    const timer = setInterval(callback, everyMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Something that must happen by a time. */
export interface Expiring {
  /** `Infinity` for never. Read at each sweep, so it may change at will. */
  readonly deadlineMs: number;
  expire(nowMs: number): void;
}

/** How often deadlines are looked at. */
export const SWEEP_EVERY_MS = 500;

/**
 * Deadlines of a clock. Only what is closing or connecting is in here, and one entry per heartbeat, so a sweep over all of it
 * is cheap; a process without connections has no timer at all. A deadline is met up to half a second late.
 */
export class Deadlines {
  static readonly #byClock = new WeakMap<Clock, Deadlines>();
  readonly #watched = new Set<Expiring>();
  #stop: (() => void) | null = null;

  private constructor(readonly clock: Clock) {}

  static of(clock: Clock): Deadlines {
    let deadlines = Deadlines.#byClock.get(clock);
    if (deadlines === undefined) {
      deadlines = new Deadlines(clock);
      Deadlines.#byClock.set(clock, deadlines);
    }
    return deadlines;
  }

  watch(expiring: Expiring): void {
    this.#watched.add(expiring);
    this.#stop ??= this.clock.repeat(SWEEP_EVERY_MS, () => this.#sweep());
  }

  forget(expiring: Expiring): void {
    if (!this.#watched.delete(expiring) || this.#watched.size > 0) return;
    this.#stop?.();
    this.#stop = null;
  }

  #sweep(): void {
    const nowMs = this.clock.nowMs();
    for (const expiring of this.#watched) {
      if (nowMs >= expiring.deadlineMs) expiring.expire(nowMs);
    }
  }
}
