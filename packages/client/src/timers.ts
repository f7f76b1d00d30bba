// Named timers: setting one replaces it, and all of an owner's are cleared together.

import type { Batch } from './batch.js';
import type { Clock } from './ports.js';

/** The longest delay that timers of browsers and Node take: beyond it they fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export class Timers<Name extends string> {
  readonly #cancel = new Map<Name, () => void>();
  readonly #clock: Clock;
  readonly #batch: Batch;

  constructor(clock: Clock, batch: Batch) {
    this.#clock = clock;
    this.#batch = batch;
  }

  /** Runs `run` after `delayMs`, at most 24 days; what is not a delay counts as 0. */
  set(name: Name, delayMs: number, run: () => void): void {
    this.clear(name);
    const cancel = this.#clock.after(Math.min(Math.max(delayMs, 0) || 0, LONGEST_MS), () => {
      this.#cancel.delete(name);
      this.#batch.run(run);
    });
    this.#cancel.set(name, cancel);
  }

  has(name: Name): boolean {
    return this.#cancel.has(name);
  }

  clear(...names: readonly Name[]): void {
    for (const name of names) {
      this.#cancel.get(name)?.();
      this.#cancel.delete(name);
    }
  }
}
