// Subscribing to a table: where the reader stands, and what it wants.

import { type Limits, type StreamName, type Subscribe, TrunklineError, type Tune } from '@trunkline/protocol';
import type { TableRuntime } from './app.js';
import type { Session } from './session.js';
import type { Opened } from './session-streams.js';
import type { Wishes } from './table-subscription.js';
import type { WatchLists } from './watch-list.js';

const NO_WISHES: Wishes = { rate: undefined, list: undefined, paused: false };

/** @throws TrunklineError `too_large` if the watch list, or the one before it, is too long */
export function checkTableRequest(request: Subscribe | Tune, { maxKeys }: Pick<Limits, 'maxKeys'>): void {
  const held = 'held' in request ? request.held : undefined;
  const longest = Math.max(request.keys?.length ?? 0, held?.length ?? 0);
  if (longest > maxKeys) {
    throw new TrunklineError('too_large', `the watch list has ${longest} keys, at most ${maxKeys} are allowed`);
  }
}

/** What is wanted from now on: `null` takes a bound back, what is not named stays as it is. */
export function wishesOf(
  lists: WatchLists,
  { rate, keys, paused }: Pick<Tune, 'rate' | 'keys' | 'paused'>,
  before = NO_WISHES,
): Wishes {
  return {
    rate: rate === undefined ? before.rate : (rate ?? undefined),
    list: keys === undefined ? before.list : keys === null ? undefined : lists.take(keys),
    paused: paused ?? before.paused,
  };
}

/** Rejects as the broker does. */
export async function openTable<Request>(
  session: Session<Request>,
  name: StreamName,
  channel: TableRuntime,
  request: Subscribe,
): Promise<Opened> {
  const { hub } = session.engine;
  const { after } = request;
  const table = await hub.openTable(name, session.engine.brokerOf(channel));
  if (after !== undefined && (after.epoch !== table.epoch || after.offset > table.head)) await table.compare();
  return {
    stream: table,
    begin: () => {
      const isHere = after?.epoch === table.epoch && after.offset <= table.head && after.offset >= table.floor;
      const from = isHere ? after.offset : 0;
      const cursor = hub.subscribeTable(table, session.outflow, wishesOf(hub.lists, request));
      return { cursor, from, start: () => cursor.start(from, isHere ? request.held : undefined) };
    },
  };
}
