/** Randomness from a printed seed, and how much of it: `TRUNKLINE_SEED` replays a run, `TRUNKLINE_DEEP=1` runs longer. */

import { vi } from 'vitest';

const isDeep = process.env.TRUNKLINE_DEEP === '1';
if (isDeep) vi.setConfig({ testTimeout: 900_000 });

/** Printed in the name of each test that uses it. */
export const SEED = Number(process.env.TRUNKLINE_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** @param deep how many cases when the run may take long. */
export function cases(usual: number, deep: number): number {
  return isDeep ? deep : usual;
}

/** A small generator of 32-bit integers: a counter, scrambled. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** An integer from 0 to `bound - 1`. */
  below(bound: number): number {
    this.#state = (this.#state + 0x9e37_79b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) % bound;
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}
