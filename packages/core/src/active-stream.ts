// A stream that somebody on this node watches: its ring, its subscribers, and the flush that moves those at the head.
// It trusts the broker's notifications only as far as they join up: a hole is read again, another epoch is loaded anew.

import { type Advance, type Broker, type Entry, UnrecoverablePositionError, type Watch } from '@trunkline/broker';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import { Ring } from './ring.js';
import { encodeItem, encodeSlices, type Slice } from './slice.js';
import type { Subscription } from './subscription.js';

/** Entries that a cursor without a usable position starts back from the head. */
export const DEFAULT_PAGE = 50;
const READ_LIMIT = { entries: 500, bytes: 65_536 };

export interface StreamHost {
  readonly broker: Broker;
  /** Bytes of encoded entries that a stream keeps at hand. */
  readonly ringBytes: number;
  /** There is something new to flush. */
  dirty(stream: ActiveStream): void;
  failed(stream: ActiveStream, error: unknown): void;
}

export class ActiveStream {
  epoch: Epoch | null = null;
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
  #filling = false;
  #loadFailed = false;
  #closed = false;
  /** Where the running pass is: it walks from the end of the group to its start. */
  #passIndex = -1;

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

  /** Watches, and loads the newest entries into the ring. Rejects as the broker does. */
  async open(): Promise<void> {
    const watch = await this.host.broker.watch(this.name, (advance) => this.#onAdvance(advance));
    if (this.#closed) return watch.close();
    this.#watch = watch;
    await this.#load();
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
      .then((page) => encodeSlices(this.number, epoch, cursor, page.entries.map(encodeItem)))
      .finally(() => this.#reads.delete(cursor));
    this.#reads.set(cursor, read);
    return read;
  }

  /** Server time of the entry at `offset`; `undefined` if it is not kept. */
  async atOf(offset: Offset): Promise<number | undefined> {
    const held = this.ring.atOf(offset);
    if (held !== undefined || offset <= this.floor) return held;
    const page = await this.host.broker.readBack(this.name, offset + 1, { entries: 1 });
    const entry = page.entries[0];
    return entry?.offset === offset ? entry.at : undefined;
  }

  /** Whether all of the present pass was served before `mayGoOn()` said no. Call again to continue. */
  flush(mayGoOn: () => boolean): boolean {
    if (this.loading) return true;
    if (this.#passIndex < 0) this.#passIndex = this.#group.length - 1;
    for (; this.#passIndex >= 0; this.#passIndex--) {
      // leave() may have shortened the group below the place where the pass stood.
      const subscription = this.#group[this.#passIndex];
      if (subscription !== undefined && subscription.cursor < this.ring.end) this.#serve(subscription);
      if (!mayGoOn()) {
        this.#passIndex -= 1;
        return this.#passIndex < 0;
      }
    }
    return true;
  }

  #serve(subscription: Subscription): void {
    if (subscription.isClogged || subscription.cursor < this.ring.start) {
      this.leave(subscription);
      subscription.catchUp();
    } else {
      subscription.advance(this.ringSlices(subscription.cursor));
    }
  }

  /** Somebody found another history than the one held: load it anew, and tell everyone. */
  reload(): void {
    if (this.loading || this.#closed) return;
    this.loading = true;
    this.#loadOrReport();
  }

  #loadOrReport(): void {
    this.#loadFailed = false;
    this.#load().catch((error) => {
      this.#loadFailed = true;
      this.host.failed(this, error);
    });
  }

  /** Called now and then: goes on with what a failing broker interrupted. */
  retry(): void {
    if (this.#loadFailed) return this.#loadOrReport();
    if (this.#wanted > this.ring.end) this.#fill(this.#wanted);
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
    this.loading = false;
    for (const subscription of this.subscriptions) {
      this.leave(subscription);
      if (before !== this.epoch) subscription.skip('epoch', Math.max(this.floor, this.head - DEFAULT_PAGE), undefined);
      subscription.catchUp();
    }
    for (const advance of this.#waiting.splice(0)) this.#onAdvance(advance);
  }

  #onAdvance(advance: Advance): void {
    if (this.#closed) return;
    if (this.loading) {
      this.#waiting.push({ stream: advance.stream, epoch: advance.epoch, from: advance.from, to: advance.to });
      return;
    }
    if (advance.epoch !== this.epoch) {
      if (this.epoch !== null || advance.from !== 0) {
        this.reload();
        return;
      }
      // First entry ever: the slice that starts at 0 tells the subscribers the epoch.
      this.epoch = advance.epoch;
    }
    if (advance.to <= this.ring.end) return;
    if (advance.entries === undefined || advance.from > this.ring.end) this.#fill(advance.to);
    else this.#push(advance.entries);
  }

  #push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.offset === this.ring.end + 1) this.ring.push(encodeItem(entry));
    }
    this.host.dirty(this);
  }

  /** Reads on from the ring's end up to `to`: a notification was missing, or came without its data. */
  #fill(to: Offset): void {
    this.#wanted = Math.max(this.#wanted, to);
    if (this.#filling) return;
    this.#filling = true;
    void this.#fillUp().finally(() => {
      this.#filling = false;
    });
  }

  async #fillUp(): Promise<void> {
    while (!this.#closed && !this.loading && this.ring.end < this.#wanted) {
      const { epoch } = this;
      try {
        const page = await this.host.broker.read(this.name, { epoch, offset: this.ring.end }, READ_LIMIT);
        if (epoch !== this.epoch || this.loading) return;
        // Nothing there although it was announced: another history. What is announced is stored.
        if (page.entries.length === 0 && this.ring.end < this.#wanted) return this.reload();
        this.#push(page.entries);
      } catch (error) {
        if (error instanceof UnrecoverablePositionError) return this.reload();
        return this.host.failed(this, error);
      }
    }
  }
}
