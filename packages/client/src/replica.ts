// The replica of a log: which entries are here, and whether a slice continues them. Pure. Its entries are always
// contiguous: what a gap left behind is dropped with it, and can be read again from the server if it is kept there.

import type {
  After,
  Amendment,
  AmendRecord,
  Entries,
  Epoch,
  Gap,
  Item,
  Offset,
  Reactions,
  SubscribeOk,
} from '@trunkline/protocol';
import type { LogEntry } from './log-handle.js';

export type AnyEntry = LogEntry<unknown, unknown, Amendment>;
type AnyItem = Item | AmendRecord;

export interface Replica {
  readonly entries: readonly AnyEntry[];
  /** The cursor, and the history it is in; `null` before the stream's first entry. */
  readonly epoch: Epoch | null;
  readonly offset: Offset;
  /** The offset before the first of `entries`. */
  readonly from: Offset;
  /** Whether it ever had a place in the stream. */
  readonly placed: boolean;
  /** Whether the server, as last heard, keeps entries before the first one here. */
  hasOlder(): boolean;
  /** Where to resume; none in a stream that had no entry. */
  after(): After | undefined;
  /** Obeys the answer to a subscribe. Gives the gap that the answer itself is, if any. */
  place(ok: SubscribeOk): Pick<Gap, 'reason' | 'lost'> | undefined;
  /** `applied`: the cursor moved · `old`: it holds nothing new · `hole`: it does not continue what is here. */
  apply(slice: Entries): 'applied' | 'old' | 'hole';
  /** `false`: what the gap is about came on another way. */
  jump(gap: Gap): boolean;
  /** A page of what lies before the first entry is on its way: what happens to such entries has to be remembered. */
  expectOlder(): void;
  /** Puts the page before the first entry. `false`: it does not end there. */
  prepend(items: readonly AnyItem[], floor: Offset, head: Offset): boolean;
  /** Nobody looks: keeps what a new look begins with. */
  rest(last: number): void;
}

/**
 * @param maxEntries older ones are let go, except those that were asked for.
 * @param keyOf the key of an entry: that of the pending one it was, if it was ours.
 */
export function createReplica(maxEntries: number, keyOf: (item: Item, epoch: Epoch) => string): Replica {
  /** The offset before the oldest entry that the server keeps, as last heard. */
  let floor = 0;
  /** Entries that were asked for, beyond `maxEntries`. */
  let older = 0;
  /** The place asked for is not the one that was given: only a gap explains it. */
  let astray = false;
  /** By entry, the newest record of one that is not here, since a page that may have it was asked for. */
  const missed = new Map<Offset, AmendRecord>();
  let areMissed = false;

  const replica = {
    entries: [] as readonly AnyEntry[],
    epoch: null as Epoch | null,
    offset: 0,
    from: 0,
    placed: false,
    hasOlder: () => replica.placed && replica.from > floor,
    after(): After | undefined {
      const { epoch, offset, entries } = replica;
      const last = entries.at(-1);
      if (epoch === null) return undefined;
      return last?.offset === offset ? { epoch, offset, at: last.at } : { epoch, offset };
    },
    place(ok: SubscribeOk): Pick<Gap, 'reason' | 'lost'> | undefined {
      floor = ok.floor;
      if (replica.epoch !== null) {
        // While a line moves, the socket before brings entries after the place was asked for: it lies behind, or had no epoch yet.
        astray = (ok.epoch ?? replica.epoch) !== replica.epoch || ok.from > replica.offset;
        return undefined;
      }
      // A stream that was empty here and has a past now: what lies before `from` was missed, and no position could tell the server.
      const lost = replica.placed ? ok.from : 0;
      restart(ok.epoch, ok.from);
      return lost > 0 ? { reason: floor > 0 ? 'trimmed' : 'skipped', lost } : undefined;
    },
    apply(slice: Entries): 'applied' | 'old' | 'hole' {
      const { offset } = replica;
      const epoch = replica.epoch ?? slice.epoch;
      if (!epoch || astray || (slice.epoch ?? epoch) !== epoch) return 'hole';
      if (slice.from > offset || !isOrdered(slice.items, slice.from, slice.to)) return 'hole';
      if (slice.to <= offset) return 'old';
      const fresh = slice.items.filter((item) => item.offset > offset);
      replica.epoch = epoch;
      replica.offset = slice.to;
      replica.entries = replica.entries.concat(entriesOf(fresh, epoch));
      replica.entries = amended(replica.entries, fresh.filter(isRecord));
      keepNewest(maxEntries + older);
      return 'applied';
    },
    jump({ epoch, to, reason }: Gap): boolean {
      if (reason !== 'epoch' && epoch === replica.epoch && to <= replica.offset) return false;
      restart(epoch, to);
      if (reason !== 'skipped') floor = reason === 'trimmed' ? to : 0;
      return true;
    },
    expectOlder() {
      missed.clear();
      areMissed = true;
    },
    prepend(items: readonly AnyItem[], newFloor: Offset, head: Offset): boolean {
      const { epoch, from } = replica;
      // The floor may have passed what is shown; and if nothing came, nothing is there.
      floor = items.length > 0 ? Math.min(newFloor, from) : from;
      if (epoch === null || !isOrdered(items, floor, from)) return false;
      const page = entriesOf(items, epoch);
      older += page.length;
      // The page may have been read before what was amended since then.
      const late = [...missed.values()].filter(({ offset }) => offset > head);
      replica.entries = amended(page, late).concat(replica.entries);
      replica.from = (items[0]?.offset ?? from + 1) - 1;
      return true;
    },
    rest(last: number) {
      older = 0;
      keepNewest(last);
    },
  };
  return replica;

  function restart(epoch: Epoch | null, offset: Offset): void {
    replica.placed = true;
    replica.epoch = epoch;
    replica.offset = offset;
    replica.from = offset;
    replica.entries = [];
    older = 0;
    astray = false;
  }

  function keepNewest(count: number): void {
    const { entries, offset } = replica;
    if (entries.length <= count) return;
    replica.entries = entries.slice(entries.length - count);
    replica.from = (replica.entries[0]?.offset ?? offset + 1) - 1;
  }

  function entriesOf(items: readonly AnyItem[], epoch: Epoch): AnyEntry[] {
    const entries = items.filter((item): item is Item => !isRecord(item));
    return entries.map((item) => presentEntry(item, keyOf(item, epoch), item));
  }

  /** The entries as records say they are; the same list if those are about others. */
  function amended(entries: readonly AnyEntry[], records: readonly AmendRecord[]): readonly AnyEntry[] {
    let result: AnyEntry[] | undefined;
    for (const record of records) {
      const { amends } = record;
      if (amends.data === undefined) continue;
      const index = entries.findLastIndex(({ offset }) => offset === amends.offset);
      const entry = entries[index];
      if (entry) {
        result ??= [...entries];
        result[index] = presentEntry(entry, entry.key, amends);
      } else if (areMissed) missed.set(amends.offset, record);
    }
    return result ?? entries;
  }
}

const NO_REACTIONS: Reactions = {};
export const isRecord = (item: AnyItem): item is AmendRecord => item.amends !== undefined;

/** @param now what of it can change */
export function presentEntry(
  { offset, at, user }: Pick<Item | AnyEntry, 'offset' | 'at' | 'user'>,
  key: string,
  { data, editedAt, deletedAt, reactions = NO_REACTIONS }: Partial<Item> | AmendRecord['amends'],
): AnyEntry {
  const now = deletedAt === undefined ? { data, deletedAt } : { data: undefined, deletedAt };
  return { key, offset, at, user, editedAt, reactions, ...now };
}

/** Whether the items lie in `(from, to]`, each after the one before it. */
function isOrdered(items: readonly AnyItem[], from: Offset, to: Offset): boolean {
  let before = from;
  for (const { offset } of items) {
    if (offset <= before || offset > to) return false;
    before = offset;
  }
  return from <= to;
}
