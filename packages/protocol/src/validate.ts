// What a well-formed message is: one table per direction, a check for each field. The tables are typed by the messages,
// so a field added to a message without a check here does not compile.

import type { Amend, Change, ClientMessage } from './client-messages.js';
import { ERROR_CODES, type ErrorCode } from './errors.js';
import type { JsonValue } from './json.js';
import {
  DEFAULT_LIMITS,
  type Limits,
  MAX_DATA_DEPTH,
  MAX_KEY_BYTES,
  MAX_PROCEDURE_NAME_LENGTH,
  MAX_REACTION_BYTES,
  MAX_SIGNAL_NAME_LENGTH,
} from './limits.js';
import type { After, RowData } from './messages.js';
import { MAX_STREAM_NAME_BYTES } from './names.js';
import type {
  AmendRecord,
  CallOk,
  ChangeOk,
  GapReason,
  Item,
  PublishOk,
  ReadOk,
  SearchOk,
  ServerMessage,
  SubscribeOk,
} from './server-messages.js';
import { utf8Bytes } from './utf8-bytes.js';

interface Check<T> {
  readonly is: (value: unknown) => value is T;
  readonly expected: string;
}
interface MaybeOptional {
  readonly optional?: true;
}

/** One check per field of a message; optional fields have optional checks. */
type Shape<M> = {
  readonly [K in Exclude<keyof M, 'type'>]-?: Check<Exclude<M[K], undefined>> &
    (undefined extends M[K] ? { readonly optional: true } : { readonly optional?: never });
};

type Shapes<M extends { type: string }> = { readonly [T in Exclude<M['type'], 'ok'>]: Shape<Extract<M, { type: T }>> };

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isDeeper = (value: unknown, depth: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1)));
const isTime = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

const count: Check<number> = { is: isCount, expected: 'a whole number from 0 to 2^53 - 1' };
const ordinal: Check<number> = {
  is: (value): value is number => isCount(value) && value > 0,
  expected: 'a whole number from 1 to 2^53 - 1',
};
const time: Check<number> = { is: isTime, expected: 'a number of milliseconds' };
const flag: Check<boolean> = { is: (value) => typeof value === 'boolean', expected: 'true or false' };
const word: Check<string> = { is: (value) => typeof value === 'string', expected: 'text' };
const words: Check<readonly string[]> = {
  is: (value): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  expected: 'a list of texts',
};
const id = ordinal;
const json: Check<JsonValue> = { is: (value): value is JsonValue => value !== undefined, expected: 'a JSON value' };
// JSON.parse takes any depth, but JSON.stringify and most validators recurse: a few thousand brackets would end in a
// RangeError wherever the value is touched next.
const payload: Check<JsonValue> = {
  is: (value): value is JsonValue => value !== undefined && !isDeeper(value, MAX_DATA_DEPTH),
  expected: `a JSON value, nested at most ${MAX_DATA_DEPTH} deep`,
};
const name: Check<string> = {
  is: (value): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_STREAM_NAME_BYTES,
  expected: `a stream's name of 1 to ${MAX_STREAM_NAME_BYTES} bytes`,
};
const signalName: Check<string> = {
  is: (value): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_SIGNAL_NAME_LENGTH,
  expected: `text of 1 to ${MAX_SIGNAL_NAME_LENGTH} characters`,
};
const procedure: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value !== '' && value.length <= MAX_PROCEDURE_NAME_LENGTH,
  expected: `a procedure's name of 1 to ${MAX_PROCEDURE_NAME_LENGTH} characters`,
};
const PRODUCER = /^[A-Za-z0-9_-]{1,64}$/;
const producer: Check<string> = {
  is: (value): value is string => typeof value === 'string' && PRODUCER.test(value),
  expected: '1 to 64 letters, digits, _ or -',
};
const EPOCH = /^[A-Za-z0-9_-]{1,64}$/;
const epoch: Check<string> = {
  is: (value): value is string => typeof value === 'string' && EPOCH.test(value),
  expected: 'an epoch as the server gave it',
};
const epochOrNull: Check<string | null> = {
  is: (value): value is string | null => value === null || epoch.is(value),
  expected: 'an epoch or null',
};
const position: Check<After> = {
  is: (value): value is After =>
    isRecord(value) && epoch.is(value.epoch) && isCount(value.offset) && (value.at === undefined || isTime(value.at)),
  expected: '{epoch, offset, at?}',
};
const errorCode: Check<ErrorCode> = {
  is: (value): value is ErrorCode => typeof value === 'string' && Object.hasOwn(ERROR_CODES, value),
  expected: 'an error code',
};
const RATE_MAX = 100;
const rate: Check<number> = {
  is: (value): value is number => typeof value === 'number' && value > 0 && value <= RATE_MAX,
  expected: `a number above 0 and at most ${RATE_MAX}`,
};
const key: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' && value !== '' && value.length <= MAX_KEY_BYTES && utf8Bytes(value) <= MAX_KEY_BYTES,
  expected: `1 to ${MAX_KEY_BYTES} bytes of text`,
};
const reaction: Check<string> = {
  is: (value): value is string =>
    typeof value === 'string' &&
    value !== '' &&
    value.length <= MAX_REACTION_BYTES &&
    utf8Bytes(value) <= MAX_REACTION_BYTES,
  expected: `1 to ${MAX_REACTION_BYTES} bytes of text`,
};
const listOf = <T>(item: Check<T>): Check<readonly T[]> => ({
  is: (value): value is readonly T[] => Array.isArray(value) && value.every(item.is),
  expected: `a list, each ${item.expected}`,
});
const byKey = <T>(item: Check<T>): Check<{ readonly [key: string]: T }> => ({
  is: (value): value is { readonly [key: string]: T } =>
    isRecord(value) && Object.entries(value).every(([name, inner]) => key.is(name) && item.is(inner)),
  expected: `an object whose keys are ${key.expected}, each ${item.expected}`,
});
const orNull = <T>(check: Check<T>): Check<T | null> => ({
  is: (value): value is T | null => value === null || check.is(value),
  expected: `${check.expected}, or null`,
});
const keys = listOf(key);
const row: Check<RowData> = {
  is: (value): value is RowData => isRecord(value) && payload.is(value),
  expected: `an object, nested at most ${MAX_DATA_DEPTH} deep`,
};
const yes: Check<true> = { is: (value): value is true => value === true, expected: 'true' };
const optional = <T>(check: Check<T>): Check<T> & { readonly optional: true } => ({ ...check, optional: true });

const CLIENT: Shapes<ClientMessage> = {
  hello: { version: count, token: optional(word), features: optional(words) },
  subscribe: {
    id,
    stream: name,
    after: optional(position),
    last: optional(count),
    most: optional(ordinal),
    rate: optional(rate),
    keys: optional(keys),
    held: optional(keys),
    paused: optional(flag),
    away: optional(flag),
  },
  tune: {
    id,
    stream: name,
    rate: optional(orNull(rate)),
    keys: optional(orNull(keys)),
    paused: optional(flag),
    away: optional(flag),
  },
  unsubscribe: { id, stream: name },
  publish: { id, stream: name, producer, seq: ordinal, data: payload },
  amend: {
    id,
    stream: name,
    producer,
    seq: ordinal,
    offset: ordinal,
    edit: optional(payload),
    delete: optional(yes),
    react: optional(reaction),
    unreact: optional(reaction),
  },
  change: {
    id,
    stream: name,
    producer,
    seq: ordinal,
    set: optional(byKey(row)),
    patch: optional(byKey(row)),
    unset: optional(byKey(words)),
    delete: optional(keys),
    if: optional(byKey(count)),
  },
  call: {
    id,
    procedure,
    data: payload,
    producer: optional(producer),
    seq: optional(ordinal),
    deadlineMs: optional(ordinal),
  },
  cancel: { id },
  signal: { stream: name, name: signalName, data: payload },
  mark: { id, stream: name, offset: count },
  follow: { id, stream: name },
  unfollow: { id, stream: name },
  read: {
    id,
    stream: name,
    epoch: optional(epoch),
    before: optional(count),
    after: optional(count),
    at: optional(time),
    limit: ordinal,
  },
  search: { id, stream: name, query: word, before: optional(count), limit: ordinal },
  refresh: { id, token: word },
  seen: { bytes: count },
  ping: { id },
  pong: {},
};

const isReactions = (value: unknown): boolean => isRecord(value) && Object.values(value).every(words.is);
const isAmended = ({ editedAt, deletedAt, reactions }: Record<string, unknown>): boolean =>
  (editedAt === undefined || isTime(editedAt)) &&
  (deletedAt === undefined || isTime(deletedAt)) &&
  (reactions === undefined || isReactions(reactions));
const items: Check<readonly (Item | AmendRecord)[]> = {
  is: (value): value is readonly (Item | AmendRecord)[] =>
    Array.isArray(value) &&
    value.every(
      (item) =>
        isRecord(item) &&
        ordinal.is(item.offset) &&
        isTime(item.at) &&
        (item.producer === undefined || producer.is(item.producer)) &&
        (item.seq === undefined || ordinal.is(item.seq)) &&
        (item.amends === undefined
          ? json.is(item.data) && isAmended(item)
          : isRecord(item.amends) && ordinal.is(item.amends.offset) && isAmended(item.amends)),
    ),
  expected: 'a list of items',
};
const limits: Check<Limits> = {
  is: (value): value is Limits =>
    isRecord(value) &&
    Object.keys(DEFAULT_LIMITS).every((limit) => isTime(value[limit]) && (value[limit] as number) >= 0),
  expected: 'the limits',
};
const REASONS: Readonly<Record<GapReason, true>> = { trimmed: true, epoch: true, skipped: true };

const SERVER: Shapes<ServerMessage> = {
  welcome: {
    session: word,
    user: json,
    pingMs: ordinal,
    limits,
    now: time,
    features: words,
  },
  error: {
    id: optional(id),
    code: errorCode,
    message: word,
    retry: flag,
    outcome: { is: (value) => value === 'refused' || value === 'unknown', expected: 'refused or unknown' },
    afterMs: optional(time),
    refusal: optional(word),
  },
  progress: { id, data: json },
  entries: { ch: count, from: count, to: count, epoch: optional(epoch), items },
  rows: {
    ch: count,
    from: count,
    to: count,
    epoch: optional(epoch),
    reset: optional(yes),
    set: optional(byKey(row)),
    patch: optional(byKey(row)),
    unset: optional(byKey(words)),
    delete: optional(keys),
    drop: optional(keys),
  },
  signal: { ch: count, name: signalName, user: optional(json), data: json },
  synced: { ch: count, to: count },
  gap: {
    ch: count,
    reason: {
      is: (value): value is GapReason => typeof value === 'string' && Object.hasOwn(REASONS, value),
      expected: 'trimmed, epoch or skipped',
    },
    lost: optional(count),
    epoch: epochOrNull,
    to: count,
  },
  ended: { ch: count, code: errorCode, message: word, retry: flag, afterMs: optional(time) },
  ping: { now: time, rttMs: optional(time) },
  pong: { id, now: time },
  drain: { withinMs: time, spreadMs: time },
  goodbye: { code: count, reason: word, afterMs: optional(time), spreadMs: optional(time) },
};

/** What is wrong with a message, in one sentence, or `null` if nothing is. */
export function clientProblem(value: unknown): string | null {
  const problem = shapeProblem(CLIENT, value);
  if (problem !== null) return problem;
  const message = value as ClientMessage;
  if (message.type === 'read') {
    const said = [message.before, message.after, message.at].filter((one) => one !== undefined);
    return said.length === 1 ? null : 'read: name exactly one of before, after and at';
  }
  if (message.type === 'call' && (message.producer === undefined) !== (message.seq === undefined)) {
    return 'call: name both of producer and seq, or neither';
  }
  if (message.type === 'change') return changeProblem(message);
  return message.type === 'amend' ? amendProblem(message) : null;
}

function amendProblem(message: Amend): string | null {
  const said = [message.edit, message.delete, message.react, message.unreact].filter((one) => one !== undefined);
  return said.length === 1 ? null : 'amend: say exactly one of edit, delete, react and unreact';
}

/** Two changes of one row in one step would leave open which is meant. */
function changeProblem({
  set = {},
  patch = {},
  unset = {},
  delete: gone = [],
  if: conditions = {},
}: Change): string | null {
  const changed = new Set<string>();
  for (const changedKey of [...Object.keys(set), ...new Set([...Object.keys(patch), ...Object.keys(unset)]), ...gone]) {
    if (changed.has(changedKey)) return `change: the row ${JSON.stringify(changedKey)} is changed twice`;
    changed.add(changedKey);
  }
  const stray = Object.keys(conditions).find((name) => !changed.has(name));
  return stray === undefined ? null : `change: if names the row ${JSON.stringify(stray)}, which is not changed`;
}

/** The same for a message of the server. An `ok` is checked by whoever awaits it, as only they know what it answers. */
export function serverProblem(value: unknown): string | null {
  if (isRecord(value) && value.type === 'ok') return id.is(value.id) ? null : `ok: id must be ${id.expected}`;
  return shapeProblem(SERVER, value);
}

function shapeProblem(
  shapes: Readonly<Record<string, Readonly<Record<string, Check<unknown> & MaybeOptional>>>>,
  value: unknown,
): string | null {
  if (!isRecord(value)) return 'a message must be a JSON object';
  const type = value.type;
  if (typeof type !== 'string') return 'a message must have a type';
  // hasOwn: a type named like a member of Object.prototype is just unknown.
  const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
  if (shape === undefined) return `unknown type ${JSON.stringify(type.slice(0, 40))}`;
  for (const field in shape) {
    const check = shape[field] as Check<unknown> & MaybeOptional;
    const given = Object.hasOwn(value, field) ? value[field] : undefined;
    if (given === undefined ? check.optional !== true : !check.is(given)) {
      return `${type}: ${field} must be ${check.expected}`;
    }
  }
  return null;
}

/** Whether an `ok` answers a `subscribe` of the kind asked for. */
export function isSubscribeOk(value: object): value is SubscribeOk {
  const ok = value as Record<string, unknown>;
  return (
    isCount(ok.ch) &&
    typeof ok.kind === 'string' &&
    epochOrNull.is(ok.epoch) &&
    isCount(ok.head) &&
    isCount(ok.floor) &&
    isCount(ok.from)
  );
}

/** Whether an `ok` answers a `publish`. */
export function isPublishOk(value: object): value is PublishOk {
  const ok = value as Record<string, unknown>;
  return epoch.is(ok.epoch) && isCount(ok.offset) && isTime(ok.at);
}

/** Whether an `ok` answers a `read`. */
export function isReadOk(value: object): value is ReadOk {
  const ok = value as Record<string, unknown>;
  return epochOrNull.is(ok.epoch) && isCount(ok.head) && isCount(ok.floor) && items.is(ok.items);
}

/** Whether an `ok` answers a `search`. */
export function isSearchOk(value: object): value is SearchOk {
  return isReadOk(value) && flag.is((value as { more?: unknown }).more);
}

/** Whether an `ok` answers a `change`. */
export function isChangeOk(value: object): value is ChangeOk {
  const ok = value as Record<string, unknown>;
  return epoch.is(ok.epoch) && isCount(ok.offset);
}

/** Whether an `ok` answers a `call`. */
export function isCallOk(value: object): value is CallOk {
  return json.is((value as Record<string, unknown>).data);
}
