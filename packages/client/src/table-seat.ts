// A table's subscription on one socket: the replica that it feeds, and what the server was asked to send. One `tune` is on its way at a time:
// what changes meanwhile goes with the next.

import type { Seat, Subscription } from './subscription.js';
import type { TableReplica } from './table-replica.js';
import { covers, followList } from './table-replica.js';
import { isSameList, type Wishes } from './wishes.js';

export interface TableSeat {
  /** What came on this socket. It is what is shown when it has reached the head. */
  replica: TableReplica;
  /** What the server was asked for last. */
  asked: Wishes;
  /** It has not answered. */
  isTuning: boolean;
}

/** Asks for what is wanted now, if it is not what was asked for. @param isLeft whether the seat was given up. */
export function tune(stream: string, seat: Seat, wanted: () => Wishes, subscription: Subscription): void {
  const { table, dial } = seat;
  if (!table || !dial?.isOpen || table.isTuning) return;
  const { list, rate, paused } = wanted();
  // Who has not reached the head, or wants rows that are not here yet, is not paused: nobody would ever see what there is.
  const asked = { list, rate, paused: paused && seat.state === 'synced' && covers(table.replica, list) };
  const before = table.asked;
  const isOther = !isSameList(list, before.list);
  if (!isOther && rate === before.rate && asked.paused === before.paused) return;
  table.asked = asked;
  table.isTuning = true;
  const fields = {
    keys: isOther ? (list ? [...list] : null) : undefined,
    rate: rate === before.rate ? undefined : (rate ?? null),
    paused: asked.paused === before.paused ? undefined : asked.paused,
  };
  dial.request({ type: 'tune', stream, ...fields }, (reply) => {
    table.isTuning = false;
    if (!subscription.seats().includes(seat)) return;
    if (reply.type === 'error') return subscription.hole(seat);
    if (isOther) followList(table.replica, list);
    tune(stream, seat, wanted, subscription);
  });
}
