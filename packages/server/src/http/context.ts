// What an operation has to work with: who asks for what, and the parts of the request that it reads itself.

import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { BesideRequests, Caller, CallerUse, Requests, Source, Target } from '@trunkline/core';
import type { Limits, Position } from '@trunkline/protocol';
import type { RequestInfo } from '../define/trunkline.js';
import { badRequest } from './http-error.js';

export interface Context {
  readonly requests: Requests<RequestInfo>;
  readonly beside: BesideRequests<RequestInfo>;
  readonly limits: Limits;
  readonly request: IncomingMessage;
  readonly caller: Caller;
  /** Tells callers apart. */
  readonly callerName: string;
  readonly use: CallerUse;
  readonly target: Target;
  /** Of a row; of a reaction its text; else empty. */
  readonly key: string;
  /** Of an entry; else 0. */
  readonly offset: number;
  readonly query: ReadonlyMap<string, string>;
  /** The request's JSON. */
  readonly body: (types: readonly string[]) => Promise<unknown>;
  /** The peer has gone. */
  readonly onGone: (listener: () => void) => void;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** Names the write: by `Idempotency-Key` and who sent it, or by chance. @throws HttpError 400 */
export function sourceOf({ request, callerName }: Pick<Context, 'request' | 'callerName'>): Source {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return { producer: randomBytes(16).toString('base64url'), isRepeatable: false };
  if (typeof key !== 'string' || !IDEMPOTENCY_KEY.test(key)) {
    throw badRequest('Idempotency-Key must have 1 to 255 visible ASCII characters');
  }
  const producer = createHash('sha256').update(`${callerName}\n${key}`).digest('base64url');
  return { producer, isRepeatable: true };
}

/**
 * Waits until something comes after the position, for so many seconds at most, while the peer is there.
 * Rejects with TrunklineError `rate_limited` if too many wait.
 */
export async function waitFor(context: Context, after: Position, seconds: number): Promise<void> {
  const over = context.use.wait();
  try {
    await context.requests.untilChanged(context.target, after, seconds * 1_000, context.onGone);
  } finally {
    over();
  }
}
