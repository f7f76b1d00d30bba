// What a request over HTTP that failed is answered with: the protocol's code and advice, and the status that says the same to HTTP.

import { type ErrorCode, TrunklineError } from '@trunkline/protocol';
import { type Answer, json } from './answer.js';

/** The status of each code, where nothing more is known. */
export const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  unauthorized: 401,
  forbidden: 403,
  // What could not be read at all has 400; this is what was understood, and does not pass the schema.
  invalid: 422,
  too_large: 413,
  rate_limited: 429,
  unknown_channel: 404,
  not_found: 404,
  conflict: 409,
  refused: 422,
  unavailable: 503,
  internal: 500,
};

/** A failure whose status its code alone does not tell. */
export class HttpError extends TrunklineError {
  constructor(
    readonly status: number,
    code: ErrorCode,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
    details: ConstructorParameters<typeof TrunklineError>[2] = {},
  ) {
    super(code, message, details);
  }
}

/** 400: the request cannot be understood as it is. */
export function badRequest(message: string): HttpError {
  return new HttpError(400, 'invalid', message);
}

/** The answer to a request that failed so. */
export function errorAnswer(error: TrunklineError): Answer {
  const { code, message, retry, outcome, refusal, afterMs } = error;
  const told = {
    code,
    message,
    retry,
    outcome,
    ...(refusal === undefined ? {} : { refusal }),
    ...(afterMs === undefined ? {} : { afterMs }),
  };
  const status = error instanceof HttpError ? error.status : STATUS_OF[code];
  return {
    status,
    body: json({ error: told }),
    headers: {
      'cache-control': 'no-store',
      ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
      // Whole seconds, and never 0: that would be at once.
      ...(retry ? { 'retry-after': String(Math.max(1, Math.ceil((afterMs ?? 0) / 1_000))) } : {}),
      ...(error instanceof HttpError ? error.headers : {}),
    },
  };
}
