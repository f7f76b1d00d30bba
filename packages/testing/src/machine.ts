// A computer with one process in the simulated world: it has a clock that may be set, it may sleep, and it may be killed. What
// it planned happens late after a sleep, and never after its end.

import type { Simulator } from './simulator.js';

/** Where clocks begin, in milliseconds since 1970. */
export const BEGINNING_MS = 1_763_650_000_000;

export class Machine {
  #isAlive = true;
  #wakesMs = 0;
  #skewMs = 0;
  /** When its sense of time was last disturbed: a sleep ended, or the clock was set. */
  #disturbedMs = 0;

  constructor(
    readonly simulator: Simulator,
    readonly name: string,
  ) {}

  get isAlive(): boolean {
    return this.#isAlive;
  }
  get isAsleep(): boolean {
    return this.#wakesMs > this.simulator.nowMs;
  }
  get disturbedMs(): number {
    return Math.max(this.#disturbedMs, Math.min(this.#wakesMs, this.simulator.nowMs));
  }
  /** How far its clock is off, in milliseconds. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** Its own clock, in milliseconds since 1970. */
  readonly nowMs = (): number => Math.floor(BEGINNING_MS + this.simulator.nowMs + this.#skewMs);

  readonly after = (delayMs: number, task: () => void): (() => void) => {
    let isCancelled = false;
    // A timer that was due in a sleep can still be cancelled after it.
    this.simulator.after(Math.max(0, delayMs), () => isCancelled || this.run(() => isCancelled || task()));
    return () => {
      isCancelled = true;
    };
  };

  readonly endOfTurn = (task: () => void): void => {
    this.simulator.after(0, () => this.run(task));
  };

  readonly every = (intervalMs: number, task: () => void): (() => void) => {
    let cancel = () => {};
    const plan = () => {
      cancel = this.after(intervalMs, () => {
        plan();
        task();
      });
    };
    plan();
    return () => cancel();
  };

  /** Runs `task` now, after the sleep if it sleeps, and not at all after the end. */
  run(task: () => void): void {
    if (!this.#isAlive) return;
    if (this.isAsleep) this.simulator.at(this.#wakesMs, () => this.run(task));
    else task();
  }

  sleep(forMs: number): void {
    this.#wakesMs = Math.max(this.#wakesMs, this.simulator.nowMs + forMs);
  }

  /** Somebody sets the clock: it is off by `byMs` from now on. */
  setClock(byMs: number): void {
    this.#skewMs = byMs;
    this.#disturbedMs = this.simulator.nowMs;
  }

  kill(): void {
    this.#isAlive = false;
  }
}
