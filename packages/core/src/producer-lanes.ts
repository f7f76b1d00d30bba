// Idempotent requests of one producer to one stream pass one after the other up to the broker, across connections too (an old
// connection may still be at work on what a new one sends again); they do not wait for each other's storing.

import { TrunklineError } from '@trunkline/protocol';
import { ProducerLane } from './producer-lane.js';

/** Lanes kept for producers that have nothing under way; forgetting one costs a lookup. */
const MAX_IDLE_LANES = 10_000;

/** A request may have to wait for an earlier one of its producer that was refused for now and did not come again (PUB-4). */
export interface HeldUp {
  isHeldUp(): boolean;
  /** Looks whether what it waits for is stored after all. To be asked in the producer's turn. */
  clear(): Promise<void>;
}

/** What comes of a request. */
export interface Repeatable {
  /** The broker had it already. */
  readonly duplicate?: boolean;
}

/** One request of a producer. */
export interface LaneWork<Stored> {
  readonly seq: number;
  /** What the broker knows to be stored under this `seq`, or `null`. */
  lookup(): Promise<Stored | null>;
  /**
   * Everything up to the call of the broker. What is stored is wrapped, so that awaiting the call does not await the storing.
   * @param after `seq` of an earlier request that has reached the broker and may still fail there: this one must not overtake it. 0: none.
   * @param before what comes of that one
   */
  prepare(after: number, before: Promise<Stored> | undefined): Promise<{ readonly stored: Promise<Stored> }>;
  /** Told whether it was refused, before the producer's next request is looked at; and once more if storing it fails after that. */
  settled(error: TrunklineError | null): void;
}

export class ProducerLanes<Stored extends Repeatable> {
  readonly #lanes = new Map<string, ProducerLane<Stored>>();

  /** The lane, if one of this `seq` has nothing to wait for in it: the short way, for who hands it to the broker by itself. */
  ready(key: string, seq: number): ProducerLane<Stored> | null {
    const lane = this.#lane(key);
    return lane.isReadyFor(seq) ? lane : null;
  }

  /** Resolves when it is stored, or was before. Rejects as the work does; with `conflict` if a later `seq` is stored and this one is not. */
  run(key: string, work: LaneWork<Stored>): Promise<Stored> {
    return this.#inTurn(this.#lane(key), work);
  }

  async #inTurn(lane: ProducerLane<Stored>, work: LaneWork<Stored>): Promise<Stored> {
    lane.queued += 1;
    lane.preparing += 1;
    const prepared = lane.tail.then(() => this.#prepare(lane, work));
    lane.tail = prepared.then(
      ({ stored }) => {
        lane.preparing -= 1;
        work.settled(null);
        stored.catch((error) => work.settled(error));
      },
      (error) => {
        lane.preparing -= 1;
        if (error instanceof TrunklineError) work.settled(error);
      },
    );
    try {
      return await (await prepared).stored;
    } finally {
      lane.queued -= 1;
    }
  }

  async #prepare(lane: ProducerLane<Stored>, work: LaneWork<Stored>): Promise<{ stored: Promise<Stored> }> {
    const { seq } = work;
    if (lane.mayHave(seq)) {
      const known = lane.inFlight(seq) ?? (await work.lookup());
      if (known !== null) return { stored: Promise.resolve(known) };
      lane.mustBeNext(seq);
    }
    const after = lane.before(seq);
    let stored: Promise<Stored>;
    try {
      ({ stored } = await work.prepare(after, lane.inFlight(after)));
    } catch (error) {
      // It asked the broker already, and may be stored: a repeat of it is looked up, not judged anew.
      if (error instanceof TrunklineError && error.outcome === 'unknown') lane.inDoubt(seq);
      // Another node may have stored it while it was judged here; and what refuses it may be what it did itself.
      const known = isForGood(error) ? await work.lookup() : null;
      if (known === null) throw error;
      return { stored: Promise.resolve(known) };
    }
    const requests = { first: seq, last: seq, outcome: () => stored };
    const landed = (error: unknown, isNew: boolean) => {
      lane.left(requests);
      lane.landed(seq, error, isNew);
    };
    lane.handOver(requests);
    stored.then(
      ({ duplicate }) => landed(null, duplicate !== true),
      (error) => landed(error, false),
    );
    return { stored };
  }

  #lane(key: string): ProducerLane<Stored> {
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      // The one that was idle last is last, for the trimming below.
      if (known.queued === 0) {
        this.#lanes.delete(key);
        this.#lanes.set(key, known);
      }
      return known;
    }
    const lane = new ProducerLane<Stored>();
    this.#lanes.set(key, lane);
    if (this.#lanes.size > MAX_IDLE_LANES) {
      for (const [oldest, candidate] of this.#lanes) {
        if (candidate.queued > 0) continue;
        this.#lanes.delete(oldest);
        break;
      }
    }
    return lane;
  }
}

/** Whether it never will be stored, as far as this node knows. */
function isForGood(error: unknown): boolean {
  return error instanceof TrunklineError && error.outcome === 'refused' && !error.retry;
}
