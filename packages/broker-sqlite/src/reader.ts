// The reader's work: each call in a transaction of its own, so that a page and its state are of one moment. A read that
// begins after a commit sees it: that is what WAL gives.

import { type KnownCall, lastOffsetWithin } from '@trunkline/broker';
import type { Command, Connection, Query, Row } from './database.js';
import { STORED_ENTRY, STORED_SIZE, type StoredEntries } from './entry-pack.js';
import type {
  LookupCall,
  PageDone,
  ReadBackCall,
  ReadCall,
  ReaderCall,
  ReadRowsCall,
  Refusal,
  SearchCall,
  StateDone,
  TailCall,
} from './messages.js';
import { OutboxReader } from './outbox-reader.js';
import { RecordPlaces } from './record-places.js';
import { FIND_CALL } from './results-writer.js';
import { TableReader } from './table-reader.js';
import { WordSearch } from './word-search.js';

type Result = { readonly done: unknown } | { readonly refusal: Refusal };

interface Found extends StateDone {
  readonly id: number;
  readonly kind: string | undefined;
  readonly records: number;
}

/** The second is whether records are left out. */
const RANGE = 'e.stream = ?1 AND e.offset > ?2 AND e.offset <= ?3 AND (?4 = 0 OR e.amends IS NULL)';
/** Sizes that are looked at in one go: a page that is bounded by bytes is seldom longer. */
const SIZES_AT_ONCE = 256;

export class Reader {
  readonly #begin: Command;
  readonly #commit: Command;
  readonly #findStream: Query;
  readonly #sizesAfter: Query;
  readonly #sizesBefore: Query;
  readonly #places: RecordPlaces;
  readonly #words: WordSearch;
  readonly #atOf: Query;
  readonly #range: Query;
  readonly #findPublish: Query;
  readonly #findCall: Query;
  readonly #tables: TableReader;
  readonly #outbox: OutboxReader;

  constructor(db: Connection) {
    this.#begin = db.command('BEGIN');
    this.#commit = db.command('COMMIT');
    this.#findStream = db.query('SELECT id, epoch, head, floor, kind, records FROM streams WHERE name = ?');
    const sizes = `SELECT ${STORED_SIZE}, e.offset FROM entries e WHERE ${RANGE} ORDER BY e.offset`;
    this.#sizesAfter = db.query(`${sizes} LIMIT ${SIZES_AT_ONCE}`);
    this.#sizesBefore = db.query(`${sizes} DESC LIMIT ${SIZES_AT_ONCE}`);
    this.#range = db.query(`SELECT ${STORED_ENTRY} WHERE ${RANGE} ORDER BY e.offset`);
    this.#places = new RecordPlaces(db);
    this.#words = new WordSearch(db);
    this.#atOf = db.query('SELECT at FROM entries WHERE stream = ? AND offset >= ? ORDER BY offset LIMIT 1');
    this.#findPublish = db.query(
      `SELECT s.epoch, u.offset + ?3 - u.seq, u.at FROM streams s JOIN producers p ON p.stream = s.id
       JOIN publishes u ON u.producer = p.id AND u.seq = (SELECT max(seq) FROM publishes WHERE producer = p.id AND seq <= ?3)
       WHERE s.name = ?1 AND p.producer = ?2 AND u.seq + u.count > ?3`,
    );
    this.#findCall = db.query(FIND_CALL);
    this.#tables = new TableReader(db);
    this.#outbox = new OutboxReader(db);
  }

  answer(call: Exclude<ReaderCall, { type: 'close' }>, nowMs: number): Result {
    this.#begin.run([]);
    try {
      return this.#answer(call, nowMs);
    } finally {
      this.#commit.run([]);
    }
  }

  #answer(call: Exclude<ReaderCall, { type: 'close' }>, nowMs: number): Result {
    switch (call.type) {
      case 'read':
        return this.#read(call);
      case 'readBack':
        return this.#readBack(call);
      case 'tail':
        return this.#tail(call);
      case 'seek':
        return this.#seek(call.stream, call.at);
      case 'search':
        return this.#search(call);
      case 'readRows':
        return this.#readRows(call);
      case 'readRow':
        return this.#readRow(call);
      case 'recall':
        return { done: this.#recall(call.caller, call.seq, nowMs) };
      case 'waiting':
      case 'deadLetters':
      case 'countDeadLetters':
        return { done: this.#outbox.answer(call) };
      case 'lookup':
        return { done: this.#lookup(call) };
      case 'state': {
        const { epoch, offset, floor } = this.#state(call.stream);
        return { done: { epoch, offset, floor } };
      }
    }
  }

  #state(stream: string): Found {
    const row = this.#findStream.row([stream]);
    if (row === undefined) return { id: 0, kind: undefined, records: 0, epoch: null, offset: 0, floor: 0 };
    const [id, epoch, head, floor, kind, records] = row;
    const state = { epoch: String(epoch), offset: Number(head), floor: Number(floor) };
    return { id: Number(id), kind: String(kind), records: Number(records), ...state };
  }

  #read({ stream, epoch, offset, entries, bytes, entriesOnly = false }: ReadCall): Result {
    const found = this.#state(stream);
    if (found.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const known = epoch === null ? offset === 0 : epoch === found.epoch && offset <= found.offset;
    const oldest = { epoch: found.epoch, offset: found.floor };
    if (!known) return { refusal: { type: 'unrecoverable', reason: 'epoch', oldest } };
    if (offset < found.floor) return { refusal: { type: 'unrecoverable', reason: 'trimmed', oldest } };
    const entriesUpTo = (place: number) => this.#places.entriesUpTo(found, place);
    const to = lastOffsetWithin(entriesUpTo(offset) + entries, offset, found.offset, entriesUpTo);
    const only = entriesOnly ? 1 : 0;
    if (bytes === undefined) return { done: this.#page(found, offset, to, only) };
    const last = fitting(offset, bytes, (after) => this.#sizesAfter.rows([found.id, after, to, only]));
    return { done: this.#page(found, offset, last, only) };
  }

  #readBack({ stream, before, entries, bytes, entriesOnly = false }: ReadBackCall): Result {
    const found = this.#state(stream);
    if (found.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const to = Math.min(before ?? Number.POSITIVE_INFINITY, found.offset + 1) - 1;
    if (to <= found.floor) return { done: this.#page(found, to, to, 0) };
    const entriesUpTo = (place: number) => this.#places.entriesUpTo(found, place);
    const after = lastOffsetWithin(entriesUpTo(to) - entries, found.floor, to, entriesUpTo);
    const only = entriesOnly ? 1 : 0;
    if (bytes === undefined) return { done: this.#page(found, after, to, only) };
    const first = fitting(to + 1, bytes, (before) => this.#sizesBefore.rows([found.id, after, before - 1, only]));
    return { done: this.#page(found, first - 1, to, only) };
  }

  #tail({ stream, after, count }: TailCall): Result {
    const { id, kind, records, ...state } = this.#state(stream);
    if (kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const { offset: head, floor } = state;
    const entriesUpTo = (place: number) => this.#places.entriesUpTo({ id, records }, place);
    const total = entriesUpTo(head);
    const from = lastOffsetWithin(total - count, floor, head, entriesUpTo);
    const known = total - entriesUpTo(Math.min(Math.max(after, floor), head));
    return { done: { ...state, from, after: known, recordsTrimmed: floor - entriesUpTo(floor) } };
  }

  #seek(stream: string, at: number): Result {
    const { id, kind, records: _, ...state } = this.#state(stream);
    if (kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    let [from, to] = [state.floor, state.offset];
    while (from < to) {
      const middle = Math.ceil((from + to) / 2);
      if (Number(this.#atOf.row([id, middle])?.[0]) < at) from = middle;
      else to = middle - 1;
    }
    return { done: { ...state, from } };
  }

  #search(call: SearchCall): Result {
    const { id, kind, records: _, ...state } = this.#state(call.stream);
    if (kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const done = this.#words.page(id, state, call);
    return done === null ? { refusal: { type: 'indexing', left: state.offset - state.floor } } : { done };
  }

  #readRows(call: ReadRowsCall): Result {
    const { id, kind, records: _, ...state } = this.#state(call.stream);
    if (kind === 'log') return { refusal: { type: 'wrong_kind', kind } };
    const { epoch, offset, begunAt } = call;
    const isKnown = epoch === null ? offset === 0 : epoch === state.epoch && offset <= state.offset;
    const oldest = { epoch: state.epoch, offset: state.floor };
    if (!isKnown) return { refusal: { type: 'unrecoverable', reason: 'epoch', oldest } };
    const isTrimmed = offset !== 0 && Math.max(offset, begunAt) < state.floor;
    if (isTrimmed) return { refusal: { type: 'unrecoverable', reason: 'trimmed', oldest } };
    return { done: this.#tables.page(id, state, call) };
  }

  #readRow({ stream, key }: Extract<ReaderCall, { type: 'readRow' }>): Result {
    const { id, kind } = this.#state(stream);
    if (kind === 'log') return { refusal: { type: 'wrong_kind', kind } };
    return { done: this.#tables.row(id, key) };
  }

  #page({ id, epoch, offset, floor }: Found, after: number, to: number, only: 0 | 1): PageDone {
    const entries: StoredEntries = [];
    if (to > after) for (const row of this.#range.rows([id, after, to, only])) entries.push(...row);
    return { epoch, offset, floor, entries };
  }

  #recall(caller: string, seq: number, nowMs: number): KnownCall | null {
    const [result, forgetAt] = this.#findCall.row([caller, seq]) ?? [];
    if (forgetAt === undefined || Number(forgetAt) <= nowMs) return null;
    return typeof result === 'string' ? { state: 'done', result } : { state: 'begun' };
  }

  #lookup({ stream, producer, seq }: LookupCall): { epoch: string; offset: number; at: number } | null {
    const row = this.#findPublish.row([stream, producer, seq]);
    return row === undefined ? null : { epoch: String(row[0]), offset: Number(row[1]), at: Number(row[2]) };
  }
}

/** The offset of the last item, starting beside `place`, that fits into `bytes`, the first in any case; `sizes(n)` gives those beyond n, in pieces. */
function fitting(place: number, bytes: number, sizes: (beyond: number) => Row[]): number {
  let left = bytes;
  let last: number | undefined;
  for (;;) {
    const piece = sizes(last ?? place);
    for (const [size, offset] of piece) {
      left -= Number(size);
      if (left < 0 && last !== undefined) return last;
      last = Number(offset);
    }
    if (piece.length < SIZES_AT_ONCE) return last ?? place;
  }
}
