// The replica of a log: which entries are here, and whether a slice continues them. Pure. Its entries are always
// contiguous: what a gap left behind is dropped with it, and can be read again from the server if it is kept there.

import type { After, Entries, Epoch, Gap, Item, Offset, SubscribeOk } from '@trunkline/protocol';
import type { LogEntry } from './log-handle.js';

export type AnyEntry = LogEntry<unknown, unknown>;

export class Replica {
  entries: readonly AnyEntry[] = [];
  /** The cursor, and the history it is in; `null` before the stream's first entry. */
  epoch: Epoch | null = null;
  offset: Offset = 0;
  /** The offset before the first of `entries`. */
  from: Offset = 0;
  /** The offset before the oldest entry that the server keeps, as last heard. */
  floor: Offset = 0;
  /** Whether it ever had a place in the stream. */
  placed = false;
  /** Entries that were asked for, beyond `maxEntries`. */
  #older = 0;
  /** The place asked for is not the one that was given: only a gap explains it. */
  #astray = false;

  readonly #maxEntries: number;
  /** The key of an entry: that of the pending one it was, if it was ours. */
  readonly #keyOf: (item: Item, epoch: Epoch) => string;

  constructor(maxEntries: number, keyOf: (item: Item, epoch: Epoch) => string) {
    this.#maxEntries = maxEntries;
    this.#keyOf = keyOf;
  }

  get hasOlder(): boolean {
    return this.placed && this.from > this.floor;
  }

  /** Where to resume; none in a stream that had no entry. */
  get after(): After | undefined {
    if (this.epoch === null) return undefined;
    const last = this.entries.at(-1);
    const position = { epoch: this.epoch, offset: this.offset };
    return last?.offset === this.offset ? { ...position, at: last.at } : position;
  }

  /** Obeys the answer to a subscribe. Gives the gap that the answer itself is, if any. */
  place(ok: SubscribeOk): Pick<Gap, 'reason' | 'lost'> | undefined {
    this.floor = ok.floor;
    if (this.epoch !== null) {
      this.#astray = ok.epoch !== this.epoch || ok.from !== this.offset;
      return undefined;
    }
    // A stream that was empty here and has a past now: what lies before `from` was missed, and no position could tell the server.
    const missed = this.placed ? ok.from : 0;
    this.placed = true;
    this.#restart(ok.epoch, ok.from);
    if (missed === 0) return undefined;
    return { reason: ok.floor > 0 ? 'trimmed' : 'skipped', lost: missed };
  }

  /** `applied`: the cursor moved · `old`: it holds nothing new · `hole`: it does not continue what is here. */
  apply(slice: Entries): 'applied' | 'old' | 'hole' {
    const epoch = this.epoch ?? slice.epoch;
    if (!epoch || this.#astray || (slice.epoch ?? epoch) !== epoch) return 'hole';
    if (slice.from > this.offset || !isOrdered(slice.items, slice.from, slice.to)) return 'hole';
    if (slice.to <= this.offset) return 'old';
    const fresh = slice.items.filter((item) => item.offset > this.offset).map((item) => this.#entry(item, epoch));
    this.epoch = epoch;
    this.offset = slice.to;
    if (fresh.length > 0) this.entries = this.entries.concat(fresh);
    this.#keepNewest(this.#maxEntries + this.#older);
    return 'applied';
  }

  jump(gap: Gap): void {
    this.placed = true;
    this.#restart(gap.epoch, gap.to);
    if (gap.reason === 'trimmed') this.floor = gap.to;
    if (gap.reason === 'epoch') this.floor = 0;
  }

  /** Puts a page before the first entry. `false`: it does not end there. */
  prepend(items: readonly Item[], floor: Offset): boolean {
    const { epoch } = this;
    // The floor may have passed what is shown.
    this.floor = Math.min(floor, this.from);
    if (epoch === null || !isOrdered(items, this.floor, this.from)) return false;
    if (items.length === 0) {
      this.floor = this.from;
      return true;
    }
    this.#older += items.length;
    this.entries = items.map((item) => this.#entry(item, epoch)).concat(this.entries);
    this.from = (this.entries[0]?.offset ?? 1) - 1;
    return true;
  }

  /** Nobody looks: keeps what a new look begins with. */
  rest(last: number): void {
    this.#older = 0;
    this.#keepNewest(last);
  }

  #restart(epoch: Epoch | null, offset: Offset): void {
    this.epoch = epoch;
    this.offset = offset;
    this.from = offset;
    this.entries = [];
    this.#older = 0;
    this.#astray = false;
  }

  #keepNewest(count: number): void {
    if (this.entries.length <= count) return;
    this.entries = this.entries.slice(this.entries.length - count);
    this.from = (this.entries[0]?.offset ?? this.offset + 1) - 1;
  }

  #entry(item: Item, epoch: Epoch): AnyEntry {
    return { key: this.#keyOf(item, epoch), offset: item.offset, at: item.at, user: item.user, data: item.data };
  }
}

/** Whether the items lie in `(from, to]`, each after the one before it. */
function isOrdered(items: readonly Item[], from: Offset, to: Offset): boolean {
  let before = from;
  for (const { offset } of items) {
    if (offset <= before || offset > to) return false;
    before = offset;
  }
  return from <= to;
}
