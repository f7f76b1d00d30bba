// What was given to `trunkline`, `t.log`, `t.table` and `t.app`, kept apart from the values they return: an app's type is all that
// a browser sees, and nothing of a definition's inside can be reached through it.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Amendment } from '@trunkline/protocol';
import type { BackendOptions } from '../backend/backend-options.js';
import type { RequestType } from '../backend/requests.js';
import type { MarkersOption, PresenceOption, SignalSchemas } from './beside.js';
import type { At } from './handles.js';
import type { Action, AmendedEntry, Retain } from './log.js';
import type { RunContext } from './procedure.js';
import type { TableAction, TableKeeping, TableWriters } from './table.js';
import type { RequestInfo } from './trunkline.js';

/** A log's options with the types worn off. */
export interface LogParts {
  readonly kind: 'log';
  readonly entry: StandardSchemaV1;
  readonly retain?: Retain;
  readonly presence?: PresenceOption;
  readonly markers?: MarkersOption;
  readonly signals?: SignalSchemas;
  readonly backend?: readonly RequestType[];
  readonly amend?: readonly Amendment[];
  readonly search?: readonly string[];
  readonly authorize?: (context: {
    user: unknown;
    params: Record<string, string>;
    action: Action;
    entry: AmendedEntry | undefined;
    amendment: Amendment | undefined;
  }) => unknown;
  readonly moderate?: (context: {
    user: unknown;
    params: Record<string, string>;
    entry: AmendedEntry;
    amendment: 'edit' | 'delete';
  }) => unknown;
  readonly onPublish?: (context: {
    entry: unknown;
    user: unknown;
    params: Record<string, string>;
    at: At;
    source: { producer: string; seq: number };
    edits: Pick<AmendedEntry, 'offset' | 'at' | 'data'> | undefined;
  }) => unknown;
}

/** A table's options, the same way. */
export interface TableParts {
  readonly kind: 'table';
  readonly row: StandardSchemaV1;
  readonly write?: TableWriters;
  readonly keep?: TableKeeping;
  readonly checkpointMs?: number;
  readonly backend?: readonly RequestType[];
  readonly authorize?: (context: { user: unknown; params: Record<string, string>; action: TableAction }) => unknown;
  readonly maxRows?: number;
  readonly expireMs?: number;
}

export type ChannelParts = LogParts | TableParts;

/** A procedure's options with the types worn off. */
export interface ProcedureParts {
  readonly input: StandardSchemaV1;
  readonly output?: StandardSchemaV1;
  readonly authorize?: (context: { user: unknown; input: unknown }) => unknown;
  readonly run: (
    context: Omit<RunContext<unknown, unknown>, 'progress'> & { readonly progress: (data: unknown) => boolean },
  ) => unknown;
}

/** What `trunkline` was given. */
export interface Identification {
  readonly authenticate: (context: { token: string | undefined; request: RequestInfo }) => unknown;
  readonly publicUser?: (user: never) => unknown;
  readonly expiresAt?: (user: never) => unknown;
  readonly backend?: BackendOptions;
}

const channels = new WeakMap<object, ChannelParts>();
const procedures = new WeakMap<object, ProcedureParts>();
const apps = new WeakMap<object, Identification>();

export function keepChannel(definition: object, parts: ChannelParts): void {
  channels.set(definition, parts);
}
export function keepProcedure(definition: object, parts: ProcedureParts): void {
  procedures.set(definition, parts);
}
export function keepApp(app: object, identification: Identification): void {
  apps.set(app, identification);
}

/** @throws TypeError if the value was not made by `t.log` or `t.table`. */
export function partsOf(definition: object): ChannelParts {
  const parts = channels.get(definition);
  if (parts === undefined) throw new TypeError('not a channel: make it with t.log(…) or t.table(…)');
  return parts;
}

/** @throws TypeError if the value was not made by `t.procedure`. */
export function partsOfProcedure(definition: object): ProcedureParts {
  const parts = procedures.get(definition);
  if (parts === undefined) throw new TypeError('not a procedure: make it with t.procedure({ input, run })');
  return parts;
}

/** @throws TypeError if the value was not made by `t.app`. */
export function identificationOf(app: object): Identification {
  const identification = apps.get(app);
  if (identification === undefined) throw new TypeError('not an app: make it with t.app({ channels })');
  return identification;
}
