// One seed, from its beginning to its verdict.

import type { Violation } from './journal.js';
import { World } from './world.js';

export interface Verdict {
  readonly seed: number;
  /** The first promise that was broken; `null`: none was. */
  readonly violation: Violation | null;
  /** What was met, how often. */
  readonly met: Readonly<Record<string, number>>;
  readonly events: number;
  readonly simulatedMs: number;
}

/** @param onLine gets a line for each event, with its simulated time in seconds */
export async function runSeed(seed: number, onLine?: (line: string) => void): Promise<Verdict> {
  const world = new World(seed, onLine);
  // A promise that nobody looks at is a fault of whoever made it.
  const onRejection = (error: unknown) =>
    world.journal.broken('nothing throws', `unhandled: ${(error as Error)?.stack ?? error}`);
  process.on('unhandledRejection', onRejection);
  try {
    await world.run();
  } finally {
    process.off('unhandledRejection', onRejection);
  }
  return {
    seed,
    violation: world.journal.violation ?? null,
    met: Object.fromEntries(world.journal.met),
    events: world.simulator.events,
    simulatedMs: world.simulator.nowMs,
  };
}
