// A broker whose notifications are as bad as the port allows: late, repeated, out of order, overlapping, without data, and
// some missing when a later one arrives. What is built on the port must not notice.

import type { StreamName } from '@trunkline/protocol';
import type { Advance, Broker, Watch } from '../broker.js';
import { forwards } from './forwards.js';

/**
 * `broker` with unreliable notifications. `random` gives numbers in [0, 1): the same ones make the same faults, as long as
 * the calls come in the same order. Delays are counted in microtasks, so nothing waits for a clock.
 */
export function withFlakyNotifications(broker: Broker, random: () => number): Broker {
  return {
    // News of the outbox come in order and none is missing, and signals are lost anyway: those are other promises.
    ...forwards(broker),
    watch: (stream: StreamName, onAdvance: (advance: Advance) => void): Promise<Watch> => {
      const noise = new Noise(random, onAdvance);
      return broker.watch(stream, noise.hear).then((watch) => ({
        state: watch.state,
        close: () => {
          noise.closed = true;
          watch.close();
        },
      }));
    },
  };
}

class Noise {
  closed = false;
  #waiting: Advance[] = [];
  #delivered: Advance | undefined;

  constructor(
    readonly random: () => number,
    readonly onAdvance: (advance: Advance) => void,
  ) {}

  readonly hear = (advance: Advance): void => {
    this.#waiting.push(advance);
    if (this.#waiting.length === 1) this.#deliverLate(1 + this.#below(12));
  };

  #deliverLate(hops: number): void {
    let later = Promise.resolve();
    for (let hop = 0; hop < hops; hop++) later = later.then(() => undefined);
    void later.then(() => this.#deliver());
  }

  #deliver(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    // The newest always comes; any other may be missing.
    const chosen = waiting.filter((_, index) => index === waiting.length - 1 || this.random() < 0.5);
    if (this.#delivered !== undefined && this.random() < 0.3) chosen.push(this.#delivered);
    if (this.random() < 0.3) chosen.push(...chosen.slice(0, 1 + this.#below(2)));
    this.#delivered = waiting.at(-1) ?? this.#delivered;
    for (let index = chosen.length - 1; index > 0; index--) this.#swap(chosen, index, this.#below(index + 1));
    for (const advance of chosen) if (!this.closed) this.onAdvance(this.#distort(advance));
  }

  #distort(advance: Advance): Advance {
    const { stream, epoch, from, to } = advance;
    const dice = this.random();
    if (dice < 0.25) return { stream, epoch, from, to };
    // Overlaps what came before: the range begins earlier, so the entries of this one alone would not be all of it.
    if (dice < 0.5 && from > 0) return { stream, epoch, from: this.#below(from), to };
    return advance;
  }

  #below(n: number): number {
    return Math.floor(this.random() * n);
  }

  #swap(list: Advance[], a: number, b: number): void {
    const [first, second] = [list[a], list[b]];
    if (first === undefined || second === undefined) return;
    list[a] = second;
    list[b] = first;
  }
}
