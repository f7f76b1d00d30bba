// What one caller may do at a time and in the long run, where there is no connection to count it by: requests in work, waits, writes.

import { TrunklineError } from '@trunkline/protocol';
import { TokenBucket } from './token-bucket.js';

/** How much those without a connection may ask for. */
export interface CallerLimits {
  /** Requests of one caller that await an answer. Answer: `rate_limited`. */
  readonly maxInWork: number;
  /** Requests of one caller that wait for something to happen. Default 16. Answer: `rate_limited`. */
  readonly maxWaits?: number;
  /** The same of all callers of this node. Default 10_000. */
  readonly maxWaitsInAll?: number;
  /** Calls of procedures by one caller that run at a time. Default 16. Answer: `rate_limited`. */
  readonly maxCalls?: number;
}

/** One request of a caller. */
export interface CallerUse {
  /** Counts a write. Throws `rate_limited` if there were too many. */
  admit(): void;
  /** Counts a wait; the result ends it. Throws `rate_limited` if there are too many. */
  wait(): () => void;
  /** Counts a call that runs; the result ends it. Throws `rate_limited` if there are too many. */
  call(): () => void;
  /** The request is over. Harmless when called twice. */
  done(): void;
}

interface Caller {
  readonly writes: TokenBucket;
  inWork: number;
  waits: number;
  calls: number;
}

const MAX_WAITS = 16;
const MAX_WAITS_IN_ALL = 10_000;
const MAX_CALLS = 16;
/** Callers that are remembered, so that their rate counts. */
const MAX_CALLERS = 10_000;
const SOON_MS = 1_000;

/** Counts what those without a connection ask for, by caller. */
export class Callers {
  readonly #callers = new Map<string, Caller>();
  readonly #limits: Required<CallerLimits>;
  #waits = 0;

  constructor(
    private readonly nowMs: () => number,
    limits: CallerLimits,
  ) {
    this.#limits = { maxWaits: MAX_WAITS, maxWaitsInAll: MAX_WAITS_IN_ALL, maxCalls: MAX_CALLS, ...limits };
  }

  /**
   * A request begins.
   * @throws TrunklineError `rate_limited` if too many of the caller's are in work.
   */
  enter(name: string, { ratePerSecond, burst }: { readonly ratePerSecond: number; readonly burst: number }): CallerUse {
    const caller = this.#find(name, ratePerSecond, burst);
    const { maxInWork } = this.#limits;
    if (caller.inWork >= maxInWork) {
      throw tooMany(`${maxInWork} requests of yours are in work: wait for an answer`, SOON_MS);
    }
    caller.inWork += 1;
    let isDone = false;
    return {
      admit: () => {
        const afterMs = caller.writes.take(this.nowMs());
        if (afterMs > 0) throw tooMany(`more than ${ratePerSecond} writes a second: wait ${afterMs} ms`, afterMs);
      },
      wait: () => this.#wait(caller),
      call: () => this.#call(caller),
      done: () => {
        if (!isDone) caller.inWork -= 1;
        isDone = true;
      },
    };
  }

  #wait(caller: Caller): () => void {
    const { maxWaits, maxWaitsInAll } = this.#limits;
    if (caller.waits >= maxWaits) throw tooMany(`${maxWaits} requests of yours wait already`, SOON_MS);
    if (this.#waits >= maxWaitsInAll) throw tooMany('too many requests wait on this server', SOON_MS);
    caller.waits += 1;
    this.#waits += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      caller.waits -= 1;
      this.#waits -= 1;
    };
  }

  #call(caller: Caller): () => void {
    const { maxCalls } = this.#limits;
    if (caller.calls >= maxCalls) throw tooMany(`${maxCalls} calls of yours run: wait for one of them`, SOON_MS);
    caller.calls += 1;
    return () => {
      caller.calls -= 1;
    };
  }

  #find(name: string, ratePerSecond: number, burst: number): Caller {
    const known = this.#callers.get(name);
    const caller = known ?? {
      writes: new TokenBucket(ratePerSecond, burst, this.nowMs()),
      inWork: 0,
      waits: 0,
      calls: 0,
    };
    // Most recently used last, for the trimming.
    this.#callers.delete(name);
    this.#callers.set(name, caller);
    if (this.#callers.size > MAX_CALLERS) this.#forgetOne();
    return caller;
  }

  #forgetOne(): void {
    for (const [oldest, { inWork }] of this.#callers) {
      if (inWork > 0) continue;
      this.#callers.delete(oldest);
      return;
    }
  }
}

function tooMany(message: string, afterMs: number): TrunklineError {
  return new TrunklineError('rate_limited', message, { afterMs });
}
