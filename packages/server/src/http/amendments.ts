// Amending entries over HTTP: `PATCH` and `DELETE` of an entry, `PUT` and `DELETE` of a reaction of one's own.

import { clientProblem, type JsonValue } from '@trunkline/protocol';
import { type Answer, done } from './answer.js';
import { type Context, sourceOf } from './context.js';
import { JSON_TYPES } from './entries.js';
import { badRequest } from './http-error.js';

export async function editEntry(context: Context): Promise<Answer> {
  return amend(context, { edit: (await context.body(JSON_TYPES)) as JsonValue });
}

export function deleteEntry(context: Context): Promise<Answer> {
  return amend(context, { delete: true });
}

export function react(context: Context): Promise<Answer> {
  return amend(context, { react: context.key });
}

export function unreact(context: Context): Promise<Answer> {
  return amend(context, { unreact: context.key });
}

async function amend(
  context: Context,
  change: { readonly edit?: JsonValue; readonly delete?: true; readonly react?: string; readonly unreact?: string },
): Promise<Answer> {
  const { requests, caller, target, offset } = context;
  const source = sourceOf(context);
  const { producer } = source;
  const problem = clientProblem({ type: 'amend', id: 1, stream: target.name, producer, seq: 1, offset, ...change });
  if (problem !== null) throw badRequest(problem.replace(/^amend: /, ''));
  const { epoch, offset: record, at } = await requests.amend(caller, target, source, offset, change);
  return done(200, { epoch, offset: record, at });
}
