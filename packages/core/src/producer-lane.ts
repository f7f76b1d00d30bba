// What is known of one producer's requests to one stream: which were handed to the broker, and of which nobody knows whether they are stored.

import { TrunklineError } from '@trunkline/protocol';

/** Requests that were handed to the broker and have no answer yet. */
export interface InFlight<Stored> {
  /** Their seqs count up from the first to the last. */
  readonly first: number;
  readonly last: number;
  /** What comes of one of them; `undefined`: it has its answer by now. */
  outcome(seq: number): Promise<Stored> | undefined;
}

export class ProducerLane<Stored> {
  /** Settles when the last request of the lane has reached the broker or was refused. */
  tail: Promise<unknown> = Promise.resolve();
  /** Requests that have no answer yet; what is in flight together counts as one. */
  queued = 0;
  /** Those of them that have not reached the broker, and are neither refused. */
  preparing = 0;
  /** Highest `seq` handed to the broker, while nothing above it can be stored; -1 when this node cannot know that. */
  #last = -1;
  /** Highest `seq` of which nobody knows whether it is stored. */
  #doubt = 0;
  /** The highest `seq` in flight; 0 when there is none. */
  #newest = 0;
  readonly #inFlight: InFlight<Stored>[] = [];

  /** Whether one of this `seq` can be handed to the broker with nothing to wait for: nothing can come between, and it is no repeat. */
  isReadyFor(seq: number): boolean {
    return this.preparing === 0 && this.#last !== -1 && seq > this.#last;
  }

  /** Whether the broker may have what has this `seq`. */
  mayHave(seq: number): boolean {
    return seq <= this.#last || this.#last === -1;
  }

  /** @throws TrunklineError `conflict` if a later one was handed to the broker */
  mustBeNext(seq: number): void {
    if (seq <= this.#last) throw outOfOrder(seq, this.#last);
  }

  /** `seq` of the request in flight that one of this `seq` must not overtake; 0: none. One that comes again waits for none that was sent after it. */
  before(seq: number): number {
    return this.#newest < seq ? this.#newest : 0;
  }

  inFlight(seq: number): Promise<Stored> | undefined {
    return this.#inFlight.find(({ first, last }) => first <= seq && seq <= last)?.outcome(seq);
  }

  /** They have reached the broker. */
  handOver(requests: InFlight<Stored>): void {
    this.#inFlight.push(requests);
    this.reached(requests.last);
  }

  /** One more has, of those that were handed over last. */
  reached(seq: number): void {
    // Where this node cannot know, the broker may have what comes after it: what an earlier process stored after one that it refused.
    if (this.#last !== -1) this.#last = Math.max(this.#last, seq);
    this.#newest = Math.max(this.#newest, seq);
  }

  /** The broker has answered up to this one. @param isNew it did not have it already */
  landed(seq: number, error: unknown, isNew: boolean): void {
    if (error !== null) {
      // The broker is asked about whatever comes next.
      this.inDoubt(seq);
    } else if (isNew && seq >= this.#doubt) {
      // The broker takes what is new only behind all that it has: above it there is what is in flight, and nothing else.
      this.#last = Math.max(this.#last, seq, this.#newest);
      this.#doubt = 0;
    }
    if (this.#newest === seq) this.#newest = 0;
  }

  /** All of them have their answer. */
  left(requests: InFlight<Stored>): void {
    const place = this.#inFlight.indexOf(requests);
    if (place !== -1) this.#inFlight.splice(place, 1);
  }

  /** Whether it is stored, this node does not know. */
  inDoubt(seq: number): void {
    this.#last = -1;
    this.#doubt = Math.max(this.#doubt, seq);
  }
}

/** What a request is answered with that came after a later one of its producer was stored. */
export function outOfOrder(seq: number, last: number): TrunklineError {
  return new TrunklineError(
    'conflict',
    `seq ${seq} came after ${last} of the same producer was stored: publish it with a new seq`,
  );
}
