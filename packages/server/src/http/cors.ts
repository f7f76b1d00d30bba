// Pages that may ask: the same as may connect. A page's request needs a token that the page has to name, as nothing is taken from
// cookies; so a page of somebody else's can do nothing in its visitor's name, and this only says which pages may read the answers.

import type { IncomingMessage } from 'node:http';
import { type HostClaim, type OriginRules, originProblem } from '../origin.js';
import type { Answer } from './answer.js';

/** How long a browser may remember an answer to its question, in seconds. */
const MAX_AGE_SECONDS = 600;
const ALLOWED_HEADERS = 'Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match';
const EXPOSED_HEADERS = 'ETag, Retry-After';

/** Why a page may not ask, for the log; `null`: it may, or no page asks. */
export function pageProblem(request: IncomingMessage, claim: HostClaim, rules: OriginRules): string | null {
  return originProblem(request.headers.origin, claim, rules);
}

/** Headers of every answer. Never `Access-Control-Allow-Credentials`: no cookie counts here. @param origin of a page that may ask */
export function corsHeaders(origin: string | undefined): Readonly<Record<string, string>> {
  const vary = { vary: 'Origin, Authorization' };
  if (origin === undefined) return vary;
  return { ...vary, 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED_HEADERS };
}

/** Answers a browser that asks beforehand. */
export function preflight(methods: string): Answer {
  return {
    status: 204,
    headers: {
      allow: methods,
      'access-control-allow-methods': methods,
      'access-control-allow-headers': ALLOWED_HEADERS,
      'access-control-max-age': String(MAX_AGE_SECONDS),
    },
  };
}
