// Time and turns, moved by hand.

import type { Clock } from '../../src/index.js';

export class FakeClock implements Clock {
  #tasks: (() => void)[] = [];
  #timers: { readonly dueMs: number; readonly task: () => void }[] = [];
  /** Added to the clock each time it is read: makes work take time. */
  costMs = 0;
  #nowMs: number;

  constructor(nowMs = 1_763_650_000_000) {
    this.#nowMs = nowMs;
  }

  readonly nowMs = (): number => {
    this.#nowMs += this.costMs;
    return this.#nowMs;
  };
  readonly endOfTurn = (task: () => void): void => {
    this.#tasks.push(task);
  };
  readonly after = (delayMs: number, task: () => void): (() => void) => {
    const timer = { dueMs: this.#nowMs + delayMs, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** Timers that wait. */
  get timers(): number {
    return this.#timers.length;
  }
  /** Whether something waits for the end of the turn. */
  get isTurnOpen(): boolean {
    return this.#tasks.length > 0;
  }

  /** Ends the turn: runs what waited for it. What that adds waits for the next one. */
  endTurn(): void {
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  }

  /** Sets the clock without letting anything run in between, as when the process was stopped. Timers fire at the next move. */
  jumpMs(ms: number): void {
    this.#nowMs += ms;
  }

  /** Moves the clock, running what falls due on the way in its order. */
  advanceMs(ms: number): void {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const next = this.#timers.filter(({ dueMs }) => dueMs <= endMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
    }
    this.#nowMs = endMs;
  }
}

/** Lets everything run that waits only for promises. */
export function microtasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
