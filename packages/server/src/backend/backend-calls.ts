// Requests to the back end, as words and answers: each type has a lane of its own, so that one whose handler is broken does not stop the others.
// How a request is sent (post.ts) and what keeps a bad back end from hurting (guarded-lane.ts) are handed in: nothing here opens anything or
// knows a clock.

import { AFTER_MS, BackendDownError } from './backend-down.js';
import type { Posted, Poster } from './post.js';
import { REQUEST_TYPES, type RequestType } from './requests.js';

/** Of the requests of one type: `closed`, they are sent; `open`, they are not, for `breakMs`; `half-open`, one of them tries. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What the requests of one type pass through. */
export interface Lane {
  /** Sends one with `post`, in time, if it may be sent now; `end` cuts it. Rejects with BackendDownError. */
  run(post: (signal: AbortSignal) => Promise<Posted>, end: AbortSignal): Promise<Posted>;
  readonly state: BreakerState;
}
export type MakeLane = (type: RequestType) => Lane;

/** Statuses that say "later"; besides all from 500 on. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

export class BackendCalls {
  readonly #poster: Poster;
  readonly #lanes: Readonly<Record<RequestType, Lane>>;
  readonly #end = new AbortController();

  constructor(poster: Poster, makeLane: MakeLane) {
    this.#poster = poster;
    const lanes = REQUEST_TYPES.map((type) => [type, makeLane(type)]);
    this.#lanes = Object.fromEntries(lanes) as Record<RequestType, Lane>;
  }

  breaker(type: RequestType): BreakerState {
    return this.#lanes[type].state;
  }

  /**
   * Sends a request, and gives the answer if it is one: a status of 200 to 299, or one that another try would not change.
   * Rejects with BackendDownError.
   */
  async send(type: RequestType, id: string, happenedAtMs: number, data: object): Promise<Posted> {
    const body = JSON.stringify({ type, timestamp: new Date(happenedAtMs).toISOString(), data });
    return this.#lanes[type].run((signal) => this.#post(id, body, signal), this.#end.signal);
  }

  /** Cuts what is under way. */
  close(): void {
    this.#end.abort();
    this.#poster.close();
  }

  async #post(id: string, body: string, signal: AbortSignal): Promise<Posted> {
    let answer: Posted;
    try {
      answer = await this.#poster.post(id, body, signal);
    } catch (error) {
      throw new BackendDownError(`the back end cannot be reached: ${(error as Error).message}`, AFTER_MS, false, {
        cause: error,
      });
    }
    const { status, retryAfterMs } = answer;
    if (status < 500 && !LATER.has(status)) return answer;
    throw new BackendDownError(`the back end answered ${status}`, retryAfterMs ?? AFTER_MS, true);
  }
}
