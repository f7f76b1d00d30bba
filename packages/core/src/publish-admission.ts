// Whether a connection may publish now: first the order of its producers (PUB-4), then its rate.

import { type Limits, TrunklineError } from '@trunkline/protocol';
import { PublishOrder } from './publish-order.js';
import { TokenBucket } from './token-bucket.js';

/** Of a publish in the order of its producer. */
export interface Place {
  /** A producer and a stream. Asked for only where somebody is held up: it may be made at each call. */
  readonly lane: string;
  readonly seq: number;
}

export class PublishAdmission {
  readonly #ratePerSecond: number;
  readonly #rate: TokenBucket;
  /** Most connections are never refused for now. */
  #order: PublishOrder | null = null;

  constructor({ publishRatePerSecond, publishBurst }: Limits, nowMs: number) {
    this.#ratePerSecond = publishRatePerSecond;
    this.#rate = new TokenBucket(publishRatePerSecond, publishBurst, nowMs);
  }

  /** Throws a TrunklineError if it may not. */
  admit(place: Place, nowMs: number): void {
    this.#order?.check(place.lane, place.seq);
    const afterMs = this.#rate.take(nowMs);
    if (afterMs === 0) return;
    throw new TrunklineError(
      'rate_limited',
      `more than ${this.#ratePerSecond} publishes a second: wait ${afterMs} ms`,
      { afterMs },
    );
  }

  /** The earlier publish of the lane that was refused for now and that this one waits for; `undefined`: none. */
  waitsFor(place: Place): number | undefined {
    return this.#order?.waitsFor(place.lane, place.seq);
  }

  /** A publish has its answer, or was handed to the broker (`null`). To be told before the next one of the lane is admitted. */
  settled(place: Place, error: TrunklineError | null): void {
    if (error?.retry === true) this.#order ??= new PublishOrder();
    this.#order?.settled(place.lane, place.seq, error);
  }
}
