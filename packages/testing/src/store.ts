// What all stores of a simulated world have in common. A store outlives servers; a broker on it lives as long as one of them.

import type { Broker } from '@trunkline/broker';
import type { Machine } from './machine.js';

/** What the store's disk, or whatever is in its place, does for a while. */
export interface StoreWeather {
  /** How long it takes until something is stored, in milliseconds: from, to. */
  storeMs: readonly [number, number];
  /** Nothing can be stored. */
  broken: boolean;
  /** Some of what is asked for fails and changes nothing, and what is asked for meanwhile is done. */
  failing: boolean;
}

/** How much of it fails, while a store is `failing`. */
export const FAILING_RATIO = 0.3;

/** How a server ended: in order, killed with its machine running on, or with the power of its machine. */
export type Ending = 'stopped' | 'killed' | 'power lost';

export interface Store {
  readonly weather: StoreWeather;
  /** A broker for a server's life on this machine. Calls wait until it is open. */
  open(machine: Machine): Broker;
  /** The broker opened last is gone: closed, if `stopped`, and else without having had a word. */
  ended(how: Ending): void;
  /** What is kept of the stream now, straight from where it is kept; `null`: nothing was ever written. */
  kept(stream: string): Kept | null;
  /** The world ends. */
  dispose(): void;
}

export interface Kept {
  readonly epoch: string;
  readonly head: number;
  readonly floor: number;
  /** Of what is kept after the floor, `data` by offset. */
  readonly data: ReadonlyMap<number, string>;
}
