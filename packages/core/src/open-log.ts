// Subscribing to a log: where the cursor starts, and what the client is told if that place is gone.

import { type Offset, type Subscribe, TrunklineError } from '@trunkline/protocol';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
import type { Target } from './app.js';
import type { Session } from './session.js';
import type { Opened } from './session-streams.js';

/** Where a cursor starts, and the gap to announce first, if there is one. */
interface Start {
  readonly from: Offset;
  readonly gap?: { readonly reason: 'trimmed' | 'epoch' | 'skipped'; readonly to: Offset; readonly lost?: number };
}

/** @throws TrunklineError `invalid` */
export function checkLogRequest(
  { last = 0 }: Subscribe,
  { maxPageEntries }: { readonly maxPageEntries: number },
): void {
  if (last > maxPageEntries) {
    throw new TrunklineError('invalid', `last is ${last}, at most ${maxPageEntries} are allowed`);
  }
}

/** Rejects as the broker does. */
export async function openLog<Request>(session: Session<Request>, target: Target, request: Subscribe): Promise<Opened> {
  const { hub } = session.engine;
  const stream = await hub.openLog(target.name);
  const at = await lookUp(stream, request);
  return {
    stream,
    begin: () => {
      const { from, gap } = startOf(stream, request, at);
      const cursor = hub.subscribe(stream, session.outflow);
      return {
        cursor,
        from,
        start: () => {
          if (gap !== undefined) cursor.skip(gap.reason, gap.to, gap.lost);
          cursor.start(gap?.to ?? from);
        },
      };
    },
  };
}

/** What has to be asked of the broker before the place can be chosen. Gives the time of the entry at the client's position. */
async function lookUp(stream: ActiveStream, { after, last }: Subscribe): Promise<number | undefined> {
  const isElsewhere =
    after === undefined
      ? // Entries that the ring does not hold may be trimmed by now: the newest that are kept are meant.
        Math.max(stream.floor, stream.head - (last ?? 0)) < stream.ring.start
      : after.epoch !== stream.epoch || after.offset > stream.head;
  if (isElsewhere) await stream.compare();
  return after?.at === undefined || after.offset === 0 ? undefined : await stream.atOf(after.offset);
}

function startOf(stream: ActiveStream, { after, last, most }: Subscribe, at: number | undefined): Start {
  const back = (entries: number) => Math.max(stream.floor, stream.head - entries);
  if (after === undefined) return { from: back(last ?? 0) };
  const from = after.offset;
  const isRewritten = at !== undefined && at !== after.at;
  if (after.epoch !== stream.epoch || from > stream.head || isRewritten) {
    return { from, gap: { reason: 'epoch', to: back(last ?? DEFAULT_PAGE) } };
  }
  if (most !== undefined && stream.head - from > most) {
    const to = back(Math.min(most, DEFAULT_PAGE));
    return { from, gap: { reason: 'skipped', to, lost: to - from } };
  }
  if (from < stream.floor) return { from, gap: { reason: 'trimmed', to: stream.floor, lost: stream.floor - from } };
  return { from };
}
