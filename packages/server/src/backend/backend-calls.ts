// Requests to the back end with all that keeps a bad one from hurting: a time-out, so many at a time, and a breaker for each type of request,
// so that one whose handler is broken does not stop the others.

import type { Log } from '@trunkline/core';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
  type IPolicy,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import type { FilledBackend } from './backend-options.js';
import type { Posted, Poster } from './post.js';
import { REQUEST_TYPES, type RequestType } from './requests.js';

/** The back end cannot answer now. */
export class BackendDownError extends Error {
  override readonly name = 'BackendDownError';
  constructor(
    message: string,
    /** When to try again, in milliseconds from now. */
    readonly afterMs: number,
    /** The request reached it, so that the request itself may be what it cannot bear. */
    readonly reachedIt: boolean,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Of the requests of one type: `closed`, they are sent; `open`, they are not, for `breakMs`; `half-open`, one of them tries. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Where nothing better is known. */
const AFTER_MS = 1_000;
/** As the time that is left of a break may be a moment. */
const AFTER_MS_LEAST = 100;
/** Statuses that say "later"; besides all from 500 on. */
const LATER: ReadonlySet<number> = new Set([408, 425, 429]);

interface Lane {
  readonly policy: {
    execute(run: (context: { signal: AbortSignal }) => Promise<Posted>, signal?: AbortSignal): Promise<Posted>;
  };
  readonly state: () => BreakerState;
  /** When it broke last. */
  readonly openedAtMs: () => number;
}

export class BackendCalls {
  readonly #options: FilledBackend;
  readonly #poster: Poster;
  readonly #nowMs: () => number;
  readonly #lanes: Readonly<Record<RequestType, Lane>>;
  readonly #end = new AbortController();

  /** @param nowMs milliseconds since 1970; the breakers, which are a library's, go by `Date.now` */
  constructor(options: FilledBackend, poster: Poster, log: Log, nowMs: () => number = Date.now) {
    this.#options = options;
    this.#poster = poster;
    this.#nowMs = nowMs;
    const lanes = REQUEST_TYPES.map((type) => [type, this.#lane(type, log)]);
    this.#lanes = Object.fromEntries(lanes) as Record<RequestType, Lane>;
  }

  breaker(type: RequestType): BreakerState {
    return this.#lanes[type].state();
  }

  /**
   * Sends a request, and gives the answer if it is one: a status of 200 to 299, or one that another try would not change.
   * Rejects with BackendDownError.
   */
  async send(type: RequestType, id: string, happenedAtMs: number, data: object): Promise<Posted> {
    const body = JSON.stringify({ type, timestamp: new Date(happenedAtMs).toISOString(), data });
    const lane = this.#lanes[type];
    try {
      return await lane.policy.execute(({ signal }) => this.#post(id, body, signal), this.#end.signal);
    } catch (error) {
      throw this.#down(error, lane);
    }
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

  #lane(type: RequestType, log: Log): Lane {
    const { breakAfter, breakMs, maxInWork, maxWaiting, timeoutMs } = this.#options;
    const breaker = circuitBreaker(handleType(BackendDownError).orType(TaskCancelledError), {
      halfOpenAfter: breakMs,
      breaker: new ConsecutiveBreaker(breakAfter),
    });
    let openedAtMs = 0;
    breaker.onBreak((reason) => {
      openedAtMs = this.#nowMs();
      const message = 'error' in reason ? reason.error.message : undefined;
      log.warn({ type, reason: message, forMs: breakMs }, 'the back end fails: it is given a rest');
    });
    breaker.onReset(() => log.warn({ type }, 'the back end answers again'));
    const limit: IPolicy[] = type === 'publish.after' ? [] : [bulkhead(maxInWork, maxWaiting)];
    // Waiting for a place does not count as time of the request.
    const policy = wrap(breaker, ...limit, timeout(timeoutMs, TimeoutStrategy.Aggressive));
    return { policy, state: () => STATES[breaker.state], openedAtMs: () => openedAtMs };
  }

  #down(error: unknown, { openedAtMs }: Lane): BackendDownError {
    if (error instanceof BackendDownError) return error;
    if (error instanceof BrokenCircuitError) {
      const leftMs = openedAtMs() + this.#options.breakMs - this.#nowMs();
      return new BackendDownError(
        'the back end failed too often and is given a rest',
        Math.max(leftMs, AFTER_MS_LEAST),
        false,
      );
    }
    if (error instanceof BulkheadRejectedError) {
      return new BackendDownError('too many requests wait for the back end', AFTER_MS, false);
    }
    if (error instanceof TaskCancelledError) {
      if (this.#end.signal.aborted) return new BackendDownError('the server is stopping', AFTER_MS, false);
      return new BackendDownError(`the back end did not answer within ${this.#options.timeoutMs} ms`, AFTER_MS, true);
    }
    throw error;
  }
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  // Nobody isolates it.
  [CircuitState.Isolated]: 'open',
};
