// What keeps a bad back end from hurting, for the requests of one type: a time-out, so many at a time, and a breaker. By a library, on the
// process's own timers and clock.

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
import type { BreakerState, Lane, MakeLane } from './backend-calls.js';
import { AFTER_MS, BackendDownError } from './backend-down.js';
import type { FilledBackend } from './backend-options.js';
import type { Posted } from './post.js';

/** As the time that is left of a break may be a moment. */
const AFTER_MS_LEAST = 100;

interface Policy {
  execute(run: (context: { signal: AbortSignal }) => Promise<Posted>, signal?: AbortSignal): Promise<Posted>;
}

/** @param nowMs milliseconds since 1970; the breakers, which are a library's, go by `Date.now` */
export function guardedLane(options: FilledBackend, log: Log, nowMs: () => number = Date.now): MakeLane {
  const { breakAfter, breakMs, maxInWork, maxWaiting, timeoutMs } = options;
  return (type): Lane => {
    const breaker = circuitBreaker(handleType(BackendDownError).orType(TaskCancelledError), {
      halfOpenAfter: breakMs,
      breaker: new ConsecutiveBreaker(breakAfter),
    });
    let openedAtMs = 0;
    breaker.onBreak((reason) => {
      openedAtMs = nowMs();
      const message = 'error' in reason ? reason.error.message : undefined;
      log.warn({ type, reason: message, forMs: breakMs }, 'the back end fails: it is given a rest');
    });
    breaker.onReset(() => log.warn({ type }, 'the back end answers again'));
    const limit: IPolicy[] = type === 'publish.after' ? [] : [bulkhead(maxInWork, maxWaiting)];
    // Waiting for a place does not count as time of the request.
    const policy: Policy = wrap(breaker, ...limit, timeout(timeoutMs, TimeoutStrategy.Aggressive));

    const down = (error: unknown, end: AbortSignal): BackendDownError => {
      if (error instanceof BackendDownError) return error;
      if (error instanceof BrokenCircuitError) {
        const leftMs = openedAtMs + breakMs - nowMs();
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
        if (end.aborted) return new BackendDownError('the server is stopping', AFTER_MS, false);
        return new BackendDownError(`the back end did not answer within ${timeoutMs} ms`, AFTER_MS, true);
      }
      throw error;
    };

    return {
      get state() {
        return STATES[breaker.state];
      },
      run: async (post, end) => {
        try {
          return await policy.execute(({ signal }) => post(signal), end);
        } catch (error) {
          throw down(error, end);
        }
      },
    };
  };
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half-open',
  // Nobody isolates it.
  [CircuitState.Isolated]: 'open',
};
