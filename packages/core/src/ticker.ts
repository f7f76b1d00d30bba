// The ticks of this node: for each rate that somebody asked for, moments at whole multiples of its period on the node's clock,
// so that all who asked for the same are served together and share what is made for them. One timer for all of them.

import type { Clock } from './ports.js';

export interface Ticking {
  tick(rate: number): void;
}

interface Beat {
  readonly periodMs: number;
  readonly members: Set<Ticking>;
  nextMs: number;
}

export class Ticker {
  readonly #clock: Clock;
  readonly #beats = new Map<number, Beat>();
  #cancel: (() => void) | null = null;
  #wakeMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param rate ticks a second, above 0 */
  add(rate: number, member: Ticking): void {
    let beat = this.#beats.get(rate);
    if (beat === undefined) {
      const periodMs = 1_000 / rate;
      beat = { periodMs, members: new Set(), nextMs: nextMultiple(periodMs, this.#clock.nowMs()) };
      this.#beats.set(rate, beat);
      this.#schedule();
    }
    beat.members.add(member);
  }

  remove(rate: number, member: Ticking): void {
    const beat = this.#beats.get(rate);
    beat?.members.delete(member);
    if (beat?.members.size === 0) this.#beats.delete(rate);
    if (this.#beats.size === 0) this.close();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
  }

  #schedule(): void {
    let soonestMs = Number.POSITIVE_INFINITY;
    for (const { nextMs } of this.#beats.values()) soonestMs = Math.min(soonestMs, nextMs);
    if (soonestMs >= this.#wakeMs || soonestMs === Number.POSITIVE_INFINITY) return;
    this.#cancel?.();
    this.#wakeMs = soonestMs;
    this.#cancel = this.#clock.after(Math.max(1, soonestMs - this.#clock.nowMs()), this.#wake);
  }

  readonly #wake = (): void => {
    this.#cancel = null;
    this.#wakeMs = Number.POSITIVE_INFINITY;
    const now = this.#clock.nowMs();
    for (const [rate, beat] of this.#beats) {
      const { periodMs, nextMs } = beat;
      // A clock that was set back must not silence a table until it has caught up.
      if (nextMs > now && nextMs - now <= periodMs) continue;
      beat.nextMs = nextMultiple(periodMs, now);
      for (const member of beat.members) member.tick(rate);
    }
    this.#schedule();
  };
}

function nextMultiple(periodMs: number, nowMs: number): number {
  return (Math.floor(nowMs / periodMs) + 1) * periodMs;
}
