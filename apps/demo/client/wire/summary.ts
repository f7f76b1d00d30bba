// What Trunkline's own messages say, in a few words: what one looks for in a long list. A click shows the rest.

import { bytes, duration } from './units.js';

export type Fields = Readonly<Record<string, unknown>>;

/** A question of the client, as its answer is understood by it. */
export interface Question {
  readonly type: string;
  /** The stream or procedure that it is about. */
  readonly about: string;
  /** Server time, in milliseconds. */
  readonly at: number;
}

/** What was said before on the connection. */
export interface Context {
  /** The stream of a number, "stream 7" if nobody has said it. */
  readonly stream: (ch: unknown) => string;
  /** What the message answers. */
  readonly question: Question | undefined;
  /** When it was said: server time, in milliseconds. */
  readonly at: number;
  /** It is the beginning of a longer message. */
  readonly isCut: boolean;
}

type Summary = (message: Fields, context: Context) => string;

const SUMMARIES: Readonly<Record<string, Summary>> = {
  hello: ({ version, token }) => `version ${version}, ${token === undefined ? 'no token' : `token ${token}`}`,
  welcome: ({ user, pingMs }) => `you are ${json(user)}, ping every ${pingMs} ms`,
  refresh: ({ token }) => `token ${token}`,
  subscribe: ({ stream, after, last, ...bounds }) =>
    [`${stream}`, after === undefined ? (last === undefined ? '' : `last ${last}`) : `after ${json(after)}`]
      .concat(boundsOf(bounds))
      .filter((part) => part !== '')
      .join(', '),
  unsubscribe: ({ stream }) => `${stream}`,
  tune: ({ stream, ...bounds }) => `${stream}: ${boundsOf(bounds).join(', ') || 'as it is'}`,
  publish: ({ stream, data }) => `${stream} ${json(data)}`,
  amend: ({ stream, offset, edit, delete: gone, react, unreact }) => {
    const reaction = react === undefined ? `not ${unreact}` : `${react}`;
    return `${stream} entry ${offset}: ${edit !== undefined ? json(edit) : gone === true ? 'delete' : reaction}`;
  },
  search: ({ stream, query, before }) => `${stream} “${query}”${before === undefined ? '' : ` before ${before}`}`,
  signal: ({ stream, ch, name, data, user }, { stream: nameOf }) =>
    `${stream ?? nameOf(ch)} ${name} ${json(data)}${user === undefined ? '' : ` of ${json(user)}`}`,
  mark: ({ stream, offset }) => `${stream} read up to ${offset}`,
  follow: ({ stream }) => `${stream}`,
  unfollow: ({ stream }) => `${stream}`,
  change: ({ stream, if: conditions, ...rows }, { isCut }) =>
    `${stream} · ${rowsOf(rows, isCut) || 'nothing'}${sizeOf(conditions) === 0 ? '' : `, if ${conditionsOf(conditions)}`}`,
  read: ({ stream, before, after, at, limit }) => {
    const place = at !== undefined ? `from ${at}` : before === undefined ? `after ${after}` : `before ${before}`;
    return `${stream}, ${limit ?? 50} ${place}`;
  },
  call: ({ procedure, data, producer, deadlineMs }) =>
    `${procedure} ${json(data)}${producer === undefined ? '' : ', once'}${deadlineMs === undefined ? '' : `, within ${deadlineMs} ms`}`,
  cancel: ({ id }, { question }) => question?.about ?? `request ${id}`,
  progress: ({ id, data }, { question }) => `${question?.about ?? `request ${id}`}: ${json(data)}`,
  ok: (message, context) => okWords(message, context),
  error: ({ code, message }, { question }) =>
    `${question === undefined ? '' : `${question.about}: `}${code}: ${message}`,
  entries: ({ ch, from, to, items }, { stream }) =>
    `${stream(ch)} ${from}→${to}: ${listOf(items).map(itemWords).join(' ')}`,
  rows: ({ ch, from, to, reset, ...rows }, { stream, isCut }) => {
    const range = from === to ? `at ${to}` : `${from}→${to}`;
    return `${stream(ch)} ${range} · ${reset === true ? 'all anew, ' : ''}${rowsOf(rows, isCut) || 'nothing to tell'}`;
  },
  synced: ({ ch, to }, { stream }) => `${stream(ch)} up to ${to}`,
  gap: ({ ch, reason, lost }, { stream }) => `${stream(ch)} ${reason}, ${lost ?? 'unknown'} lost`,
  ended: ({ ch, code, message }, { stream }) => `${stream(ch)} ${code}: ${message}`,
  seen: ({ bytes: count }) => `${bytes(Number(count))} processed so far`,
  ping: ({ rttMs }) => (rttMs === undefined ? '' : `last round trip ${rttMs} ms`),
  pong: () => '',
  drain: ({ withinMs, spreadMs }) => `move within ${spreadMs} ms, served here for ${withinMs} ms`,
  goodbye: ({ code, reason }) => `${code}: ${reason}`,
};

/** One message in words; `undefined` if it is none of ours. */
export function summaryOf(message: Fields, context: Context): string | undefined {
  const { type } = message;
  return typeof type === 'string' && Object.hasOwn(SUMMARIES, type) ? SUMMARIES[type]?.(message, context) : undefined;
}

/** An answer in the words of what was asked: of an answer alone one sees a number. */
function okWords({ id, ch, kind, head, offset, data, items, user }: Fields, { question, at }: Context): string {
  const about = question?.about ?? `request ${id}`;
  if (kind === 'signals') return `${about} is stream ${ch}: signals`;
  if (ch !== undefined) return `${about} is stream ${ch}: a ${kind}, head ${head}`;
  if (offset !== undefined) return `${about} stored at offset ${offset}`;
  if (Array.isArray(items)) return `${about}: ${items.length} ${items.length === 1 ? 'entry' : 'entries'}`;
  if (data !== undefined)
    return `${about} → ${json(data)}${question === undefined ? '' : `, after ${duration(at - question.at)}`}`;
  if (user !== undefined) return `you are ${json(user)}`;
  return question === undefined ? `to ${about}` : `to ${question.type} ${about}`;
}

/** An entry, or the record that one was amended. */
function itemWords({ data, amends }: Fields): string {
  const [record] = listOf([amends]);
  return record === undefined ? json(data) : `${record.offset} is now ${json(record.data) || 'as told elsewhere'}`;
}

/** "2 set, 1 patch, 1 gone": of a message that is cut what is left of it, "at least". */
function rowsOf({ set, patch, unset, delete: gone, drop }: Fields, isCut: boolean): string {
  // Fields that are set and fields that go are one patch of the row.
  const patched = new Set([...keysOf(patch), ...keysOf(unset)]).size;
  const parts: (readonly [count: number, word: string])[] = [
    [sizeOf(set), 'set'],
    [patched, 'patch'],
    [sizeOf(gone), 'gone'],
    [sizeOf(drop), 'dropped'],
  ];
  const words = parts.filter(([count]) => count > 0).map(([count, word]) => `${count} ${word}`);
  return `${isCut && words.length > 0 ? 'at least ' : ''}${words.join(', ')}`;
}

/** How much of a table is wanted. */
function boundsOf({ rate, keys, paused, away }: Fields): string[] {
  const parts: string[] = [];
  if (rate !== undefined) parts.push(rate === null ? 'each change' : `${rate} a second`);
  if (keys !== undefined)
    parts.push(keys === null ? 'all rows' : `${sizeOf(keys)} ${sizeOf(keys) === 1 ? 'row' : 'rows'}`);
  if (paused !== undefined) parts.push(paused === true ? 'paused' : 'going on');
  if (away !== undefined) parts.push(away === true ? 'nobody looks' : 'somebody looks');
  return parts;
}

function conditionsOf(conditions: unknown): string {
  return keysOf(conditions)
    .map((key) => `${key} is at ${(conditions as Fields)[key]}`)
    .join(', ');
}

function keysOf(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.keys(value) : [];
}

function sizeOf(value: unknown): number {
  return keysOf(value).length;
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'object' && item !== null) : [];
}

function json(value: unknown): string {
  return JSON.stringify(value) ?? '';
}
