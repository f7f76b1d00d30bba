// The order of a producer's publishes over refusals (PUB-4): what comes after one that was refused for now is refused
// likewise until that one comes again and gets its answer. One of these per connection, as a new one sends all again.

import type { TrunklineError } from '@trunkline/protocol';

/** Lanes (a producer and a stream) of one connection that may be held up at a time; beyond it the oldest is let go. */
const MAX_HELD_UP = 256;

export class PublishOrder {
  /** By lane: the publish that was refused for now. */
  readonly #heldUp = new Map<string, { readonly seq: number; readonly error: TrunklineError }>();

  /** Throws what an earlier publish was refused with. */
  check(lane: string, seq: number): void {
    const first = this.#heldUp.get(lane);
    if (first !== undefined && seq > first.seq) throw first.error;
  }

  /** A publish has its answer, or was handed to the broker (`null`). To be told before the next one of the lane is checked. */
  settled(lane: string, seq: number, error: TrunklineError | null): void {
    const first = this.#heldUp.get(lane);
    if (error?.retry !== true) {
      if (first?.seq === seq) this.#heldUp.delete(lane);
      return;
    }
    if (first !== undefined && first.seq < seq) return;
    this.#heldUp.set(lane, { seq, error });
    const oldest = this.#heldUp.size > MAX_HELD_UP ? this.#heldUp.keys().next().value : undefined;
    if (oldest !== undefined) this.#heldUp.delete(oldest);
  }
}
