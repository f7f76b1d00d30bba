// Calls of the broker, whose refusals become what a client is told.

import {
  AmendConflictError,
  BrokerUnavailableError,
  FencedError,
  OutOfOrderError,
  RowConflictError,
  TableFullError,
  WrongKindError,
} from '@trunkline/broker';
import { TrunklineError } from '@trunkline/protocol';
import type { Log } from './ports.js';
import { outOfOrder } from './producer-lane.js';

/**
 * What the broker answers, or what is made of it.
 * Rejects with TrunklineError `conflict`, `too_large`, `unavailable`, `internal`.
 */
export function callBroker<T>(log: Log, answer: Promise<T>): Promise<T>;
export function callBroker<T, Result>(log: Log, answer: Promise<T>, use: (value: T) => Result): Promise<Result>;
export function callBroker<T>(log: Log, answer: Promise<T>, use?: (value: T) => unknown): Promise<unknown> {
  return answer.then(use, (error) => {
    throw brokerError(log, error);
  });
}

/** What the broker rejected with, as a client is told it. */
export function brokerError(log: Log, error: unknown): TrunklineError {
  if (error instanceof OutOfOrderError) return outOfOrder(error.seq, error.last);
  if (error instanceof RowConflictError) {
    const { key, expected, actual } = error;
    const row = `the row ${JSON.stringify(key)}`;
    const is = actual === 0 ? 'does not exist' : `was changed last at ${actual}`;
    return new TrunklineError('conflict', `${row} ${is}, not at ${expected}: read it and decide anew`, {
      cause: error,
    });
  }
  if (error instanceof AmendConflictError) {
    return new TrunklineError('conflict', 'the entry was amended meanwhile: read it and decide anew', { cause: error });
  }
  if (error instanceof TableFullError) {
    return new TrunklineError('too_large', `the table may have ${error.maxRows} rows: delete some`, { cause: error });
  }
  if (error instanceof BrokerUnavailableError) {
    return new TrunklineError('unavailable', 'the store cannot be reached: send it again', {
      outcome: 'unknown',
      afterMs: 1_000,
      cause: error,
    });
  }
  log.error({ error }, 'the broker failed');
  const outcome = error instanceof WrongKindError || error instanceof FencedError ? 'refused' : 'unknown';
  return new TrunklineError('internal', "the store failed; the server's log has the cause", { outcome, cause: error });
}
