// `trunkline()` itself: checks what the types cannot, and keeps it.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Amendment, MAX_PROCEDURE_NAME_LENGTH, MAX_SIGNAL_NAME_LENGTH } from '@trunkline/protocol';
import { REQUEST_TYPES } from '../backend/requests.js';
import type { AnyDefinition } from './handles.js';
import type { LogDefinition } from './log.js';
import type { ProcedureDefinition } from './procedure.js';
import {
  keepApp,
  keepChannel,
  keepProcedure,
  type LogParts,
  type ProcedureParts,
  partsOf,
  partsOfProcedure,
  type TableParts,
} from './registry.js';
import type { TableDefinition } from './table.js';
import type { App, BaseUser, Trunkline, TrunklineOptions } from './trunkline.js';

/**
 * Starts an app: says who users are, and gives the maker of its channels.
 *
 * ```ts
 * const t = trunkline({ authenticate: async ({ token }) => verify(token) });
 * const chat = t.log(['room'], { entry: z.object({ text: z.string() }) });
 * export const app = t.app({ channels: { chat } });
 * ```
 * @throws TypeError for options that the types would have refused.
 */
export function trunkline<User extends BaseUser, Public = string>(
  options: TrunklineOptions<User, Public>,
): Trunkline<User, Public> {
  if (typeof options?.authenticate !== 'function') throw new TypeError('trunkline: authenticate must be a function');
  for (const name of ['publicUser', 'expiresAt'] as const) {
    if (options[name] !== undefined && typeof options[name] !== 'function') {
      throw new TypeError(`trunkline: ${name} must be a function`);
    }
  }
  const maker = {
    log(params: readonly string[], parts: Omit<LogParts, 'kind'>): LogDefinition {
      checkParams('log', params);
      checkLog(parts);
      const definition: LogDefinition = Object.freeze({ kind: 'log', params: Object.freeze([...params]) });
      keepChannel(definition, { ...parts, kind: 'log' });
      return definition;
    },
    table(params: readonly string[], parts: Omit<TableParts, 'kind'>): TableDefinition {
      checkParams('table', params);
      checkTable(parts);
      const definition: TableDefinition = Object.freeze({ kind: 'table', params: Object.freeze([...params]) });
      keepChannel(definition, { ...parts, kind: 'table' });
      return definition;
    },
    procedure(parts: ProcedureParts): ProcedureDefinition {
      checkProcedure(parts);
      const definition: ProcedureDefinition = Object.freeze({ kind: 'procedure' });
      keepProcedure(definition, parts);
      return definition;
    },
    app({ channels, procedures = {} }: AppParts): App {
      checkChannels(channels);
      checkProcedures(procedures);
      const app: App = Object.freeze({
        channels: Object.freeze({ ...channels }),
        procedures: Object.freeze({ ...procedures }),
      });
      keepApp(app, options);
      return app;
    },
  };
  // The maker's types are wider than what it promises: inference happens in the promise.
  return maker as unknown as Trunkline<User, Public>;
}

const AMENDMENTS: ReadonlySet<unknown> = new Set<Amendment>(['edit', 'delete', 'react']);

interface AppParts {
  readonly channels: Readonly<Record<string, AnyDefinition>>;
  readonly procedures?: Readonly<Record<string, ProcedureDefinition>>;
}

function checkParams(kind: 'log' | 'table', params: readonly string[]): void {
  if (!Array.isArray(params) || !params.every((name) => typeof name === 'string' && name !== '')) {
    throw new TypeError(`t.${kind}: the first argument lists the parameters' names: t.${kind}(['room'], …)`);
  }
  if (new Set(params).size !== params.length) throw new TypeError(`t.${kind}: two parameters have the same name`);
}

function checkSchema(name: string, schema: StandardSchemaV1 | undefined): void {
  if (typeof schema?.['~standard']?.validate === 'function') return;
  throw new TypeError(`${name} must be a Standard Schema (Zod, Valibot, ArkType …)`);
}

function checkLog(parts: Omit<LogParts, 'kind'>): void {
  checkSchema('t.log: entry', parts?.entry);
  for (const hook of ['authorize', 'moderate', 'onPublish'] as const) {
    if (parts[hook] !== undefined && typeof parts[hook] !== 'function')
      throw new TypeError(`t.log: ${hook} must be a function`);
  }
  checkBackend('t.log', parts.backend, REQUEST_TYPES);
  const { amend = [] } = parts;
  if (!Array.isArray(amend) || amend.some((word) => !AMENDMENTS.has(word))) {
    throw new TypeError("t.log: amend lists what may be done to entries: 'edit', 'delete', 'react'");
  }
  const { search } = parts;
  if (search !== undefined && !(Array.isArray(search) && search.length > 0 && search.every(isField))) {
    throw new TypeError("t.log: search lists members of an entry: ['text']");
  }
  const { entries, days, bytes } = parts.retain ?? {};
  if (entries !== undefined && !(Number.isSafeInteger(entries) && entries >= 1)) {
    throw new TypeError('t.log: retain.entries must be a whole number from 1');
  }
  if (days !== undefined && !(days > 0)) throw new TypeError('t.log: retain.days must be above 0');
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes >= 1)) {
    throw new TypeError('t.log: retain.bytes must be a whole number from 1');
  }
  const { presence, signals = {}, markers = false } = parts;
  if (typeof markers !== 'boolean' && (typeof markers !== 'object' || markers === null)) {
    throw new TypeError('t.log: markers must be true, false, or { days, readers }');
  }
  const { days: markDays, readers } = typeof markers === 'object' ? markers : {};
  if (markDays !== undefined && !(markDays > 0)) throw new TypeError('t.log: markers.days must be above 0');
  if (readers !== undefined && !(Number.isSafeInteger(readers) && readers >= 1)) {
    throw new TypeError('t.log: markers.readers must be a whole number from 1');
  }
  for (const [name, schema] of Object.entries(signals)) {
    checkSchema(`t.log: the signal ${name}`, schema);
    if (name === '' || name.length > MAX_SIGNAL_NAME_LENGTH) {
      throw new TypeError(`t.log: a signal's name has 1 to ${MAX_SIGNAL_NAME_LENGTH} characters`);
    }
  }
  if (typeof presence === 'object' && !(Number.isSafeInteger(presence.graceMs) && presence.graceMs >= 0)) {
    throw new TypeError('t.log: presence.graceMs must be a whole number from 0');
  }
}

function isField(name: unknown): boolean {
  return typeof name === 'string' && name !== '';
}

function checkBackend(maker: string, given: unknown, known: readonly string[]): void {
  if (given === undefined || (Array.isArray(given) && given.every((one) => known.includes(one)))) return;
  throw new TypeError(`${maker}: backend lists some of: ${known.join(', ')}`);
}

function checkTable(parts: Omit<TableParts, 'kind'>): void {
  checkSchema('t.table: row', parts?.row);
  const { write = 'server', keep = 'durable', authorize, maxRows, expireMs, checkpointMs } = parts;
  if (write !== 'server' && write !== 'client') throw new TypeError("t.table: write must be 'server' or 'client'");
  if (keep !== 'durable' && keep !== 'checkpoint' && keep !== 'memory') {
    throw new TypeError("t.table: keep must be 'durable', 'checkpoint' or 'memory'");
  }
  if (checkpointMs !== undefined && keep !== 'checkpoint') {
    throw new TypeError("t.table: checkpointMs is for keep: 'checkpoint'");
  }
  if (authorize !== undefined && typeof authorize !== 'function') {
    throw new TypeError('t.table: authorize must be a function');
  }
  checkBackend('t.table', parts.backend, ['authorize']);
  for (const [name, count] of Object.entries({ maxRows, expireMs, checkpointMs })) {
    if (count === undefined || (Number.isSafeInteger(count) && count >= 1)) continue;
    throw new TypeError(`t.table: ${name} must be a whole number from 1`);
  }
}

function checkChannels(channels: Readonly<Record<string, AnyDefinition>>): void {
  const names = new Map<AnyDefinition, string>();
  for (const [name, definition] of Object.entries(channels)) {
    partsOf(definition);
    const other = names.get(definition);
    // `at(definition)` could not tell which one is meant.
    if (other !== undefined) throw new TypeError(`t.app: "${other}" and "${name}" are the same channel`);
    if (name === '') throw new TypeError('t.app: a channel needs a name');
    names.set(definition, name);
  }
}

function checkProcedure(parts: ProcedureParts): void {
  checkSchema('t.procedure: input', parts?.input);
  if (parts.output !== undefined) checkSchema('t.procedure: output', parts.output);
  if (typeof parts.run !== 'function') throw new TypeError('t.procedure: run must be a function');
  if (parts.authorize !== undefined && typeof parts.authorize !== 'function') {
    throw new TypeError('t.procedure: authorize must be a function');
  }
}

function checkProcedures(procedures: Readonly<Record<string, ProcedureDefinition>>): void {
  for (const [name, definition] of Object.entries(procedures)) {
    partsOfProcedure(definition);
    if (name === '' || name.length > MAX_PROCEDURE_NAME_LENGTH) {
      throw new TypeError(`t.app: a procedure's name has 1 to ${MAX_PROCEDURE_NAME_LENGTH} characters`);
    }
  }
}
