// The order of a producer's publishes over refusals (PUB-4): what comes after one that was refused for now is refused
// likewise until that one comes again and gets its answer. One of these per connection, as a new one sends all again.

import type { TrunklineError } from '@trunkline/protocol';

/** Lanes (a producer and a stream) of one connection that may be held up at a time; beyond it the oldest is let go. */
const MAX_HELD_UP = 256;
/** Publishes that are remembered of a lane, the lowest: many more than a client may have without an answer. */
const MAX_REFUSED = 1_024;

interface Refused {
  readonly seq: number;
  readonly error: TrunklineError;
}

export class PublishOrder {
  /** By lane: what was refused for now and did not come again, by rising `seq`. */
  readonly #heldUp = new Map<string, Refused[]>();

  /** Throws what an earlier publish was refused with. */
  check(lane: string, seq: number): void {
    const first = this.#heldUp.get(lane)?.[0];
    if (first !== undefined && seq > first.seq) throw first.error;
  }

  /** The earlier publish that this one waits for; `undefined`: none. */
  waitsFor(lane: string, seq: number): number | undefined {
    const first = this.#heldUp.get(lane)?.[0]?.seq;
    return first !== undefined && seq > first ? first : undefined;
  }

  /** A publish has its answer, or was handed to the broker (`null`). To be told before the next one of the lane is checked. */
  settled(lane: string, seq: number, error: TrunklineError | null): void {
    const refused = this.#heldUp.get(lane) ?? [];
    const place = refused.findIndex((one) => one.seq >= seq);
    const isKnown = refused[place]?.seq === seq;
    if (error?.retry !== true) {
      if (isKnown) refused.splice(place, 1);
      if (refused.length === 0) this.#heldUp.delete(lane);
      return;
    }
    if (isKnown || (place === -1 && refused.length >= MAX_REFUSED)) return;
    refused.splice(place === -1 ? refused.length : place, 0, { seq, error });
    if (refused.length > MAX_REFUSED) refused.pop();
    this.#heldUp.set(lane, refused);
    const oldest = this.#heldUp.size > MAX_HELD_UP ? this.#heldUp.keys().next().value : undefined;
    if (oldest !== undefined) this.#heldUp.delete(oldest);
  }
}
