// What travels between the threads. Calls and answers go in batches; entries as flat lists, which are cheaper to clone.

import type { ChangeOptions, Death, Entry, NewEntry, Retention, Row, RowChange, Tombstone } from '@trunkline/broker';
import type { BurstCall } from './bursts.js';
import type { Value } from './database.js';
import type { StoredEntries } from './entry-pack.js';
import type { SqliteBrokerErrorCode } from './errors.js';
import { keyOf, keyText } from './key-text.js';

/** `at, data, user, producer, seq, owner` for each entry; `null` is what it does not have. */
export type PackedEntries = Value[];
export const PACKED = 6;

export interface AppendCall {
  readonly type: 'append';
  readonly stream: string;
  readonly entries: PackedEntries;
  /** Of the history that begins if there is none. */
  readonly newEpoch: string;
  readonly fence?: number;
  readonly retain?: Retention;
  readonly after?: number;
  readonly outbox?: true;
}
export interface AmendCall {
  readonly type: 'amend';
  readonly stream: string;
  readonly offset: number;
  readonly expects: number;
  readonly data: string;
  readonly state: string;
  readonly at: number;
  readonly user: string | null;
  readonly owner: string | null;
  readonly source?: { readonly producer: string; readonly seq: number };
  readonly fence?: number;
  readonly after?: number;
  readonly outbox?: true;
}
export interface AmendDone {
  readonly epoch: string;
  readonly offset: number;
  readonly at: number;
  readonly duplicate: boolean;
  /** A record was appended. */
  readonly changed: boolean;
}
/** A change of a row: plain data, so it travels as it is. */
export type PackedChange = RowChange;
/** `key, born, offset, data, expiresAt` for each row. */
export type PackedRows = Value[];
export const PACKED_ROW = 5;

export interface ChangeCall {
  readonly type: 'change';
  readonly stream: string;
  readonly step: readonly PackedChange[];
  readonly newEpoch: string;
  readonly source?: { readonly producer: string; readonly seq: number };
  readonly fence?: number;
  readonly after?: number;
  readonly tombstones?: ChangeOptions['tombstones'];
  readonly maxRows?: number;
}
export interface ChangeDone {
  readonly stream: string;
  readonly epoch: string;
  readonly from: number;
  readonly to: number;
  /** What the caller is told: of a repeat, that of the first time. */
  readonly offset: number;
  readonly duplicate: boolean;
  readonly rows: PackedRows;
  /** Keys. */
  readonly gone: readonly string[];
}
export interface BeginCall {
  readonly type: 'begin';
  readonly caller: string;
  readonly seq: number;
  readonly ttlMs: number;
}
export interface FinishCall {
  readonly type: 'finish';
  readonly caller: string;
  readonly seq: number;
  readonly result: string;
}
export interface SettleCall {
  readonly type: 'settle';
  readonly stream: string;
  readonly epoch: string | null;
  readonly offset: number;
  /** Of one that becomes a dead letter. */
  readonly death?: Death;
}
/** Brings the index of words up to what is stored now. Answered when that is done. */
export interface IndexCall {
  readonly type: 'index';
  readonly stream: string;
  readonly fields: readonly string[];
}
export type WriterCall =
  | AppendCall
  | BurstCall
  | AmendCall
  | ChangeCall
  /** Answered with a `CallState`. */
  | BeginCall
  | FinishCall
  | SettleCall
  /** Answered with whether there was one. */
  | { readonly type: 'forgetDeadLetter'; readonly id: number }
  /** Answered with a `ChangeDone` for each table of which rows expired. */
  | { readonly type: 'expire' }
  | { readonly type: 'remove'; readonly stream: string }
  | { readonly type: 'token' }
  | IndexCall
  /** Answered when everything that is due was trimmed and deleted. */
  | { readonly type: 'sweep' }
  | { readonly type: 'close' };

export interface AppendDone {
  readonly epoch: string;
  /** New entries got the offsets `from + 1 …`, in order, except the repeats: `index, offset, at`. */
  readonly from: number;
  readonly repeats: readonly (readonly [index: number, offset: number, at: number])[];
}

export interface ReadCall {
  readonly type: 'read';
  readonly stream: string;
  readonly epoch: string | null;
  readonly offset: number;
  readonly entries: number;
  readonly bytes?: number;
  readonly entriesOnly?: boolean;
}
export interface ReadBackCall {
  readonly type: 'readBack';
  readonly stream: string;
  readonly before?: number;
  readonly entries: number;
  readonly bytes?: number;
  readonly entriesOnly?: boolean;
}
export interface TailCall {
  readonly type: 'tail';
  readonly stream: string;
  readonly after: number;
  readonly count: number;
}
export interface SearchCall {
  readonly type: 'search';
  readonly stream: string;
  readonly fields: readonly string[];
  readonly text: string;
  readonly before?: number;
  readonly limit: number;
  readonly bytes?: number;
}
export interface SearchDone extends PageDone {
  readonly more: boolean;
}
export interface LookupCall {
  readonly type: 'lookup';
  readonly stream: string;
  readonly producer: string;
  readonly seq: number;
}
export interface ReadRowsCall {
  readonly type: 'readRows';
  readonly stream: string;
  readonly epoch: string | null;
  readonly offset: number;
  readonly begunAt: number;
  readonly entries: number;
  readonly bytes?: number;
}
export type OutboxCall =
  /** Answered with `Waiting`s. */
  | { readonly type: 'waiting'; readonly after: string | null; readonly limit: number }
  /** Answered with `DeadLetter`s. */
  | { readonly type: 'deadLetters'; readonly after: number; readonly limit: number }
  | { readonly type: 'countDeadLetters' };
export type ReaderCall =
  | ReadCall
  | OutboxCall
  /** Answered with a `KnownCall` or `null`. */
  | { readonly type: 'recall'; readonly caller: string; readonly seq: number }
  | ReadRowsCall
  | { readonly type: 'readRow'; readonly stream: string; readonly key: string }
  | ReadBackCall
  | TailCall
  | SearchCall
  /** Answered with a `Seek`. */
  | { readonly type: 'seek'; readonly stream: string; readonly at: number }
  | LookupCall
  | { readonly type: 'state'; readonly stream: string }
  | { readonly type: 'close' };

export interface StateDone {
  readonly epoch: string | null;
  readonly offset: number;
  readonly floor: number;
}
export interface PageDone extends StateDone {
  readonly entries: StoredEntries;
}

export interface RowsDone extends StateDone {
  readonly rows: PackedRows;
  /** `key, offset` for each deletion. */
  readonly gone: Value[];
  readonly to: number;
}

export type Refusal =
  | { readonly type: 'wrong_kind'; readonly kind: 'log' | 'table' }
  | {
      readonly type: 'amend_conflict';
      readonly offset: number;
      readonly expected: number;
      readonly actual: number | null;
    }
  | { readonly type: 'row_conflict'; readonly key: string; readonly expected: number; readonly actual: number }
  | { readonly type: 'table_full'; readonly maxRows: number }
  | { readonly type: 'fenced'; readonly token: number; readonly highest: number }
  | { readonly type: 'out_of_order'; readonly producer: string; readonly seq: number; readonly last: number }
  | {
      readonly type: 'unrecoverable';
      readonly reason: 'trimmed' | 'epoch';
      readonly oldest: { readonly epoch: string | null; readonly offset: number };
    }
  | { readonly type: 'indexing'; readonly left: number }
  | { readonly type: 'unavailable'; readonly reason: string };

export type Answer =
  | { readonly id: number; readonly done: unknown }
  | { readonly id: number; readonly refusal: Refusal };

export interface Batch<Call> {
  readonly nowMs: number;
  readonly calls: readonly { readonly id: number; readonly call: Call }[];
}

export type WorkerMessage =
  | { readonly type: 'opened' }
  | {
      readonly type: 'failed';
      readonly code: SqliteBrokerErrorCode;
      readonly path: string;
      readonly problem: string;
      readonly advice: string;
    }
  /** `group`: of the writer, when the answers are those of one that was committed. */
  | { readonly type: 'answers'; readonly answers: readonly Answer[]; readonly group?: Group };

/** A committed group in figures, as `CommittedGroup` of options.ts describes them. */
export interface Group {
  readonly calls: number;
  readonly entries: number;
  readonly writeMs: number;
  readonly commitMs: number;
}

export interface WorkerOptions {
  readonly path: string;
  readonly maxFileBytes?: number;
}

export function pack(entries: readonly NewEntry[]): PackedEntries {
  const packed: PackedEntries = [];
  for (const { at, data, user, source, owner } of entries) {
    const producer = source === undefined ? null : keyText(source.producer);
    packed.push(at, data, user, producer, source?.seq ?? null, owner === undefined ? null : keyText(owner));
  }
  return packed;
}

/** The entry at `index`, which stands at `offset`. */
export function unpack(packed: PackedEntries, index: number, offset: number): Entry {
  const base = index * PACKED;
  const at = Number(packed[base]);
  const data = String(packed[base + 1]);
  const user = packed[base + 2] as string | null;
  const producer = packed[base + 3] as string | null;
  const owner = packed[base + 5] as string | null;
  return {
    offset,
    at,
    data,
    user,
    ...(owner === null ? {} : { owner: keyOf(owner) }),
    ...(producer === null ? {} : { source: { producer: keyOf(producer), seq: Number(packed[base + 4]) } }),
  };
}

export function unpackRows(packed: PackedRows): Row[] {
  const rows: Row[] = [];
  for (let base = 0; base < packed.length; base += PACKED_ROW) {
    const [key, born, offset, data, expiresAt] = packed.slice(base, base + PACKED_ROW);
    const row = { key: String(key), born: Number(born), offset: Number(offset), data: String(data) };
    rows.push(typeof expiresAt === 'number' ? { ...row, expiresAt } : row);
  }
  return rows;
}

export function unpackTombstones(packed: readonly Value[]): Tombstone[] {
  const gone: Tombstone[] = [];
  for (let base = 0; base < packed.length; base += 2) {
    gone.push({ key: String(packed[base]), offset: Number(packed[base + 1]) });
  }
  return gone;
}
