// What a request that failed is answered with.

import { type ErrorMessage, type RequestId, TrunklineError } from '@trunkline/protocol';
import type { Log } from './ports.js';

/** The error as a message. What is no `TrunklineError` is a failure of ours: the log gets it, the peer only learns of it. */
export function errorAnswer(id: RequestId | undefined, error: unknown, log: Log): ErrorMessage {
  let known = error;
  if (!(known instanceof TrunklineError)) {
    log.error({ error }, 'a request failed');
    known = new TrunklineError('internal', 'the server failed; its log has the cause', { outcome: 'unknown' });
  }
  const { code, message, retry, outcome, afterMs, refusal } = known as TrunklineError;
  return {
    type: 'error',
    ...(id === undefined ? {} : { id }),
    code,
    message,
    retry,
    outcome,
    ...(afterMs === undefined ? {} : { afterMs }),
    ...(refusal === undefined ? {} : { refusal }),
  };
}
