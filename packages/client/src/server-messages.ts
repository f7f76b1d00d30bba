// Reads what the server sends. `@trunkline/protocol` has the full checks, with a sentence for each field; a browser needs
// neither its words nor checks of what it does not use. A test holds the two together: whatever passes there passes here.

import type {
  CallOk,
  ChangeOk,
  PublishOk,
  ReadOk,
  RefreshOk,
  SearchOk,
  ServerMessage,
  SubscribeOk,
} from '@trunkline/protocol';

type Check = (value: unknown) => boolean;

const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const number: Check = Number.isFinite;
const text: Check = (value) => typeof value === 'string';
const texts: Check = (value) => Array.isArray(value) && value.every(text);
const object: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const byKey =
  (check: Check): Check =>
  (value) =>
    object(value) && Object.values(value as object).every(check);

/** A field means the same in every message. What is not here is not used, or cannot do harm. */
const CHECKS = new Map<string, Check>(
  Object.entries({
    id: count,
    ch: count,
    from: count,
    to: count,
    floor: count,
    head: count,
    lost: count,
    offset: count,
    at: number,
    now: number,
    rttMs: number,
    afterMs: number,
    spreadMs: number,
    withinMs: number,
    pingMs: number,
    features: Array.isArray,
    limits: (value) => typeof value === 'object',
    set: byKey(object),
    patch: byKey(object),
    unset: byKey(texts),
    delete: texts,
    drop: texts,
    epoch: (value) => value === null || (text(value) && /^[\w-]{1,64}$/.test(value as string)),
    message: text,
    reason: text,
    retry: (value) => typeof value === 'boolean',
    more: (value) => typeof value === 'boolean',
    editedAt: number,
    deletedAt: number,
    reactions: byKey(texts),
    amends: (value) => has<Record<string, unknown>>(value, ['offset']),
    items: (value) =>
      Array.isArray(value) && value.every((item) => has<Record<string, unknown>>(item, ['offset', 'at'])),
  } satisfies Record<string, Check>),
);

/** The fields without which a message is of no use. */
const REQUIRED = new Map<string, readonly string[]>(
  Object.entries({
    welcome: ['pingMs', 'now', 'features', 'limits'],
    ok: ['id'],
    progress: ['id', 'data'],
    error: ['code', 'message', 'retry'],
    entries: ['ch', 'from', 'to', 'items'],
    rows: ['ch', 'from', 'to'],
    signal: ['ch', 'name', 'data'],
    synced: ['ch', 'to'],
    gap: ['ch', 'reason', 'epoch', 'to'],
    ended: ['ch', 'code', 'message', 'retry'],
    ping: [],
    pong: ['id'],
    drain: ['withinMs', 'spreadMs'],
    goodbye: ['reason'],
  } satisfies { readonly [T in ServerMessage['type']]: readonly (keyof Extract<ServerMessage, { type: T }>)[] }),
);

/** Whether it is an object with these fields, and all fields that it has are what they should be. */
function has<M>(value: unknown, fields: readonly (keyof M)[]): value is M {
  return (
    typeof value === 'object' &&
    value !== null &&
    fields.every((field) => field in value) &&
    Object.entries(value).every(([field, content]) => CHECKS.get(field)?.(content) ?? true)
  );
}

/**
 * The messages of one WebSocket message, in order.
 * @throws Error if one of them is not a message of this protocol: whatever it was meant to say is lost.
 */
export function readMessages(given: string): readonly ServerMessage[] {
  return given
    .split('\n')
    .filter((line) => line.trim())
    .map((line) => {
      const message = JSON.parse(line);
      const required = REQUIRED.get(message?.type);
      if (required && has<ServerMessage>(message, required as readonly 'type'[])) return message;
      throw new Error(line.slice(0, 80));
    });
}

export const isSubscribeOk = (value: object) => has<SubscribeOk>(value, ['ch', 'kind', 'epoch', 'floor', 'from']);

export const isPublishOk = (value: object) => has<PublishOk>(value, ['epoch', 'offset', 'at']);

export const isChangeOk = (value: object) => has<ChangeOk>(value, ['epoch', 'offset']);

export const isReadOk = (value: object) => has<ReadOk>(value, ['head', 'floor', 'items']);

export const isSearchOk = (value: object): value is SearchOk => has<SearchOk>(value, ['items', 'more']);

export const isRefreshOk = (value: object) => has<RefreshOk>(value, ['user']);

export const isCallOk = (value: object) => has<CallOk>(value, ['data']);
