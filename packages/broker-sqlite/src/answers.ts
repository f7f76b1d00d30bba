// What the threads answer, as the port says it.

import {
  AmendConflictError,
  type Appended,
  BrokerUnavailableError,
  FencedError,
  IndexingError,
  OutOfOrderError,
  type Page,
  RowConflictError,
  type StreamState,
  TableFullError,
  UnrecoverablePositionError,
  WrongKindError,
} from '@trunkline/broker';
import type { Position, StreamName } from '@trunkline/protocol';
import { unpackStored } from './entry-pack.js';
import { type AppendDone, PACKED, type PackedEntries, type PageDone, type Refusal } from './messages.js';

/** Where each appended entry stands. */
export function appendedOf({ from, repeats }: AppendDone, packed: PackedEntries): Appended[] {
  const appended: Appended[] = [];
  let offset = from;
  let next = 0;
  for (let index = 0; index * PACKED < packed.length; index++) {
    const repeat = repeats[next];
    if (repeat?.[0] === index) {
      appended.push({ offset: repeat[1], at: repeat[2], duplicate: true });
      next += 1;
    } else {
      offset += 1;
      appended.push({ offset, at: Number(packed[index * PACKED]), duplicate: false });
    }
  }
  return appended;
}

export function pageOf({ epoch, offset, floor, entries }: PageDone): Page {
  const state: StreamState = { epoch, offset, floor };
  return { ...state, entries: unpackStored(entries) };
}

/** A refusal, as the port says it. */
export function errorOf(refusal: Refusal, stream?: StreamName, wanted?: Position): Error {
  const name = stream ?? ('' as StreamName);
  switch (refusal.type) {
    case 'fenced':
      return new FencedError(name, refusal.token, refusal.highest);
    case 'out_of_order':
      return new OutOfOrderError(name, refusal.producer, refusal.seq, refusal.last);
    case 'unrecoverable':
      return new UnrecoverablePositionError(name, refusal.reason, wanted ?? { epoch: null, offset: 0 }, refusal.oldest);
    case 'wrong_kind':
      return new WrongKindError(name, refusal.kind);
    case 'amend_conflict':
      return new AmendConflictError(name, refusal.offset, refusal.expected, refusal.actual);
    case 'row_conflict':
      return new RowConflictError(name, refusal.key, refusal.expected, refusal.actual);
    case 'table_full':
      return new TableFullError(name, refusal.maxRows);
    case 'indexing':
      return new IndexingError(name, refusal.left);
    case 'unavailable':
      return new BrokerUnavailableError(refusal.reason);
  }
}
