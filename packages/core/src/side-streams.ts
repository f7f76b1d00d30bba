// The streams beside a log: who is present, who has read up to where, signals; and each user's own unread counts. Their names
// hold a ":", which parameters never do, so they are nobody's channel. To the rest of the core they are tables (but for signals)
// whose rule is the log's, asked for another action.

import { type JsonValue, parseStreamName, type StreamName } from '@trunkline/protocol';
import type { Action, ChannelRuntime, LogRuntime, StreamTarget, TableRuntime } from './app.js';

/** What signals of a log pass through: nothing is kept. */
export interface SignalsRuntime {
  readonly kind: 'signals';
  readonly params: readonly string[];
  readonly authorize?: NonNullable<ChannelRuntime['authorize']>;
}

type Side = 'presence' | 'markers' | 'signals';
/** What is asked of the log's rule for whoever wants to follow the stream beside it. */
const SEEING: Readonly<Record<Side, Action>> = { presence: 'presence', markers: 'subscribe', signals: 'subscribe' };

export const presenceOf = (log: StreamName): StreamName => `${log}:presence` as StreamName;
export const markersOf = (log: StreamName): StreamName => `${log}:markers` as StreamName;
export const signalsOf = (log: StreamName): StreamName => `${log}:signals` as StreamName;

/** Whether the stream is this one or stands beside it: what a rule of the one says holds for the other. */
export const isOf = (stream: StreamName, name: StreamName): boolean => stream === name || stream.startsWith(`${name}:`);

const known = new WeakMap<LogRuntime, Partial<Record<Side, TableRuntime | SignalsRuntime>>>();

/** What a name with a ":" stands for; `null` if the log has no such stream. @param find finds the log */
export function findSide(name: string, find: (log: string) => StreamTarget | null): StreamTarget | null {
  const colon = name.indexOf(':');
  const side = name.slice(colon + 1);
  if (colon === 0) return ownTarget(name, side);
  const target = find(name.slice(0, colon));
  if (target?.channel.kind !== 'log' || !Object.hasOwn(SEEING, side)) return null;
  const { channel: log, params } = target;
  if (log[side as Side] === undefined) return null;
  const made = known.get(log) ?? {};
  known.set(log, made);
  made[side as Side] ??= runtimeOf(log, side as Side);
  return { name: name as StreamName, channel: made[side as Side] as TableRuntime | SignalsRuntime, params };
}

function runtimeOf({ params, authorize }: LogRuntime, side: Side): TableRuntime | SignalsRuntime {
  const rule =
    authorize === undefined
      ? {}
      : { authorize: (user: unknown, values: readonly string[]) => authorize(user, values, SEEING[side]) };
  if (side === 'signals') return { kind: 'signals', params, ...rule };
  return { ...TABLE, params, keep: side === 'presence' ? 'memory' : 'durable', ...rule };
}

const TABLE = {
  kind: 'table',
  write: 'server',
  validate: (value: JsonValue) => ({ value }),
} as const;

// ── a user's own ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Whoever is connected, of their own. */
export const OWN_UNREAD = ':unread';
const UNREAD: TableRuntime = { ...TABLE, params: ['user'], keep: 'memory' };

/** Of a user whose id, encoded, fits into a name; else `null`. */
export function unreadOf(userId: string): StreamName | null {
  return ownName('unread', userId);
}

/** Which logs a user follows: kept, and shown to nobody. */
export function followsOf(userId: string): StreamName | null {
  return ownName('follows', userId);
}

const MAX_NAME_BYTES = 512;
function ownName(word: string, userId: string): StreamName | null {
  let encoded: string;
  try {
    encoded = encodeURIComponent(userId);
  } catch {
    return null;
  }
  const name = `:${word}/${encoded}`;
  return name.length > MAX_NAME_BYTES ? null : (name as StreamName);
}

function ownTarget(name: string, rest: string): StreamTarget | null {
  const parsed = parseStreamName(rest);
  const [owner] = parsed?.params ?? [];
  if (parsed?.key !== 'unread' || owner === undefined || parsed.params.length !== 1) return null;
  return { name: name as StreamName, channel: UNREAD, params: parsed.params, owner };
}
