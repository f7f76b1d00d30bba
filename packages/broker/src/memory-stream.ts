// One stream of the memory broker: its entries, what is known of its producers, its retention and its fence.
// Every method is synchronous and either changes everything it is about or throws before it changed anything.

import { type Epoch, type Offset, type Position, type StreamName, utf8Bytes } from '@trunkline/protocol';
import type {
  Appended,
  AppendOptions,
  Entry,
  NewEntry,
  Page,
  PageLimit,
  ProducerSeq,
  Retention,
  StreamState,
} from './broker.js';
import { FencedError, UnrecoverablePositionError } from './errors.js';
import type { Waiting } from './outbox.js';
import { ProducerMemory, type Remembered } from './producer-memory.js';

export class MemoryStream {
  head: Offset = 0;
  floor: Offset = 0;
  #fence = 0;
  #retain: Retention = {};
  /** How far somebody was told of it; `null`: nobody is to be told. */
  #done: Offset | null = null;
  /** Entry `offset` is at `offset - #base - 1`; those up to the floor are dead weight until half of the array is. */
  #entries: Entry[] = [];
  #base: Offset = 0;
  readonly #producers = new ProducerMemory();

  constructor(
    readonly name: StreamName,
    readonly epoch: Epoch,
  ) {}

  get state(): StreamState {
    return { epoch: this.epoch, offset: this.head, floor: this.floor };
  }

  /** Leaves it to the caller to `trim`. */
  append(entries: readonly NewEntry[], options: AppendOptions | undefined, nowMs: number): Appended[] {
    const fence = options?.fence;
    if (fence !== undefined && fence < this.#fence) throw new FencedError(this.name, fence, this.#fence);
    this.#producers.forget(nowMs);
    const repeats = this.#plan(entries);
    if (options?.after !== undefined && !repeats.has(0)) this.#producers.mustKnow(entries[0]?.source, options.after);
    if (fence !== undefined) this.#fence = fence;
    if (options?.retain !== undefined) this.#retain = { ...options.retain };
    if (options?.outbox === true) this.#done ??= this.head;
    const appended = entries.map((entry, index) => repeats.get(index) ?? this.#push(entry));
    for (const { source } of entries) if (source !== undefined) this.#producers.touch(source.producer, nowMs);
    return appended;
  }

  lookup(source: ProducerSeq): Remembered | null {
    return this.#producers.lookup(source);
  }

  /** The last `count` entries: what an append just stored. To be asked before `trim`, which may drop some of them. */
  newest(count: number): Entry[] {
    return this.#entries.slice(this.#entries.length - count);
  }

  read(after: Position, limit: PageLimit): Page {
    // `{epoch: null, offset: 0}` was before the first entry of any history, so it is before the first of this one.
    const known = after.epoch === this.epoch ? after.offset <= this.head : after.epoch === null && after.offset === 0;
    if (!known) throw new UnrecoverablePositionError(this.name, 'epoch', after, this.#oldest());
    if (after.offset < this.floor) throw new UnrecoverablePositionError(this.name, 'trimmed', after, this.#oldest());
    const from = after.offset - this.#base;
    let to = Math.min(from + limit.entries, this.#entries.length);
    if (limit.bytes !== undefined) to = from + fitting(this.#entries, from, to, 1, limit.bytes);
    return { ...this.state, entries: this.#entries.slice(from, to) };
  }

  readBack(before: Offset | undefined, limit: PageLimit): Page {
    const to = Math.min(before ?? Number.POSITIVE_INFINITY, this.head + 1) - 1 - this.#base;
    let from = Math.max(to - limit.entries, this.floor - this.#base);
    if (from >= to) return { ...this.state, entries: [] };
    if (limit.bytes !== undefined) from = to - fitting(this.#entries, to - 1, from - 1, -1, limit.bytes);
    return { ...this.state, entries: this.#entries.slice(from, to) };
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

  trim(nowMs: number): void {
    const { entries, ageMs } = this.#retain;
    // What somebody is still to be told of is kept.
    const most = this.#done ?? this.head;
    if (entries !== undefined) this.floor = Math.max(this.floor, Math.min(this.head - entries, most));
    if (ageMs !== undefined) {
      while (this.floor < most && this.#at(this.floor + 1) < nowMs - ageMs) this.floor += 1;
    }
    if (this.floor - this.#base > 16 && (this.floor - this.#base) * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.floor - this.#base);
      this.#base = this.floor;
    }
  }

  #at(offset: Offset): number {
    return this.#entries[offset - this.#base - 1]?.at ?? Number.POSITIVE_INFINITY;
  }

  #oldest(): Position {
    return { epoch: this.epoch, offset: this.floor };
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

  #push({ at, data, user, source }: NewEntry): Appended {
    this.head += 1;
    const offset = this.head;
    if (source === undefined) {
      this.#entries.push({ offset, at, data, user });
    } else {
      this.#entries.push({ offset, at, data, user, source: { producer: source.producer, seq: source.seq } });
      this.#producers.remember(source, offset, at);
    }
    return { offset, at, duplicate: false };
  }
}

/** How many entries from index `from` on, towards `end` in steps of `step`, fit into `bytes`; the first always does. */
function fitting(entries: readonly Entry[], from: number, end: number, step: 1 | -1, bytes: number): number {
  let left = bytes;
  let count = 0;
  for (let index = from; index !== end; index += step) {
    const entry = entries[index];
    if (entry === undefined) break;
    left -= entryBytes(entry);
    if (left < 0 && count > 0) break;
    count += 1;
  }
  return count;
}

/** What an entry counts for in `PageLimit.bytes`. */
export function entryBytes(entry: Pick<Entry, 'data' | 'user'>): number {
  return utf8Bytes(entry.data) + (entry.user === null ? 0 : utf8Bytes(entry.user));
}
