// What a well-formed message is: one table per direction, a check for each field. The tables are typed by the messages,
// so a field added to a message without a check here does not compile.

import {
  byKey,
  type Check,
  count,
  epoch,
  epochOrNull,
  errorCode,
  flag,
  id,
  isCount,
  isRecord,
  isTime,
  json,
  keys,
  type MaybeOptional,
  name,
  optional,
  ordinal,
  orNull,
  payload,
  position,
  procedure,
  producer,
  rate,
  reaction,
  row,
  signalName,
  time,
  word,
  words,
  yes,
} from './checks.js';
import type { Amend, Change, ClientMessage } from './client-messages.js';
import { DEFAULT_LIMITS, type Limits } from './limits.js';
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

/** One check per field of a message; optional fields have optional checks. */
type Shape<M> = {
  readonly [K in Exclude<keyof M, 'type'>]-?: Check<Exclude<M[K], undefined>> &
    (undefined extends M[K] ? { readonly optional: true } : { readonly optional?: never });
};

type Shapes<M extends { type: string }> = { readonly [T in Exclude<M['type'], 'ok'>]: Shape<Extract<M, { type: T }>> };

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
  mark: { id, stream: name, offset: count, epoch: optional(epoch) },
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
