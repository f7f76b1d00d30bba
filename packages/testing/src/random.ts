// All chance of a simulated world comes from one seed. Each part of it draws from a branch of its own, so that one more
// draw in one place does not change what happens everywhere else.

import { seeded } from '@trunkline/broker/contract';

export class Random {
  /** A number in [0, 1). */
  readonly next: () => number;

  constructor(readonly seed: number) {
    this.next = seeded(seed);
  }

  /** Another source, by name: independent of how much was drawn from this one. */
  branch(name: string): Random {
    let hash = this.seed ^ 0x9e3779b9;
    for (let index = 0; index < name.length; index++) {
      hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
      hash ^= hash >>> 13;
    }
    return new Random(hash >>> 0);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A number in [from, to). */
  between(from: number, to: number): number {
    return from + this.next() * (to - from);
  }

  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** Small ones often, large ones seldom: the middle one of many draws is the geometric mean. */
  skewed(from: number, to: number): number {
    return from * (to / from) ** this.next();
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[Math.floor(this.next() * list.length)] as T;
  }

  /** 16 characters. */
  word(): string {
    return Array.from({ length: 16 }, () => Math.floor(this.next() * 36).toString(36)).join('');
  }
}
