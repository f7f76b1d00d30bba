// A log over HTTP: `POST` appends an entry, `GET` gives a page of them, and may wait for the next one.

import { pageText } from '@trunkline/core';
import { clientProblem, type JsonValue, type Limits } from '@trunkline/protocol';
import { type Answer, done, tagged } from './answer.js';
import { type Context, sourceOf, waitFor } from './context.js';
import { badRequest } from './http-error.js';
import { numberOf, type QueryParameters } from './query.js';

/** What a body may be. */
export const JSON_TYPES = ['application/json'];
/** Entries or rows of a page, unless it is said. */
export const DEFAULT_LIMIT = 50;
/** What a `GET` may wait, in seconds. */
export const MAX_WAIT_SECONDS = 30;
export const EPOCH = { pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'an epoch as the server gave it' };
const offset = (description: string) => ({ least: 0, most: Number.MAX_SAFE_INTEGER, description });

/** Of a page of changes, whatever it is of. */
export function pageQuery({ maxPageEntries }: Limits, after: string, unit: string): QueryParameters {
  return {
    after: offset(after),
    limit: { least: 1, most: maxPageEntries, description: `${unit} at most. Default ${DEFAULT_LIMIT}.` },
    epoch: EPOCH,
    wait: {
      least: 0,
      most: MAX_WAIT_SECONDS,
      description: 'With `after`: if there is nothing after it, waits so many seconds for something. Default 0.',
    },
  };
}

export function entriesQuery(limits: Limits): QueryParameters {
  const before = offset('The newest entries before this offset. Default: the newest of all.');
  const at = offset('The oldest entries since this time, in milliseconds since 1970; alone.');
  return { before, at, ...pageQuery(limits, 'The oldest entries after this offset; not with `before`.', 'Entries') };
}

export async function publish(context: Context): Promise<Answer> {
  const data = (await context.body(JSON_TYPES)) as JsonValue;
  const { caller, target } = context;
  const source = sourceOf(context);
  const { producer } = source;
  const problem = clientProblem({ type: 'publish', id: 1, stream: target.name, producer, seq: 1, data });
  if (problem !== null) throw badRequest(problem.replace(/^publish: /, ''));
  const { epoch, offset, at, isRepeat } = await context.requests.publish(caller, target, source, data);
  return done(isRepeat ? 200 : 201, { epoch, offset, at });
}

export async function readEntries(context: Context): Promise<Answer> {
  const { requests, caller, target, query } = context;
  const [after, before, epoch] = [numberOf(query, 'after'), numberOf(query, 'before'), query.get('epoch')];
  const seconds = waitOf(query);
  const at = numberOf(query, 'at');
  if ([after, before, at].filter((one) => one !== undefined).length > 1) {
    throw badRequest('after, before and at exclude each other');
  }
  const asked = {
    limit: numberOf(query, 'limit') ?? DEFAULT_LIMIT,
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    ...(at === undefined ? {} : { at }),
    ...(epoch === undefined ? {} : { epoch }),
  };
  let page = await requests.entries(caller, target, asked);
  if (seconds > 0 && page.items.length === 0) {
    await waitFor(context, { epoch: page.epoch, offset: page.head }, seconds);
    page = await requests.entries(caller, target, asked);
  }
  return tagged(
    pageTag(page.epoch, page.floor, page.head),
    `{${pageText(page)}}`,
    context.request.headers['if-none-match'],
  );
}

/** How long to wait. @throws HttpError 400 */
export function waitOf(query: ReadonlyMap<string, string>): number {
  const seconds = numberOf(query, 'wait') ?? 0;
  if (seconds > 0 && !query.has('after')) throw badRequest('wait needs after: what is it to wait for?');
  return seconds;
}

/** Where a stream stands: with the URL, that is all that a page depends on. */
export function pageTag(epoch: string | null, floor: number, head: number): string {
  return `"${epoch ?? '-'}.${floor}.${head}"`;
}
