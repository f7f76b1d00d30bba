// One stream of the memory broker: its entries, what is known of its producers, its retention and its fence.
// Every method is synchronous and either changes everything it is about or throws before it changed anything.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { Amendment, Amends, Tail } from './amendments.js';
import type {
  Appended,
  AppendOptions,
  Entry,
  NewEntry,
  Page,
  PageLimit,
  ProducerSeq,
  Retention,
  Seek,
  StreamState,
} from './broker.js';
import { entryBytes, keptBytes } from './entry-bytes.js';
import { AmendConflictError, FencedError, UnrecoverablePositionError } from './errors.js';
import type { Waiting } from './outbox.js';
import { ProducerMemory, type Remembered } from './producer-memory.js';
import { lastOffsetWithin, RecordCount } from './record-count.js';
import { isFound, type SearchPage, type SearchQuery, wordsIn } from './search.js';
import { wordsOf } from './words.js';

export class MemoryStream {
  head: Offset = 0;
  floor: Offset = 0;
  #fence = 0;
  #retain: Retention = {};
  /** What the kept entries count for; `null` while nobody wants to know. */
  #bytes: number | null = null;
  /** How far somebody was told of it; `null`: nobody is to be told. */
  #done: Offset | null = null;
  /** By offset, with holes where records were erased; the first `#gone` are up to the floor, and dead weight until half of the array is. */
  #entries: Entry[] = [];
  #gone = 0;
  readonly #producers = new ProducerMemory();
  readonly #records = new RecordCount();

  constructor(
    readonly name: StreamName,
    readonly epoch: Epoch,
  ) {}

  get state(): StreamState {
    return { epoch: this.epoch, offset: this.head, floor: this.floor };
  }

  /** Leaves it to the caller to `trim`. */
  append(entries: readonly NewEntry[], options: AppendOptions | undefined, nowMs: number): Appended[] {
    const repeats = this.#admit(entries, options, nowMs);
    const fence = options?.fence;
    if (fence !== undefined) this.#fence = fence;
    if (options?.retain !== undefined) this.#retains({ ...options.retain });
    if (options?.outbox === true) this.#done ??= this.head;
    const appended = entries.map((entry, index) => repeats.get(index) ?? this.#push(entry));
    for (const { source } of entries) if (source !== undefined) this.#producers.touch(source.producer, nowMs);
    return appended;
  }

  /** Leaves it to the caller to `trim`. */
  amend(
    amendment: Amendment,
    options: Pick<AppendOptions, 'fence' | 'after' | 'outbox'> | undefined,
    nowMs: number,
  ): Appended & { readonly changed: boolean } {
    const repeat = this.#admit([amendment], options, nowMs).get(0);
    const { offset, expects, data, state, source, at } = amendment;
    if (source !== undefined && repeat !== undefined) this.#producers.touch(source.producer, nowMs);
    if (repeat !== undefined) return { ...repeat, changed: false };
    const entry = this.#find(offset);
    if (entry === undefined || entry.amends !== undefined) {
      throw new AmendConflictError(this.name, offset, expects, null);
    }
    const newest = entry.amended?.offset ?? 0;
    if (newest !== expects) throw new AmendConflictError(this.name, offset, expects, newest);
    if (options?.fence !== undefined) this.#fence = options.fence;
    if (options?.outbox === true) this.#done ??= this.head;
    const changed = data !== entry.data || state !== (entry.amended?.state ?? '{}');
    const place = changed ? this.head + 1 : newest || offset;
    if (changed) {
      if (this.#bytes !== null) this.#bytes += keptBytes({ ...entry, data }) - keptBytes(entry);
      // The old object is in pages that were read before: it stays as it was.
      this.#entries[this.#countUpTo(offset) - 1] = { ...entry, data, amended: { offset: place, state } };
      this.#push({ ...amendment, data: 'null' }, { offset });
      this.#records.add(place);
      if (newest > 0) this.#erase(newest);
    } else if (source !== undefined) this.#producers.remember(source, place, at);
    if (source !== undefined) this.#producers.touch(source.producer, nowMs);
    return { offset: place, at, duplicate: false, changed };
  }

  tail(after: Offset, count: number): Tail {
    const { entriesUpTo } = this.#records;
    const total = entriesUpTo(this.head);
    return {
      ...this.state,
      from: lastOffsetWithin(total - count, this.floor, this.head, entriesUpTo),
      after: total - entriesUpTo(Math.min(Math.max(after, this.floor), this.head)),
      recordsTrimmed: this.floor - entriesUpTo(this.floor),
    };
  }

  lookup(source: ProducerSeq): Remembered | null {
    return this.#producers.lookup(source);
  }

  /** The last `count` entries: what an append just stored. To be asked before `trim`, which may drop some of them. */
  newest(count: number): Entry[] {
    return this.#shown(this.#entries.slice(this.#entries.length - count));
  }

  read(after: Position, limit: PageLimit): Page {
    // `{epoch: null, offset: 0}` was before the first entry of any history, so it is before the first of this one.
    const known = after.epoch === this.epoch ? after.offset <= this.head : after.epoch === null && after.offset === 0;
    if (!known) throw new UnrecoverablePositionError(this.name, 'epoch', after, this.#oldest());
    if (after.offset < this.floor) throw new UnrecoverablePositionError(this.name, 'trimmed', after, this.#oldest());
    const { entriesUpTo } = this.#records;
    const to = lastOffsetWithin(entriesUpTo(after.offset) + limit.entries, after.offset, this.head, entriesUpTo);
    const shown = this.#shown(this.#between(after.offset, to), limit.entriesOnly);
    return { ...this.state, entries: shown.slice(0, fitting(shown, limit.bytes)) };
  }

  readBack(before: Offset | undefined, limit: PageLimit): Page {
    const to = Math.min(before ?? Number.POSITIVE_INFINITY, this.head + 1) - 1;
    if (to <= this.floor) return { ...this.state, entries: [] };
    const { entriesUpTo } = this.#records;
    const from = lastOffsetWithin(entriesUpTo(to) - limit.entries, this.floor, to, entriesUpTo);
    const shown = this.#shown(this.#between(from, to), limit.entriesOnly);
    return { ...this.state, entries: shown.slice(shown.length - fitting(shown.toReversed(), limit.bytes)) };
  }

  /** What waits in the outbox, or `null`. */
  waiting(): Waiting | null {
    const { name: stream, epoch, head } = this;
    const done = this.#done ?? head;
    return done === head ? null : { stream, epoch, done, head, oldestAt: this.#at(done + 1) };
  }

  settle({ epoch, offset }: Position): void {
    if (this.#done === null || epoch !== this.epoch) return;
    this.#done = Math.max(this.#done, Math.min(offset, this.head));
  }

  seek(at: number): Seek {
    let [from, to] = [this.floor, this.head];
    while (from < to) {
      const middle = Math.ceil((from + to) / 2);
      if (this.#at(middle) < at) from = middle;
      else to = middle - 1;
    }
    return { ...this.state, from };
  }

  search({ fields, text, before = this.head + 1, limit, bytes }: SearchQuery): SearchPage {
    const wanted = wordsOf(text);
    const found: Entry[] = [];
    const place = wanted.length === 0 ? this.floor : Math.min(before - 1, this.head);
    for (const entry of this.#between(this.floor, place).reverse()) {
      if (found.length > limit) break;
      if (entry.amends !== undefined) continue;
      if (isFound(wordsIn(entry.data, fields), wanted)) found.push(entry);
    }
    const entries = found.slice(0, Math.min(limit, fitting(found, bytes)));
    return { ...this.state, entries, more: entries.length < found.length };
  }

  trim(nowMs: number): void {
    const { entries, ageMs, bytes } = this.#retain;
    // What somebody is still to be told of is kept.
    const most = this.#done ?? this.head;
    const { entriesUpTo } = this.#records;
    if (entries !== undefined && this.head - this.floor > entries) {
      const target = lastOffsetWithin(entriesUpTo(this.head) - entries, this.floor, this.head, entriesUpTo);
      while (this.floor < Math.min(target, most) && this.#drop(most));
    }
    if (ageMs !== undefined) {
      while (this.floor < most && this.#at(this.floor + 1) < nowMs - ageMs && this.#drop(most));
    }
    if (bytes !== undefined && this.#bytes !== null && this.#bytes > bytes) {
      const newest = lastOffsetWithin(entriesUpTo(this.head) - 1, this.floor, this.head, entriesUpTo);
      while (this.floor < Math.min(newest, most) && this.#bytes > bytes && this.#drop(most));
    }
    this.#records.trim(this.floor);
    if (this.#gone > 16 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#gone = 0;
    }
  }

  #retains(retain: Retention): void {
    this.#retain = retain;
    if (retain.bytes === undefined) this.#bytes = null;
    else this.#bytes ??= this.#entries.slice(this.#gone).reduce((sum, one) => sum + keptBytes(one), 0);
  }

  /** The oldest item goes, with the hole behind it: what is kept begins right after the floor. `false`: that hole is still to be told of. */
  #drop(most: Offset): boolean {
    const oldest = this.#entries[this.#gone];
    const floor = (this.#entries[this.#gone + 1]?.offset ?? this.head + 1) - 1;
    if (oldest === undefined || floor > most) return false;
    if (this.#bytes !== null) this.#bytes -= keptBytes(oldest);
    this.#gone += 1;
    this.floor = floor;
    return true;
  }

  /** A record says nothing any more. It goes if there is one on either side of it: those tell where entries are, and where the run ends. */
  #erase(offset: Offset): void {
    const index = this.#countUpTo(offset) - 1;
    const [before, record, behind] = this.#entries.slice(index - 1, index + 2);
    if (index <= this.#gone || record?.offset !== offset) return;
    if (before?.amends === undefined || behind?.amends === undefined) return;
    this.#entries.splice(index, 1);
    this.#records.erase(offset);
  }

  /** Of the item there, or of the next one where there is none. */
  #at(offset: Offset): number {
    return this.#entries[this.#countUpTo(offset - 1)]?.at ?? Number.POSITIVE_INFINITY;
  }

  #find(offset: Offset): Entry | undefined {
    const item = offset > this.floor ? this.#entries[this.#countUpTo(offset) - 1] : undefined;
    return item?.offset === offset ? item : undefined;
  }

  /** Items in `(from, to]`. */
  #between(from: Offset, to: Offset): Entry[] {
    return this.#entries.slice(this.#countUpTo(from), this.#countUpTo(to));
  }

  /** Items up to an offset that are in the array. */
  #countUpTo(offset: Offset): number {
    let [low, high] = [0, this.#entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #oldest(): Position {
    return { epoch: this.epoch, offset: this.floor };
  }

  /** As they are told: a record with what its entry is now, if it is the newest. */
  #shown(items: readonly Entry[], entriesOnly = false): Entry[] {
    const kept = entriesOnly ? items.filter(({ amends }) => amends === undefined) : items;
    return kept.map((item) =>
      item.amends === undefined ? item : { ...item, amends: this.#amendsOf(item, item.amends) },
    );
  }

  #amendsOf(record: Entry, { offset }: Amends): Amends {
    const entry = this.#find(offset);
    if (entry?.amended?.offset !== record.offset) return { offset };
    return { offset, data: entry.data, state: entry.amended.state };
  }

  /** Gives the repeats by index. Throws what `append` and `amend` are refused with, before anything has changed. */
  #admit(
    entries: readonly NewEntry[],
    options: Pick<AppendOptions, 'fence' | 'after' | 'outbox'> | undefined,
    nowMs: number,
  ): Map<number, Appended> {
    const fence = options?.fence;
    if (fence !== undefined && fence < this.#fence) throw new FencedError(this.name, fence, this.#fence);
    this.#producers.forget(nowMs);
    const repeats = this.#plan(entries);
    if (options?.after !== undefined && !repeats.has(0)) this.#producers.mustKnow(entries[0]?.source, options.after);
    return repeats;
  }

  /** Repeats by index; everything else is new. Throws when an entry may not be stored, before anything is. */
  #plan(entries: readonly NewEntry[]): Map<number, Appended> {
    const repeats = new Map<number, Appended>();
    const last = new Map<string, number>();
    for (const [index, { source }] of entries.entries()) {
      if (source === undefined) continue;
      const stored = this.#producers.admit(this.name, source, last.get(source.producer));
      if (stored === null) last.set(source.producer, source.seq);
      else repeats.set(index, { ...stored, duplicate: true });
    }
    return repeats;
  }

  #push({ at, data, user, owner, source }: NewEntry, amends?: Amends): Appended {
    this.head += 1;
    const offset = this.head;
    const entry: { -readonly [Field in keyof Entry]: Entry[Field] } = { offset, at, data, user };
    if (owner !== undefined) entry.owner = owner;
    if (amends !== undefined) entry.amends = amends;
    if (source !== undefined) {
      entry.source = { producer: source.producer, seq: source.seq };
      this.#producers.remember(source, offset, at);
    }
    this.#entries.push(entry);
    if (this.#bytes !== null) this.#bytes += keptBytes(entry);
    return { offset, at, duplicate: false };
  }
}

/** How many of the entries fit into `bytes`; the first always does. */
function fitting(entries: readonly Entry[], bytes = Number.POSITIVE_INFINITY): number {
  let left = bytes;
  let count = 0;
  for (const entry of entries) {
    left -= entryBytes(entry);
    if (left < 0 && count > 0) break;
    count += 1;
  }
  return count;
}
