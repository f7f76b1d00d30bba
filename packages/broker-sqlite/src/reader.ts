// The reader's work: each call in a transaction of its own, so that a page and its state are of one moment. A read that
// begins after a commit sees it: that is what WAL gives.

import type { KnownCall } from '@trunkline/broker';
import type { Command, Connection, Query, Row } from './database.js';
import type {
  LookupCall,
  PackedEntries,
  PageDone,
  ReadBackCall,
  ReadCall,
  ReaderCall,
  ReadRowsCall,
  Refusal,
  StateDone,
} from './messages.js';
import { OutboxReader } from './outbox-reader.js';
import { FIND_CALL } from './results-writer.js';
import { TableReader } from './table-reader.js';

type Result = { readonly done: unknown } | { readonly refusal: Refusal };

interface Found extends StateDone {
  readonly id: number;
  readonly kind: string | undefined;
}

const ENTRY = `e.offset, e.at, e.data, e.user, p.producer, e.seq
  FROM entries e LEFT JOIN producers p ON p.id = e.producer`;
const SIZE = 'octet_length(data) + ifnull(octet_length(user), 0)';
/** Sizes that are looked at in one go: a page that is bounded by bytes is seldom longer. */
const SIZES_AT_ONCE = 256;

export class Reader {
  readonly #begin: Command;
  readonly #commit: Command;
  readonly #findStream: Query;
  readonly #sizesAfter: Query;
  readonly #sizesBefore: Query;
  readonly #range: Query;
  readonly #findPublish: Query;
  readonly #findCall: Query;
  readonly #tables: TableReader;
  readonly #outbox: OutboxReader;

  constructor(db: Connection) {
    this.#begin = db.command('BEGIN');
    this.#commit = db.command('COMMIT');
    this.#findStream = db.query('SELECT id, epoch, head, floor, kind FROM streams WHERE name = ?');
    this.#sizesAfter = db.query(
      `SELECT ${SIZE} FROM entries WHERE stream = ? AND offset > ? ORDER BY offset LIMIT ${SIZES_AT_ONCE}`,
    );
    this.#sizesBefore = db.query(
      `SELECT ${SIZE} FROM entries WHERE stream = ? AND offset <= ? ORDER BY offset DESC LIMIT ${SIZES_AT_ONCE}`,
    );
    this.#range = db.query(`SELECT ${ENTRY} WHERE e.stream = ? AND e.offset > ? AND e.offset <= ? ORDER BY e.offset`);
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
    if (row === undefined) return { id: 0, kind: undefined, epoch: null, offset: 0, floor: 0 };
    const [id, epoch, head, floor, kind] = row;
    return { id: Number(id), kind: String(kind), epoch: String(epoch), offset: Number(head), floor: Number(floor) };
  }

  #read({ stream, epoch, offset, entries, bytes }: ReadCall): Result {
    const found = this.#state(stream);
    if (found.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const known = epoch === null ? offset === 0 : epoch === found.epoch && offset <= found.offset;
    const oldest = { epoch: found.epoch, offset: found.floor };
    if (!known) return { refusal: { type: 'unrecoverable', reason: 'epoch', oldest } };
    if (offset < found.floor) return { refusal: { type: 'unrecoverable', reason: 'trimmed', oldest } };
    const most = Math.min(entries, found.offset - offset);
    const count =
      bytes === undefined ? most : fitting(most, bytes, (n) => this.#sizesAfter.rows([found.id, offset + n]));
    return { done: this.#page(found, offset, offset + count) };
  }

  #readBack({ stream, before, entries, bytes }: ReadBackCall): Result {
    const found = this.#state(stream);
    if (found.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    const to = Math.min(before ?? Number.POSITIVE_INFINITY, found.offset + 1) - 1;
    const most = Math.max(0, Math.min(entries, to - found.floor));
    const count = bytes === undefined ? most : fitting(most, bytes, (n) => this.#sizesBefore.rows([found.id, to - n]));
    return { done: this.#page(found, to - count, to) };
  }

  #readRows(call: ReadRowsCall): Result {
    const { id, kind, ...state } = this.#state(call.stream);
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

  #page({ id, epoch, offset, floor }: Found, after: number, to: number): PageDone {
    const packed: PackedEntries = [];
    if (to > after) {
      for (const [, at = 0, data = '', user = null, producer = null, seq = null] of this.#range.rows([id, after, to])) {
        packed.push(at, data, user, producer, seq);
      }
    }
    return { epoch, offset, floor, after, entries: packed };
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

/** How many of `most` entries fit into `bytes`, the first in any case; `sizes(n)` gives sizes from the n-th on, in pieces. */
function fitting(most: number, bytes: number, sizes: (from: number) => Row[]): number {
  let left = bytes;
  let count = 0;
  while (count < most) {
    const piece = sizes(count);
    for (const [size] of piece) {
      left -= Number(size);
      if (left < 0 && count > 0) return count;
      count += 1;
      if (count === most) return count;
    }
    if (piece.length === 0) return count;
  }
  return count;
}
