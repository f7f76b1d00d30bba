// Subscribing to a log: where the cursor starts, and what the client is told if that place is gone.

import type { Tail } from '@trunkline/broker';
import { type Offset, type StreamName, type Subscribe, TrunklineError } from '@trunkline/protocol';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
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
export async function openLog<Request>(
  session: Session<Request>,
  name: StreamName,
  request: Subscribe,
): Promise<Opened> {
  const { hub } = session.engine;
  const stream = await hub.openLog(name);
  const look = await lookUp(stream, request);
  return {
    stream,
    begin: () => {
      const { from, gap } = startOf(stream, request, look);
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

/** What only the broker knows: the time of the entry at the client's position, and where the newest entries begin. */
interface Look {
  readonly at: number | undefined;
  readonly tail?: Tail;
}

/** Asks the broker what has to be known before the place can be chosen. */
async function lookUp(stream: ActiveStream, { after, last, most }: Subscribe): Promise<Look> {
  if (after === undefined) {
    // Entries that the ring does not hold may be trimmed by now: the newest that are kept are meant.
    if (stream.ring.back(last ?? 0) !== undefined) return { at: undefined };
    await stream.compare();
    return { at: undefined, tail: await stream.tail(0, last ?? 0) };
  }
  if (after.epoch !== stream.epoch || after.offset > stream.head) await stream.compare();
  const at = after.at === undefined || after.offset === 0 ? undefined : await stream.atOf(after.offset);
  const { offset } = after;
  const isOther = after.epoch !== stream.epoch || offset > stream.head || (at !== undefined && at !== after.at);
  if (isOther) {
    const page = last ?? DEFAULT_PAGE;
    return stream.back(page) === undefined ? { at, tail: await stream.tail(0, page) } : { at };
  }
  const isLong = most !== undefined && stream.head - offset > most;
  if (offset >= stream.floor && (!isLong || offset >= stream.ring.start)) return { at };
  return { at, tail: await stream.tail(offset, Math.min(most ?? 0, DEFAULT_PAGE)) };
}

function startOf(stream: ActiveStream, { after, last, most }: Subscribe, { at, tail }: Look): Start {
  const back = (entries: number) => {
    const { floor, head, ring } = stream;
    const asked = tail?.epoch === stream.epoch ? tail?.from : undefined;
    return Math.max(floor, Math.min(head, stream.back(entries) ?? asked ?? Math.min(ring.start, head - entries)));
  };
  if (after === undefined) return { from: back(last ?? 0) };
  const from = after.offset;
  const isRewritten = at !== undefined && at !== after.at;
  if (after.epoch !== stream.epoch || from > stream.head || isRewritten) {
    return { from, gap: { reason: 'epoch', to: back(last ?? DEFAULT_PAGE) } };
  }
  const { floor } = stream;
  // Of what is no longer kept nobody knows how much of it were records, unless there were none.
  const trimmed = from >= floor ? 0 : tail?.recordsTrimmed === 0 ? floor - from : undefined;
  if (most !== undefined && stream.head - from > most) {
    // Since the broker counted, entries may have been added, and some that it counted may have been trimmed.
    const { ring, head } = stream;
    const held = (after: Offset) => (after >= ring.start ? ring.entriesAfter(after) : undefined);
    const added = tail === undefined ? 0 : (held(tail.offset) ?? head - tail.offset);
    const counted = held(from) ?? (tail === undefined ? head - from : tail.after + added);
    const kept = Math.min(counted, head - Math.max(from, floor));
    const missed = kept + (trimmed ?? 0);
    if (missed > most) {
      const page = Math.min(most, DEFAULT_PAGE);
      const to = back(page);
      const shown = held(to) ?? (to > floor ? page + added : kept);
      const lost = trimmed === undefined ? undefined : missed - Math.min(shown, kept);
      return { from, gap: { reason: 'skipped', to, ...(lost === undefined ? {} : { lost }) } };
    }
  }
  if (from >= floor) return { from };
  return { from, gap: { reason: 'trimmed', to: floor, ...(trimmed === undefined ? {} : { lost: trimmed }) } };
}
