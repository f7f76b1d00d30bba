// Idempotent requests of one producer to one stream pass one after the other up to the broker, across connections too (an old
// connection may still be at work on what a new one sends again); they do not wait for each other's storing.

import { TrunklineError } from '@trunkline/protocol';

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
  /**
   * The same in one go, if nothing has to be waited for; `null` if something has. Asked when nothing of the lane is being prepared: then
   * nothing can come between, and a request costs a few promises less. Throws a refusal.
   * @param landed to be told what came of it before the promise settles: why it could not be stored, or `null` and whether the broker did
   * not have it already
   */
  atOnce?(after: number, landed: Landed): Promise<Stored> | null;
  /** Told whether it was refused, before the producer's next request is looked at; and once more if storing it fails after that. */
  settled(error: TrunklineError | null): void;
}

export type Landed = (error: TrunklineError | null, isNew: boolean) => void;

interface Lane<Stored> {
  /** Settles when the last request of the lane has reached the broker or was refused. */
  tail: Promise<unknown>;
  /** Highest `seq` handed to the broker, while nothing above it can be stored; -1 when this node cannot know that. */
  last: number;
  /** Highest `seq` of which nobody knows whether it is stored. */
  doubt: number;
  readonly inFlight: Map<number, Promise<Stored>>;
  /** The highest `seq` in flight; 0 when there is none. */
  newest: number;
  /** Those that have no answer yet. */
  queued: number;
  /** Those of them that have not reached the broker, and are neither refused. */
  preparing: number;
}

export class ProducerLanes<Stored extends Repeatable> {
  readonly #lanes = new Map<string, Lane<Stored>>();

  /** Resolves when it is stored, or was before. Rejects as the work does; with `conflict` if a later `seq` is stored and this one is not. */
  run(key: string, work: LaneWork<Stored>): Promise<Stored> {
    const lane = this.#lane(key);
    try {
      return this.#atOnce(lane, work) ?? this.#inTurn(lane, work);
    } catch (error) {
      if (error instanceof TrunklineError) work.settled(error);
      return Promise.reject(error);
    }
  }

  #atOnce(lane: Lane<Stored>, work: LaneWork<Stored>): Promise<Stored> | null {
    const { seq } = work;
    if (lane.preparing > 0 || lane.last === -1 || seq <= lane.last) return null;
    const stored = work.atOnce?.(lane.newest, (error, isNew) => {
      lane.queued -= 1;
      landed(lane, seq, error, isNew);
      if (error !== null) work.settled(error);
    });
    if (stored === undefined || stored === null) return null;
    lane.queued += 1;
    handOver(lane, seq, stored);
    work.settled(null);
    return stored;
  }

  async #inTurn(lane: Lane<Stored>, work: LaneWork<Stored>): Promise<Stored> {
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

  async #prepare(lane: Lane<Stored>, work: LaneWork<Stored>): Promise<{ stored: Promise<Stored> }> {
    const { seq } = work;
    if (seq <= lane.last || lane.last === -1) {
      const known = lane.inFlight.get(seq) ?? (await work.lookup());
      if (known !== null) return { stored: Promise.resolve(known) };
      if (seq <= lane.last) throw outOfOrder(seq, lane.last);
    }
    // One that comes again waits for none of those that were sent after it.
    const after = lane.newest < seq ? lane.newest : 0;
    let stored: Promise<Stored>;
    try {
      ({ stored } = await work.prepare(after, lane.inFlight.get(after)));
    } catch (error) {
      // It asked the broker already, and may be stored: a repeat of it is looked up, not judged anew.
      if (error instanceof TrunklineError && error.outcome === 'unknown') inDoubt(lane, seq);
      // Another node may have stored it while it was judged here; and what refuses it may be what it did itself.
      const known = isForGood(error) ? await work.lookup() : null;
      if (known === null) throw error;
      return { stored: Promise.resolve(known) };
    }
    handOver(lane, seq, stored);
    stored.then(
      ({ duplicate }) => landed(lane, seq, null, duplicate !== true),
      (error) => landed(lane, seq, error, false),
    );
    return { stored };
  }

  #lane(key: string): Lane<Stored> {
    const known = this.#lanes.get(key);
    if (known !== undefined) {
      // The one that was idle last is last, for the trimming below.
      if (known.queued === 0) {
        this.#lanes.delete(key);
        this.#lanes.set(key, known);
      }
      return known;
    }
    const lane: Lane<Stored> = {
      tail: Promise.resolve(),
      last: -1,
      doubt: 0,
      inFlight: new Map(),
      newest: 0,
      queued: 0,
      preparing: 0,
    };
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

/** It has reached the broker. */
function handOver<Stored>(lane: Lane<Stored>, seq: number, stored: Promise<Stored>): void {
  // Where this node cannot know, the broker may have what comes after it: what an earlier process stored after one that it refused.
  if (lane.last !== -1) lane.last = Math.max(lane.last, seq);
  lane.newest = Math.max(lane.newest, seq);
  lane.inFlight.set(seq, stored);
}

/** The broker has answered. @param isNew it did not have it already */
function landed(lane: Lane<unknown>, seq: number, error: unknown, isNew: boolean): void {
  lane.inFlight.delete(seq);
  if (error !== null) {
    // The broker is asked about whatever comes next.
    inDoubt(lane, seq);
  } else if (isNew && seq >= lane.doubt) {
    // The broker takes what is new only behind all that it has: above it there is what is in flight, and nothing else.
    lane.last = Math.max(lane.last, seq, lane.newest);
    lane.doubt = 0;
  }
  if (lane.newest === seq) lane.newest = 0;
}

/** Whether it never will be stored, as far as this node knows. */
function isForGood(error: unknown): boolean {
  return error instanceof TrunklineError && error.outcome === 'refused' && !error.retry;
}

/** Whether it is stored, this node does not know. */
function inDoubt(lane: Pick<Lane<unknown>, 'last' | 'doubt'>, seq: number): void {
  lane.last = -1;
  lane.doubt = Math.max(lane.doubt, seq);
}

/** What a request is answered with that came after a later one of its producer was stored. */
export function outOfOrder(seq: number, last: number): TrunklineError {
  return new TrunklineError(
    'conflict',
    `seq ${seq} came after ${last} of the same producer was stored: publish it with a new seq`,
  );
}
