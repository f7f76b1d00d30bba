// Named timers: setting one replaces it, and all of an owner's are cleared together.

import type { Shared } from './shared.js';

/** The longest delay that timers of browsers and Node take: beyond it they fire at once. */
const LONGEST_MS = 2 ** 31 - 1;

export interface Timers<Name extends string> {
  /** Runs `run` after `delayMs`, at most 24 days; what is not a delay counts as 0. */
  set(name: Name, delayMs: number, run: () => void): void;
  has(name: Name): boolean;
  clear(...names: readonly Name[]): void;
}

export function createTimers<Name extends string>({ clock, batch }: Shared): Timers<Name> {
  const cancels = new Map<Name, () => void>();
  const clear = (...names: readonly Name[]) => {
    for (const name of names) {
      cancels.get(name)?.();
      cancels.delete(name);
    }
  };
  return {
    clear,
    has: (name) => cancels.has(name),
    set(name, delayMs, run) {
      clear(name);
      const fire = () => {
        cancels.delete(name);
        batch.run(run);
      };
      cancels.set(name, clock.after(Math.min(Math.max(delayMs, 0) || 0, LONGEST_MS), fire));
    },
  };
}
