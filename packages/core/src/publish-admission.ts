// Whether a connection may publish now: first the order of its producers (PUB-4), then its rate.

import { type Limits, TrunklineError } from '@trunkline/protocol';
import { PublishOrder } from './publish-order.js';
import type { PublishRun } from './publish-run.js';
import { TokenBucket } from './token-bucket.js';
import type { WritePlace } from './write-place.js';

export class PublishAdmission {
  readonly #ratePerSecond: number;
  readonly #rate: TokenBucket;
  /** Most connections are never refused for now. */
  #order: PublishOrder | null = null;
  /** Of the last write. */
  place: WritePlace | null = null;
  /** Of the last publish, while it has no answer. */
  run: PublishRun | null = null;

  constructor({ publishRatePerSecond, publishBurst }: Limits, nowMs: number) {
    this.#ratePerSecond = publishRatePerSecond;
    this.#rate = new TokenBucket(publishRatePerSecond, publishBurst, nowMs);
  }

  /** Throws a TrunklineError if it may not. @param lane a producer and a stream. */
  admit(lane: string, seq: number, nowMs: number): void {
    this.#order?.check(lane, seq);
    const afterMs = this.#rate.take(nowMs);
    if (afterMs === 0) return;
    throw new TrunklineError(
      'rate_limited',
      `more than ${this.#ratePerSecond} publishes a second: wait ${afterMs} ms`,
      { afterMs },
    );
  }

  /** The earlier publish of the lane that was refused for now and that this one waits for; `undefined`: none. */
  waitsFor(lane: string, seq: number): number | undefined {
    return this.#order?.waitsFor(lane, seq);
  }

  /** A publish has its answer, or was handed to the broker (`null`). To be told before the next one of the lane is admitted. */
  settled(lane: string, seq: number, error: TrunklineError | null): void {
    if (error?.retry === true) this.#order ??= new PublishOrder();
    this.#order?.settled(lane, seq, error);
  }
}
