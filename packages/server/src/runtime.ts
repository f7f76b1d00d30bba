// An app's definitions, turned into what the core runs: schemas become `validate`, hooks get their context, users an identity.

import type { Retention } from '@trunkline/broker';
import type {
  AppRuntime,
  ChannelRuntime,
  Engine,
  HookResult,
  Identity,
  LogRuntime,
  MarkBounds,
  TableRuntime,
} from '@trunkline/core';
import { type JsonValue, MARK_DAYS, MAX_READERS, PRESENCE_GRACE_MS } from '@trunkline/protocol';
import type { MarkersOption } from './define/beside.js';
import type { AnyDefinition, At, LogServerHandle } from './define/handles.js';
import type { Action } from './define/log.js';
import { isRefusal } from './define/refusal.js';
import {
  type ChannelParts,
  type Identification,
  identificationOf,
  type LogParts,
  partsOf,
  partsOfProcedure,
  type TableParts,
} from './define/registry.js';
import type { TableAction } from './define/table.js';
import type { TableServerHandle } from './define/table-handle.js';
import type { App, BaseUser, RequestInfo } from './define/trunkline.js';
import { logHandle } from './log-handle.js';
import { procedureRuntime } from './procedure-runtime.js';
import { tableHandle } from './table-handle.js';
import { validatedBy } from './validated.js';

/** The broker's key of a producer holds the user's id. */
const MAX_USER_ID_LENGTH = 400;
/** Of what others may see of a user, as JSON. */
const MAX_PUBLIC_USER_BYTES = 4_096;
const DAY_MS = 24 * 3_600_000;

/** Reaches a channel of a running app. */
export type ReachChannel = (
  definition: AnyDefinition,
  params: readonly string[],
) => LogServerHandle<never> | TableServerHandle<never>;

/** Gives a channel's runtime what it has of a back end. */
export type AttachBackend = (
  name: string,
  runtime: ChannelRuntime,
  parts: ChannelParts,
  userOf: (user: unknown) => { readonly id: string; readonly public: JsonValue },
) => ChannelRuntime;

/** @throws TypeError if `app` was not made by `t.app`. */
export function appRuntime(app: App, at: At, attach: AttachBackend = (_, runtime) => runtime): AppRuntime<RequestInfo> {
  const identification = identificationOf(app);
  const channels = new Map<string, ChannelRuntime>();
  for (const [name, definition] of Object.entries(app.channels)) {
    const parts = partsOf(definition);
    const { params } = definition;
    const runtime = parts.kind === 'log' ? logRuntime(params, parts, at) : tableRuntime(params, parts);
    channels.set(
      name,
      attach(name, runtime, parts, (user) => toldUser(user, identification)),
    );
  }
  const procedures = new Map(
    Object.entries(app.procedures).map(([name, definition]) => [
      name,
      procedureRuntime(partsOfProcedure(definition), at),
    ]),
  );
  return {
    channels,
    procedures,
    async authenticate(token, request) {
      const user = await identification.authenticate({ token, request });
      return user === null ? null : identityOf(user, identification);
    },
  };
}

/** The handles of an app's channels, bound to the engine that runs it. */
export function reachOf(app: App, engine: () => Engine<RequestInfo>): ReachChannel {
  const names = new Map(Object.entries(app.channels).map(([name, definition]) => [definition, name]));
  return (definition, params) => {
    const name = names.get(definition);
    if (name === undefined) throw new TypeError('at: this channel is not in the app: add it to t.app({ channels })');
    if (params.length !== definition.params.length) {
      throw new TypeError(`at: ${name} takes ${definition.params.length} parameters, ${params.length} were given`);
    }
    if (definition.kind === 'table') return tableHandle(engine, name, params);
    return logHandle(engine, name, params);
  };
}

function toldUser(user: unknown, identification: Identification): { readonly id: string; readonly public: JsonValue } {
  const { id, publicUser } = identityOf(user, identification);
  return { id, public: publicUser };
}

function identityOf(user: unknown, { publicUser, expiresAt }: Identification): Identity {
  const id = (user as Partial<BaseUser> | undefined)?.id;
  if (typeof id !== 'string' || id === '' || id.length > MAX_USER_ID_LENGTH) {
    throw new TypeError(`authenticate must return null or a user with an id of 1 to ${MAX_USER_ID_LENGTH} characters`);
  }
  const shown = publicUser === undefined ? id : publicUser(user as never);
  const bytes = Buffer.byteLength(JSON.stringify(shown) ?? '');
  if (bytes === 0) throw new TypeError('publicUser must return a JSON value');
  if (bytes > MAX_PUBLIC_USER_BYTES) {
    throw new TypeError(
      `publicUser returned ${bytes} bytes of JSON, at most ${MAX_PUBLIC_USER_BYTES} are allowed: it stands on every entry`,
    );
  }
  const identity = { id, user, publicUser: shown as JsonValue };
  const endMs = expiresAt?.(user as never);
  return endMs === undefined ? identity : { ...identity, expiresAt: checkedTime(endMs) };
}

/** @throws TypeError for what can be no time: such a token would never expire, or always. */
function checkedTime(time: unknown): number {
  if (typeof time !== 'number' || !Number.isFinite(time)) {
    throw new TypeError(`expiresAt must return milliseconds since 1970 or undefined: ${String(time)}`);
  }
  // From 2001 on if these are seconds, before March 1973 if they are not: nobody issued a token then.
  if (time >= 1e9 && time < 1e11) throw new TypeError(`expiresAt must return milliseconds, ${time} looks like seconds`);
  return time;
}

function logRuntime(names: readonly string[], parts: LogParts, at: At): LogRuntime {
  const { entry: schema, retain, amend, search, authorize, moderate, onPublish } = parts;
  const named = naming(names);
  return {
    kind: 'log',
    params: names,
    ...(retain === undefined ? {} : { retain: retention(retain) }),
    ...(search === undefined ? {} : { search }),
    ...besides(parts),
    ...(amend === undefined ? {} : { amend: [...amend] }),
    validate: (data) => validatedBy(schema, data),
    ...(authorize === undefined
      ? {}
      : {
          authorize: (user, params, action, amend) => {
            const question = { entry: amend?.entry, amendment: amend?.amendment };
            const asked = { user, params: named(params), action: action as Action, ...question };
            return authorize(asked) as boolean | Promise<boolean>;
          },
        }),
    ...(moderate === undefined
      ? {}
      : {
          moderate: (user, params, { entry, amendment }) =>
            moderate({ user, params: named(params), entry, amendment: amendment as 'edit' | 'delete' }) as
              | boolean
              | Promise<boolean>,
        }),
    ...(onPublish === undefined
      ? {}
      : {
          onPublish: async ({ entry, user, params, source, edits }): Promise<HookResult> => {
            const result = await onPublish({ entry, user, params: named(params), at, source, edits });
            return isRefusal(result) ? { refusal: { code: result.code, message: result.message } } : { store: result };
          },
        }),
  };
}

function tableRuntime(names: readonly string[], parts: TableParts): TableRuntime {
  const { row, write = 'server', keep = 'durable', authorize, maxRows, expireMs, checkpointMs } = parts;
  const named = naming(names);
  return {
    kind: 'table',
    params: names,
    write,
    keep,
    validate: (data) => validatedBy(row, data),
    ...(authorize === undefined
      ? {}
      : {
          authorize: (user, params, action) =>
            authorize({ user, params: named(params), action: action as TableAction }) as boolean | Promise<boolean>,
        }),
    ...(maxRows === undefined ? {} : { maxRows }),
    ...(expireMs === undefined ? {} : { expireMs }),
    ...(checkpointMs === undefined ? {} : { checkpointMs }),
  };
}

/** Parameters by position become parameters by name. */
function naming(names: readonly string[]): (params: readonly string[]) => Record<string, string> {
  return (params) => Object.fromEntries(names.map((name, index) => [name, params[index] ?? '']));
}

/** What stands beside the log. */
function besides({ presence = false, markers = false, signals, retain }: LogParts): Beside {
  const graceMs = typeof presence === 'object' ? presence.graceMs : PRESENCE_GRACE_MS;
  const checks = Object.entries(signals ?? {}).map(
    ([name, schema]) => [name, (data: JsonValue) => validatedBy(schema, data)] as const,
  );
  return {
    ...(presence === false ? {} : { presence: { graceMs } }),
    ...(markers === false ? {} : { markers: markBounds(markers === true ? {} : markers, retain?.days) }),
    ...(checks.length === 0 ? {} : { signals: new Map(checks) }),
  };
}

/** A mark is of no use to anybody when all that it covers is gone. */
function markBounds({ days, readers = MAX_READERS }: Exclude<MarkersOption, boolean>, kept = MARK_DAYS): MarkBounds {
  return { expireMs: Math.ceil((days ?? kept) * DAY_MS), maxReaders: readers };
}
type Beside = Pick<LogRuntime, 'presence' | 'markers' | 'signals'>;

function retention({ entries, days, bytes }: NonNullable<LogParts['retain']>): Retention {
  return {
    ...(entries === undefined ? {} : { entries }),
    ...(days === undefined ? {} : { ageMs: days * DAY_MS }),
    ...(bytes === undefined ? {} : { bytes }),
  };
}
