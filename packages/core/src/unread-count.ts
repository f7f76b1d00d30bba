// How many entries of a log somebody has not read: those after their mark that are kept, of others, up to 100. Records of amendments
// are no entries.

import type { Broker, Entry } from '@trunkline/broker';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';

/** Beyond 99 nobody counts. */
export const MAX_UNREAD = 99;

/** What counts of an entry. */
export interface CountedEntry {
  readonly offset: Offset;
  /** Id of the user who published it; `undefined`: the server. */
  readonly owner: string | undefined;
}

/** The entries of a page, without records. */
export function countedOf(entries: readonly Entry[]): CountedEntry[] {
  return entries.filter((entry) => entry.amends === undefined).map(({ offset, owner }) => ({ offset, owner }));
}

/** Where a count stands. */
export interface Counted {
  readonly epoch: Epoch | null;
  /** The log's head when it was counted. */
  readonly upTo: Offset;
  /** Entries after it were counted: the mark, or the log's floor. */
  readonly after: Offset;
  readonly floor: Offset;
  /** At most `MAX_UNREAD + 1`. */
  readonly count: number;
}

const PAGE = { entries: 500, bytes: 1_048_576 };

/** Of others, after the mark, up to 100: from the newest backwards. */
export function countBack(entries: readonly CountedEntry[], after: Offset, userId: string, begin = 0): number {
  let count = begin;
  for (let index = entries.length - 1; index >= 0 && count <= MAX_UNREAD; index -= 1) {
    const { offset, owner } = entries[index] as CountedEntry;
    if (offset <= after) break;
    if (owner !== userId) count += 1;
  }
  return count;
}

/**
 * Asks the broker. Reads as far back as it takes: who wrote much themselves has much behind them that does not count.
 * @param mark in `epoch`; in another one nothing is read. Rejects as the broker does.
 */
export async function countUnread(
  broker: Broker,
  log: StreamName,
  userId: string,
  mark: { readonly epoch: Epoch | null; readonly offset: Offset },
): Promise<Counted> {
  let page = await broker.readBack(log, undefined, PAGE);
  const { epoch, offset: upTo } = page;
  const from = mark.epoch === epoch ? mark.offset : 0;
  let count = 0;
  for (;;) {
    const after = Math.max(from, page.floor);
    count = countBack(countedOf(page.entries), after, userId, count);
    const [oldest] = page.entries;
    const isOver = oldest === undefined || oldest.offset - 1 <= after || count > MAX_UNREAD;
    if (isOver || page.epoch !== epoch) return { epoch, upTo, after, floor: page.floor, count };
    page = await broker.readBack(log, oldest.offset, PAGE);
  }
}
