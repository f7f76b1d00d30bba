// A table over HTTP: pages of what changed, steps of several rows, and one row at a time with conditions on what it was.

import type { Row } from '@trunkline/broker';
import type { TableRow } from '@trunkline/core';
import {
  type Change,
  clientProblem,
  type Limits,
  MAX_KEY_BYTES,
  type RowData,
  TrunklineError,
  utf8Bytes,
} from '@trunkline/protocol';
import { type Answer, done, tagged, tagsOf } from './answer.js';
import { type Context, sourceOf, waitFor } from './context.js';
import { DEFAULT_LIMIT, JSON_TYPES, pageQuery, pageTag, waitOf } from './entries.js';
import { badRequest, HttpError } from './http-error.js';
import { fieldChanges } from './merge-patch.js';
import { numberOf, type QueryParameters } from './query.js';

/** What a patch may be sent as: it means the same. */
export const PATCH_TYPES = ['application/merge-patch+json', 'application/json'];
/** Others may change a row between the look at it and the patch. */
const MAX_TRIES = 20;
/** No row is there. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

type Step = Pick<Change, 'set' | 'patch' | 'unset' | 'delete' | 'if'>;
const PARTS = ['set', 'patch', 'unset', 'delete', 'if'] as const;

export function rowsQuery(limits: Limits): QueryParameters {
  return pageQuery(
    limits,
    'The rows that changed after this offset, and what was deleted. Default 0: all rows.',
    'Rows',
  );
}

export async function readRows(context: Context): Promise<Answer> {
  const { requests, caller, target, query } = context;
  const [after, epoch] = [numberOf(query, 'after') ?? 0, query.get('epoch')];
  const seconds = waitOf(query);
  const limit = numberOf(query, 'limit') ?? DEFAULT_LIMIT;
  const asked = { after, limit, ...(epoch === undefined ? {} : { epoch }) };
  let page = await requests.rows(caller, target, asked);
  if (seconds > 0 && page.offset <= after) {
    await waitFor(context, page, seconds);
    page = await requests.rows(caller, target, asked);
  }
  // Who begins knows no row, and so none that is gone.
  const gone = after === 0 ? [] : page.gone.map(({ key }) => key);
  const head = `"epoch":${JSON.stringify(page.epoch)},"head":${page.offset},"floor":${page.floor},"to":${page.to}`;
  const body = `{${head},"rows":[${page.rows.map(rowText).join(',')}],"deleted":${JSON.stringify(gone)}}`;
  return tagged(pageTag(page.epoch, page.floor, page.offset), body, context.request.headers['if-none-match']);
}

export async function readRow(context: Context): Promise<Answer> {
  const found = await context.requests.row(context.caller, context.target, checkedKey(context));
  if (found.row === null) throw noRow(context.key);
  return tagged(rowTag(found), rowText(found.row), context.request.headers['if-none-match']);
}

/** Several rows as one step. */
export async function changeRows(context: Context): Promise<Answer> {
  const body = objectOf(await context.body(JSON_TYPES));
  const stray = Object.keys(body).find((part) => !(PARTS as readonly string[]).includes(part));
  if (stray !== undefined)
    throw badRequest(`${JSON.stringify(stray.slice(0, 40))} is unknown: the parts are ${PARTS.join(', ')}`);
  const { epoch, offset } = await change(context, body as Step);
  return done(200, { epoch, offset });
}

export async function putRow(context: Context): Promise<Answer> {
  const row = objectOf(await context.body(JSON_TYPES));
  const key = checkedKey(context);
  const condition = await conditionOf(context);
  return changedRow(context, { set: Object.fromEntries([[key, row]]), ...condition });
}

export async function patchRow(context: Context): Promise<Answer> {
  const given = objectOf(await context.body(PATCH_TYPES));
  const key = checkedKey(context);
  for (let tries = 1; ; tries += 1) {
    const condition = await conditionOf(context);
    const { needsRow } = fieldChanges(given, undefined);
    const found = needsRow ? await context.requests.rowToChange(context.target, key) : undefined;
    const { patch, unset } = fieldChanges(given, found?.row === null ? undefined : dataOf(found));
    const seen = found === undefined ? {} : { if: Object.fromEntries([[key, found.row?.offset ?? 0]]) };
    const step = {
      patch: Object.fromEntries([[key, patch]]),
      unset: Object.fromEntries([[key, unset]]),
      ...seen,
      ...condition,
    };
    try {
      return await changedRow(context, step);
    } catch (error) {
      // The row was changed since the look at it: what the patch makes of it may be another thing now. A condition of the caller's own holds.
      const isLost =
        error instanceof TrunklineError && error.code === 'conflict' && needsRow && condition.if === undefined;
      if (!isLost || tries === MAX_TRIES) throw error;
    }
  }
}

export async function deleteRow(context: Context): Promise<Answer> {
  const key = checkedKey(context);
  const condition = await conditionOf(context);
  const { epoch, offset } = await change(context, { delete: [key], ...condition });
  return done(200, { epoch, offset });
}

/** Changes one row, and says whether that made it, and by which tag it goes now. */
async function changedRow(context: Context, step: Step): Promise<Answer> {
  const { epoch, offset, isRepeat } = await change(context, step);
  const found = await context.requests.rowToChange(context.target, context.key);
  const { row } = found;
  const isMade = !isRepeat && row?.born === offset && found.epoch === epoch;
  // A row that was changed again meanwhile is not what the caller made of it.
  const tag = row !== null && row.offset <= offset && found.epoch === epoch ? rowTag(found) : undefined;
  return done(isMade ? 201 : 200, { epoch, offset }, tag);
}

async function change(context: Context, step: Step) {
  const { requests, caller, target } = context;
  const source = sourceOf(context);
  const problem = clientProblem({
    ...step,
    type: 'change',
    id: 1,
    stream: target.name,
    producer: source.producer,
    seq: 1,
  });
  if (problem !== null) throw badRequest(problem.replace(/^change: /, ''));
  try {
    return await requests.change(caller, target, source, step);
  } catch (error) {
    const isCondition = error instanceof TrunklineError && error.code === 'conflict' && hasCondition(context);
    throw isCondition
      ? new HttpError(412, 'conflict', 'the row is not as the condition says: read it and decide anew')
      : error;
  }
}

function hasCondition({ request: { headers } }: Context): boolean {
  return headers['if-match'] !== undefined || headers['if-none-match'] !== undefined;
}

/**
 * `If-Match` and `If-None-Match` as the offset at which the row must be. Refuses nothing itself, so that a write that is sent again finds
 * out that it was stored, and not that the row is another one since.
 * @throws HttpError 400
 */
async function conditionOf(context: Context): Promise<Pick<Step, 'if'>> {
  if (!hasCondition(context)) return {};
  const { 'if-match': match, 'if-none-match': noneMatch } = context.request.headers;
  const must = (offset: number) => ({ if: Object.fromEntries([[context.key, offset]]) });
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*' || match !== undefined)
      throw badRequest('write If-None-Match: * or If-Match, not both');
    return must(0);
  }
  const found = await context.requests.rowToChange(context.target, context.key);
  // Compared strongly (RFC 9110 §13.1.1): a weak tag says that the row may be another one.
  const holds = found.row !== null && tagsOf(match).some((tag) => tag === '*' || tag === rowTag(found));
  return must(holds ? (found.row?.offset ?? NOWHERE) : NOWHERE);
}

function noRow(key: string): TrunklineError {
  return new TrunklineError('not_found', `there is no row ${JSON.stringify(key)}`);
}

/** @throws HttpError 400 */
function checkedKey({ key }: Context): string {
  if (key === '' || utf8Bytes(key) > MAX_KEY_BYTES) throw badRequest(`a key has 1 to ${MAX_KEY_BYTES} bytes`);
  return key;
}

function objectOf(value: unknown): RowData {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as RowData;
  throw badRequest('send a JSON object');
}

function dataOf(found: TableRow | undefined): RowData | undefined {
  return found?.row == null ? undefined : (JSON.parse(found.row.data) as RowData);
}

function rowTag({ epoch, row }: TableRow): string {
  return `"${epoch}.${row?.offset}"`;
}

/** Rows are stored as JSON, and go out without being parsed. */
function rowText({ key, offset, born, data, expiresAt }: Row): string {
  const expiry = expiresAt === undefined ? '' : `,"expiresAt":${expiresAt}`;
  return `{"key":${JSON.stringify(key)},"offset":${offset},"born":${born}${expiry},"data":${data}}`;
}
