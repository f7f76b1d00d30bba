// From a change of rows to a stored step, in the same order as a publish: known already? → limits → may this user? → shape → stored.
// A client's patch is judged as the whole row that it makes: the broker stores it only onto the row it was judged with.

import {
  type ChangeOptions,
  type ChangeResult,
  changedRow,
  checkChange,
  type ProducerSeq,
  type RowChange,
  RowConflictError,
  type RowDelete,
} from '@trunkline/broker';
import { type Change, type JsonValue, type RowData, type StreamName, TrunklineError } from '@trunkline/protocol';
import type { Identity, TableRuntime } from './app.js';
import { callBroker } from './broker-call.js';
import type { TableBroker } from './checkpoint-broker.js';
import { madeText, payloadText } from './payload-text.js';
import type { Permits } from './permits.js';
import type { Log } from './ports.js';
import { type HeldUp, ProducerLanes, type Repeatable } from './producer-lanes.js';
import { runHook } from './run-hook.js';
import { producerKey } from './slice.js';
import { laneOf } from './write-place.js';

/** Others may change a row between the look at it and the step; whoever loses this often in a row is told. */
const MAX_TRIES = 20;

/** The rows of one step. */
export type Step = Pick<Change, 'set' | 'patch' | 'unset' | 'delete' | 'if'>;

export interface ChangeRequest {
  /** The user when it was sent. */
  readonly identity: Identity;
  /** The same user with the rights of now. */
  readonly present: () => Identity;
  readonly channel: TableRuntime;
  readonly params: readonly string[];
  readonly stream: StreamName;
  readonly producer: string;
  readonly seq: number;
  readonly step: Step;
  /** Will not be sent again: the broker need not remember its producer, and it waits for nobody. */
  readonly isUnrepeatable?: boolean;
  /** Absent: nothing that comes alone is held up by what came before it. */
  readonly order?: HeldUp;
  /** Throws a TrunklineError if the connection may not change anything now. Asked only for what is not a repeat. */
  admit(): void;
  settled(error: TrunklineError | null): void;
}

/** Where a change was stored. */
export type Changed = Pick<ChangeResult, 'epoch' | 'offset'> & Repeatable;

export interface ChangerOptions {
  readonly brokerOf: (channel: TableRuntime) => TableBroker;
  readonly log: Log;
  readonly permits: Permits;
  readonly nowMs: () => number;
  readonly maxEntryBytes: number;
  readonly maxRowsPerChange: number;
}

export class Changer {
  readonly #options: ChangerOptions;
  readonly #lanes = new ProducerLanes<Changed>();

  constructor(options: ChangerOptions) {
    this.#options = options;
  }

  /** Resolves when the step is stored. Rejects with a TrunklineError. */
  change(request: ChangeRequest): Promise<Changed> {
    const { stream, seq, identity, channel } = request;
    const source = { producer: producerKey(identity.id, request.producer), seq };
    const broker = this.#options.brokerOf(channel);
    if (request.isUnrepeatable === true) return this.#prepare(request, undefined, 0).then(({ stored }) => stored);
    return this.#lanes.run(laneOf(stream, source.producer), {
      seq,
      settled: (error) => request.settled(error),
      lookup: () => callBroker(this.#options.log, broker.lookup(stream, source)),
      prepare: (after, before) => this.#prepare(request, source, after, before),
    });
  }

  /** Changes rows as the server itself: neither the schema nor the rules are asked. Rejects with a TrunklineError. */
  async changeAsServer(
    stream: StreamName,
    channel: TableRuntime,
    changes: readonly ServerRowChange[],
  ): Promise<Changed> {
    this.#count(changes.length);
    const step = changes.map((change): RowChange => {
      const { key, set, patch, unset, delete: gone, expiresAt } = change;
      if ([set, patch, gone].filter((what) => what !== undefined).length !== 1) {
        throw new TrunklineError('invalid', `${key}: say one of set, patch and delete`);
      }
      const given = change.if === undefined ? { key } : { key, if: change.if };
      if (gone !== undefined) return { ...given, delete: true };
      const expiry = this.#expiry(channel, expiresAt);
      if (set !== undefined) return { ...given, set: this.#text(set), ...expiry };
      return { ...given, patch: this.#text(patch), ...(unset === undefined ? {} : { unset }), ...expiry };
    });
    return this.#store(stream, channel, step);
  }

  async #prepare(
    request: ChangeRequest,
    source: ProducerSeq | undefined,
    after: number,
    before?: Promise<unknown>,
  ): Promise<{ stored: Promise<Changed> }> {
    const { stream, channel, params, present, step } = request;
    if (channel.write !== 'client') throw new TrunklineError('forbidden', 'only the server changes this table');
    if (request.order?.isHeldUp() === true) await request.order.clear();
    request.admit();
    const { set = {}, patch = {}, unset = {}, delete: gone = [] } = step;
    const patched = [...new Set([...Object.keys(patch), ...Object.keys(unset)])];
    this.#count(Object.keys(set).length + patched.length + gone.length);
    for (const row of [...Object.values(set), ...Object.values(patch)]) this.#text(row);
    const options = changeOptions(channel, source, after);
    if (patched.length > 0) return { stored: Promise.resolve(await this.#patch(request, options, patched)) };
    const store = (given: ChangeOptions) =>
      this.#options.permits.whileAllowed(
        { present, channel, params, stream, action: 'change' },
        () => this.#wholeRows(channel, step),
        (rows) => ({ stored: this.#store(stream, channel, rows, given) }),
      );
    const { stored } = await store(options);
    if (before === undefined) return { stored };
    // What is before it was refused for good (a conflict, a full table), and holds nothing up: only a failure does.
    const onceMore = async (error: unknown): Promise<Changed> => {
      const { after: _, ...free } = options;
      const end = isUnavailable(error)
        ? await before.then(
            () => options,
            (why) => (isUnavailable(why) ? null : free),
          )
        : null;
      if (end === null) throw error;
      return (await store(end)).stored;
    };
    return { stored: stored.catch(onceMore) };
  }

  /** Stores the step before the producer's next one is looked at: who has to try again must not be overtaken. */
  async #patch(request: ChangeRequest, options: ChangeOptions, patched: readonly string[]): Promise<Changed> {
    const { stream, channel, params, present, step } = request;
    const { permits, brokerOf, log } = this.#options;
    const rowsNow = async (): Promise<RowChange[]> => {
      const rows = await this.#wholeRows(channel, step);
      for (const key of patched) rows.push(await this.#patchedRow(stream, channel, step, key));
      return rows;
    };
    for (let tries = 1; ; tries += 1) {
      const { stored } = await permits.whileAllowed(
        { present, channel, params, stream, action: 'change' },
        rowsNow,
        (rows) => ({ stored: brokerOf(channel).change(stream, checked(rows), options) }),
      );
      try {
        return await stored;
      } catch (error) {
        // Somebody was faster: the row is another, and so may be what the patch makes of it. A condition of the client's own holds.
        const isOurs =
          error instanceof RowConflictError && patched.includes(error.key) && own(step.if, error.key) === undefined;
        if (!isOurs || tries === MAX_TRIES) return callBroker(log, Promise.reject(error));
      }
    }
  }

  /** What can be judged without looking at the table. */
  async #wholeRows(
    channel: TableRuntime,
    { set = {}, delete: gone = [], if: conditions = {} }: Step,
  ): Promise<RowChange[]> {
    const rows: RowChange[] = gone.map((key): RowDelete => ({ key, delete: true, ...condition(conditions, key) }));
    for (const [key, row] of Object.entries(set)) {
      const text = await this.#validated(channel, key, row);
      rows.push({ key, set: text, ...condition(conditions, key), ...this.#expiry(channel) });
    }
    return rows;
  }

  async #patchedRow(stream: StreamName, channel: TableRuntime, step: Step, key: string): Promise<RowChange> {
    const { log } = this.#options;
    const row = await callBroker(log, this.#options.brokerOf(channel).readRow(stream, key));
    const offset = row?.offset ?? 0;
    const wanted = own(step.if, key);
    if (wanted !== undefined && wanted !== offset) {
      return callBroker(log, Promise.reject(new RowConflictError(stream, key, wanted, offset)));
    }
    const patch = { key, patch: JSON.stringify(own(step.patch, key) ?? {}), unset: own(step.unset, key) ?? [] };
    const merged = changedRow(row?.data, patch) ?? row?.data ?? '{}';
    const set = await this.#validated(channel, key, JSON.parse(merged) as RowData);
    return { key, set, if: offset, ...this.#expiry(channel) };
  }

  async #validated(channel: TableRuntime, key: string, row: RowData): Promise<string> {
    const { log, maxEntryBytes } = this.#options;
    const result = await runHook(log, 'the schema failed', () => channel.validate(row as JsonValue));
    if ('problem' in result) throw new TrunklineError('invalid', `${key}: ${result.problem}`);
    return madeText('row', result.value, maxEntryBytes, 'the schema made', log);
  }

  #store(
    stream: StreamName,
    channel: TableRuntime,
    step: readonly RowChange[],
    options: ChangeOptions = changeOptions(channel),
  ): Promise<Changed> {
    const { brokerOf, log } = this.#options;
    return callBroker(log, brokerOf(channel).change(stream, checked(step), options));
  }

  #expiry({ expireMs }: TableRuntime, given?: number): { expiresAt?: number } {
    if (given !== undefined) return { expiresAt: given };
    return expireMs === undefined ? {} : { expiresAt: this.#options.nowMs() + expireMs };
  }

  #text(row: unknown): string {
    const text = payloadText('row', row, this.#options.maxEntryBytes);
    if (!text.startsWith('{')) throw new TrunklineError('invalid', 'a row must be an object');
    return text;
  }

  #count(rows: number): void {
    const { maxRowsPerChange } = this.#options;
    if (rows <= maxRowsPerChange) return;
    throw new TrunklineError('too_large', `the step changes ${rows} rows, at most ${maxRowsPerChange} are allowed`);
  }
}

/** A row's change by the server: one of `set`, `patch` and `delete`. */
export interface ServerRowChange {
  readonly key: string;
  readonly if?: number | undefined;
  readonly set?: unknown;
  readonly patch?: unknown;
  readonly unset?: readonly string[] | undefined;
  readonly delete?: true | undefined;
  readonly expiresAt?: number | undefined;
}

/** @param after 0: of none */
function changeOptions({ maxRows }: TableRuntime, source?: ProducerSeq, after = 0): ChangeOptions {
  return {
    ...(source === undefined ? {} : { source }),
    ...(after === 0 ? {} : { after }),
    ...(maxRows === undefined ? {} : { maxRows }),
  };
}

/** Whether nobody knows what came of it. */
function isUnavailable(error: unknown): boolean {
  return !(error instanceof TrunklineError) || error.outcome === 'unknown';
}

/**
 * What no broker takes, whoever asked for it. @throws TrunklineError `invalid`
 */
function checked(step: readonly RowChange[]): readonly RowChange[] {
  try {
    checkChange(step, undefined);
  } catch (error) {
    throw new TrunklineError('invalid', (error as Error).message, { cause: error });
  }
  return step;
}

/** A member of an object from the wire: a key named like one of `Object.prototype` is none. */
function own<T>(from: { readonly [key: string]: T } | undefined, key: string): T | undefined {
  return from !== undefined && Object.hasOwn(from, key) ? from[key] : undefined;
}

function condition(conditions: { readonly [key: string]: number }, key: string): { if?: number } {
  const wanted = own(conditions, key);
  return wanted === undefined ? {} : { if: wanted };
}
