// What a run has to tell: how often it met what, which promise was broken first, and, if asked for, a line for each event.

import type { Simulator } from './simulator.js';

/** A promise that was not kept. */
export interface Violation {
  /** The promise, as in docs/guarantees.md, or what else was expected. */
  readonly promise: string;
  readonly what: string;
  readonly atMs: number;
}

export class Journal {
  /** The first promise that was broken. */
  violation: Violation | undefined;
  /** Of everything that was met, how often. */
  readonly met = new Map<string, number>();
  /** Takes the lines of a trace; `undefined`: nobody reads it. */
  onLine: ((line: string) => void) | undefined;

  constructor(private readonly simulator: Simulator) {}

  count(kind: string, times = 1): void {
    this.met.set(kind, (this.met.get(kind) ?? 0) + times);
  }

  /** What comes after the first violation may be its consequence, and is not kept. */
  broken(promise: string, what: string): void {
    const atMs = this.simulator.nowMs;
    this.trace('BROKEN', `${promise}: ${what}`);
    this.violation ??= { promise, what, atMs };
  }

  /** `what` is only made when somebody reads the trace. */
  trace(who: string, what: string | (() => string)): void {
    if (this.onLine === undefined) return;
    const time = (this.simulator.nowMs / 1_000).toFixed(4).padStart(9);
    this.onLine(`${time}  ${who.padEnd(10)}  ${typeof what === 'string' ? what : what()}`);
  }
}
