// Procedures over HTTP: `POST` runs one for the user. What it says while it runs has no place in one answer, and is left out.

import type { CallerUse, Identity, Requests } from '@trunkline/core';
import { clientProblem, type JsonValue } from '@trunkline/protocol';
import type { RequestInfo } from '../define/trunkline.js';
import type { Answer } from './answer.js';
import { type Context, sourceOf } from './context.js';
import { JSON_TYPES } from './entries.js';
import { badRequest } from './http-error.js';

export interface CallContext extends Pick<Context, 'request' | 'callerName' | 'body' | 'onGone'> {
  readonly requests: Requests<RequestInfo>;
  readonly identity: Identity;
  readonly use: CallerUse;
  readonly name: string;
}

export async function call(context: CallContext): Promise<Answer> {
  const { requests, identity, name, use, request, callerName, onGone } = context;
  const data = (await context.body(JSON_TYPES)) as JsonValue;
  const problem = clientProblem({ type: 'call', id: 1, procedure: name, data });
  if (problem !== null) throw badRequest(problem.replace(/^call: /, ''));
  // Results are kept by producer alone: the same key of another procedure is another one.
  const source = sourceOf({ request, callerName: `${callerName}\n${name}` });
  const result = await requests.call(identity, name, source, data, () => use.call(), onGone);
  return { status: 200, body: `{"data":${result}}\n`, headers: { 'cache-control': 'no-store' } };
}
