// A clock that a test moves: timers run in the order of their due times, ties in the order in which they were set.

import type { Clock } from '@trunkline/client';

interface Timer {
  dueMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class FakeClock implements Clock {
  #nowMs = 1_763_650_000_000;
  #order = 0;
  #timers: Timer[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, run: () => void): () => void {
    // As the timers of browsers and Node do with what exceeds 32 bits.
    const takenMs = delayMs >= 2 ** 31 ? 1 : delayMs;
    const timer = { dueMs: this.#nowMs + takenMs, order: this.#order++, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves time, running what is due on the way. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const next = this.#next();
      if (next === undefined || next.dueMs > untilMs) break;
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      this.#timers = this.#timers.filter((timer) => timer !== next);
      next.run();
    }
    this.#nowMs = untilMs;
  }

  /** The same, letting promises settle before and after each timer. */
  async advanceAsync(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      await settled();
      const next = this.#next();
      if (next === undefined || next.dueMs > untilMs) break;
      this.advance(Math.max(0, next.dueMs - this.#nowMs));
    }
    this.#nowMs = untilMs;
  }

  /** Time passes, and no timer ran: a computer that slept. */
  sleep(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** The clock is set, or stood still with its timers while the computer slept: they keep the time that they had left. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
    for (const timer of this.#timers) timer.dueMs += byMs;
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** When the next timer is due. */
  get nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.dueMs < next.dueMs || (timer.dueMs === next.dueMs && timer.order < next.order)) {
        next = timer;
      }
    }
    return next;
  }
}

/** Lets the promises that can settle do so. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}
