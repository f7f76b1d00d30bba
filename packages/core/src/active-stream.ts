// A stream that somebody on this node watches: its ring, its subscribers, and the flush that moves those at the head.
// It trusts the broker's notifications only as far as they join up: a hole is read again, another epoch is loaded anew.

import {
  type Advance,
  type Broker,
  BrokerUnavailableError,
  type Entry,
  type Page,
  UnrecoverablePositionError,
  type Watch,
} from '@trunkline/broker';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import { Ring } from './ring.js';
import { encodeItem, encodeSlices, type Slice } from './slice.js';
import type { Subscription } from './subscription.js';

/** Entries that a cursor without a usable position starts back from the head. */
export const DEFAULT_PAGE = 50;
const READ_LIMIT = { entries: 500, bytes: 65_536 };

/** What a flush serves. */
export interface Flushable {
  readonly name: StreamName;
  /** Whether all that were due had their turn. */
  flush(mayGoOn: () => boolean): boolean;
}

export interface StreamHost {
  readonly broker: Broker;
  /** Bytes of encoded entries that a stream keeps at hand. */
  readonly ringBytes: number;
  /** There is something new to flush. */
  dirty(stream: Flushable): void;
  failed(stream: { readonly name: StreamName }, error: unknown): void;
}

export class ActiveStream {
  epoch: Epoch | null = null;
  /** As far as is known: a broker trims without saying so, and each page that is read tells. */
  floor: Offset = 0;
  ring: Ring;
  /** True while the history is (re)loaded: nobody is served, notifications wait. */
  loading = true;
  readonly subscriptions = new Set<Subscription>();
  /** Members have all that was flushed. */
  readonly #group: Subscription[] = [];
  readonly #reads = new Map<Offset, Promise<readonly Slice[]>>();
  #watch: Watch | null = null;
  #waiting: Advance[] = [];
  /** The head that notifications speak of, when the ring is behind it. */
  #wanted: Offset = 0;
  #isFilling = false;
  #filled: Promise<void> = Promise.resolve();
  #loaded: Promise<void> = Promise.resolve();
  #loadFailed = false;
  #closed = false;
  /** Who is next in the running pass, which walks from the end of the group to its start; -1 between passes. */
  #passIndex = -1;
  /** The head when the running pass began. */
  #passEnd: Offset = 0;

  constructor(
    readonly number: number,
    readonly name: StreamName,
    private readonly host: StreamHost,
  ) {
    this.ring = new Ring(0, host.ringBytes);
  }

  get head(): Offset {
    return this.ring.end;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Whether loading ended in a failure and waits for `retry`. */
  get isBroken(): boolean {
    return this.#loadFailed;
  }

  /** Watches, and loads the newest entries into the ring. Rejects as the broker does. */
  async open(): Promise<void> {
    const watch = await this.host.broker.watch(this.name, (advance) => this.#onAdvance(advance));
    if (this.#closed) return watch.close();
    this.#watch = watch;
    this.#loaded = this.#load();
    await this.#loaded;
  }

  /** Resolves when the history is loaded, or the stream was closed. Rejects as the broker does. */
  async ready(): Promise<void> {
    while (this.loading && !this.#closed) {
      if (this.#loadFailed) this.#startLoading();
      await this.#loaded;
    }
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
  }

  join(subscription: Subscription): void {
    subscription.groupIndex = this.#group.length;
    this.#group.push(subscription);
  }

  leave(subscription: Subscription): void {
    const index = subscription.groupIndex;
    if (index === -1) return;
    subscription.groupIndex = -1;
    const last = this.#group.pop();
    if (last !== undefined && last !== subscription) {
      // The pass walks downwards, so whoever moves into this place was served already or will be met again.
      this.#group[index] = last;
      last.groupIndex = index;
    }
  }

  /** Slices over the ring from `cursor`, which must lie in it. */
  ringSlices(cursor: Offset): readonly Slice[] {
    return this.ring.slicesFrom(cursor, this.number, this.epoch);
  }

  /** One page after `cursor` from the broker. Equal reads in flight are one read, and its slices are encoded once. */
  readSlices(cursor: Offset): Promise<readonly Slice[]> {
    const known = this.#reads.get(cursor);
    if (known !== undefined) return known;
    const { epoch } = this;
    const read = this.host.broker
      .read(this.name, { epoch, offset: cursor }, READ_LIMIT)
      .then((page) => {
        this.#learnFloor(page);
        return encodeSlices(this.number, epoch, cursor, page.entries.map(encodeItem));
      })
      .finally(() => {
        if (this.#reads.get(cursor) === read) this.#reads.delete(cursor);
      });
    this.#reads.set(cursor, read);
    return read;
  }

  /**
   * Asks the broker where the stream really is. For a position that makes no sense here: it may come from another node, or
   * from an answer to a publish, and be ahead of what was announced. Rejects as the broker does.
   */
  async compare(): Promise<void> {
    const page = await this.host.broker.readBack(this.name, undefined, { entries: 1 });
    if (!this.loading && page.epoch !== this.epoch) this.reload();
    await this.ready();
    if (page.epoch !== this.epoch) return;
    this.#learnFloor(page);
    if (page.offset <= this.head) return;
    await this.#fill(page.offset);
    await this.ready();
    if (page.epoch === this.epoch && page.offset > this.head)
      throw new BrokerUnavailableError('the store did not answer');
  }

  /** Server time of the entry at `offset`; `undefined` if it is not kept. */
  async atOf(offset: Offset): Promise<number | undefined> {
    const held = this.ring.atOf(offset);
    if (held !== undefined || offset <= this.floor) return held;
    const page = await this.host.broker.readBack(this.name, offset + 1, { entries: 1 });
    const entry = page.entries[0];
    return entry?.offset === offset ? entry.at : undefined;
  }

  /** Serves members of the group until all are, or `mayGoOn()` says no. Whether all have everything: else call again. */
  flush(mayGoOn: () => boolean): boolean {
    if (this.loading) return true;
    if (this.#passIndex < 0) {
      this.#passIndex = this.#group.length - 1;
      this.#passEnd = this.ring.end;
    }
    while (this.#passIndex >= 0) {
      // leave() may have shortened the group below the place where the pass stood.
      const subscription = this.#group[this.#passIndex];
      this.#passIndex -= 1;
      if (subscription !== undefined && subscription.cursor < this.ring.end) this.#serve(subscription);
      if (!mayGoOn()) break;
    }
    // What came while the pass was interrupted has not reached those who were served first.
    return this.#passIndex < 0 && this.#passEnd === this.ring.end;
  }

  #serve(subscription: Subscription): void {
    const { cursor } = subscription;
    if (cursor >= this.ring.start && subscription.deliver(this.ringSlices(cursor))) return;
    this.leave(subscription);
    subscription.catchUp();
  }

  /** Somebody found another history than the one held: load it anew, and tell everyone. */
  reload(): void {
    if (this.loading || this.#closed) return;
    this.loading = true;
    this.#startLoading();
  }

  #startLoading(): void {
    this.#loadFailed = false;
    this.#loaded = this.#load();
    this.#loaded.catch((error) => {
      this.#loadFailed = true;
      this.host.failed(this, error);
    });
  }

  /** Called now and then: goes on with what a failing broker interrupted. */
  retry(): void {
    if (this.#loadFailed) return this.#startLoading();
    if (this.#wanted > this.ring.end) void this.#fill(this.#wanted);
    for (const subscription of this.subscriptions) subscription.catchUp();
  }

  async #load(): Promise<void> {
    const page = await this.host.broker.readBack(this.name, undefined, {
      entries: 1_000,
      bytes: this.host.ringBytes / 2,
    });
    if (this.#closed) return;
    const before = this.epoch;
    this.epoch = page.epoch;
    this.floor = page.floor;
    this.ring = new Ring(page.offset - page.entries.length, this.host.ringBytes);
    for (const entry of page.entries) this.ring.push(encodeItem(entry));
    this.#reads.clear();
    this.#wanted = this.ring.end;
    this.#passIndex = -1;
    this.loading = false;
    // A cursor of a stream that was never written is before the first entry of whatever history follows: nothing is lost.
    const isOther = before !== null && before !== this.epoch;
    for (const subscription of this.subscriptions) {
      this.leave(subscription);
      if (isOther) subscription.rewind();
      subscription.catchUp();
    }
    for (const advance of this.#waiting.splice(0)) {
      this.#onAdvance(advance);
      // Another history: the load that begins now comes after all that waits here was stored.
      if (this.loading) return;
    }
  }

  #onAdvance(advance: Advance): void {
    if (this.#closed) return;
    if (this.loading) return this.#wait(advance);
    if (advance.epoch !== this.epoch) {
      if (this.epoch !== null || advance.from !== 0) {
        this.reload();
        return;
      }
      // First entry ever: the slice that starts at 0 tells the subscribers the epoch.
      this.epoch = advance.epoch;
    }
    if (advance.to <= this.ring.end) return;
    if (advance.entries === undefined || advance.from > this.ring.end) void this.#fill(advance.to);
    else this.#push(advance.entries);
  }

  /** Without the data, and neighbours as one: a broker that is slow to load must not cost memory for each append. */
  #wait({ stream, epoch, from, to }: Advance): void {
    const last = this.#waiting.at(-1);
    if (last?.epoch !== epoch) this.#waiting.push({ stream, epoch, from, to });
    else this.#waiting.splice(-1, 1, { stream, epoch, from: Math.min(from, last.from), to: Math.max(to, last.to) });
  }

  #push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.offset === this.ring.end + 1) this.ring.push(encodeItem(entry));
    }
    this.host.dirty(this);
  }

  #learnFloor(page: Page): void {
    if (page.epoch === this.epoch) this.floor = Math.max(this.floor, page.floor);
  }

  /** Reads on from the ring's end up to `to`: a notification was missing, or came without its data. Never rejects. */
  #fill(to: Offset): Promise<void> {
    this.#wanted = Math.max(this.#wanted, to);
    if (!this.#isFilling) this.#filled = this.#fillUp();
    return this.#filled;
  }

  async #fillUp(): Promise<void> {
    this.#isFilling = true;
    try {
      while (!this.#closed && !this.loading && this.ring.end < this.#wanted) {
        const { epoch } = this;
        const page = await this.host.broker.read(this.name, { epoch, offset: this.ring.end }, READ_LIMIT);
        if (epoch !== this.epoch || this.loading) continue;
        this.#learnFloor(page);
        // Nothing there although it was announced: another history. What is announced is stored.
        if (page.entries.length === 0 && this.ring.end < this.#wanted) return this.reload();
        this.#push(page.entries);
      }
    } catch (error) {
      if (error instanceof UnrecoverablePositionError) this.reload();
      else this.host.failed(this, error);
    } finally {
      // At once, not a few microtasks later: a hole that is noticed in between must not be passed over.
      this.#isFilling = false;
    }
  }
}
