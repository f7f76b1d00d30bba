// A log that somebody on this node watches: its ring, its subscribers, and the flush that moves those at the head.

import {
  type Advance,
  type Broker,
  BrokerUnavailableError,
  type Entry,
  type StreamState,
  type Tail,
} from '@trunkline/broker';
import type { Offset, Position, StreamName } from '@trunkline/protocol';
import { Group } from './group.js';
import { Ring } from './ring.js';
import { encodeItem, encodeSlices, type Slice } from './slice.js';
import type { Subscription } from './subscription.js';
import { type Loaded, type StreamHost, WatchedStream } from './watched-stream.js';

/** Entries that a cursor without a usable position starts back from the head. */
export const DEFAULT_PAGE = 50;
const READ_LIMIT = { entries: 500, bytes: 65_536 };

export interface LogHost extends StreamHost {
  readonly broker: Broker;
  /** Bytes of encoded entries that a log keeps at hand. */
  readonly ringBytes: number;
}

export class ActiveStream extends WatchedStream<Subscription> {
  /** As far as is known: a broker trims without saying so, and each page that is read tells. */
  floor: Offset = 0;
  ring: Ring;
  /** Members have all that was flushed. */
  readonly #group = new Group<Subscription>();
  readonly #reads = new Map<Offset, Promise<readonly Slice[]>>();
  /** The head when the running pass began. */
  #passEnd: Offset = 0;

  constructor(
    number: number,
    name: StreamName,
    protected override readonly host: LogHost,
  ) {
    super(number, name, host.broker, host);
    this.ring = new Ring(0, host.ringBytes);
  }

  override get head(): Offset {
    return this.ring.end;
  }

  join(subscription: Subscription): void {
    this.#group.add(subscription);
  }

  leave(subscription: Subscription): void {
    this.#group.remove(subscription);
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
    const page = await this.host.broker.readBack(this.name, undefined, { entries: 1, bytes: 0 });
    if (!this.loading && page.epoch !== this.epoch) this.reload();
    await this.ready();
    if (page.epoch !== this.epoch) return;
    this.#learnFloor(page);
    await this.#reach(page);
  }

  /** Where a cursor starts that wants the newest `count` entries; `undefined` if only the broker knows (`tail`). */
  back(count: number): Offset | undefined {
    const { ring, floor } = this;
    const from = ring.back(count) ?? (ring.start <= floor ? floor : undefined);
    return from === undefined ? undefined : Math.max(from, floor);
  }

  /** The same of the broker, with the entries after an offset. When it resolves, what is held reaches as far. Rejects as the broker does. */
  async tail(after: Offset, count: number): Promise<Tail> {
    const tail = await this.#askTail(after, count);
    // Else a place counted from the broker's head would be held against a head that is behind it.
    await this.#reach(tail);
    return tail;
  }

  /** How many entries a cursor has missed that was left behind by the floor; `undefined`: nobody knows how many of them were records. */
  async lostUpTo(floor: Offset, from: Offset): Promise<number | undefined> {
    const tail = await this.#askTail(0, 0).catch(() => undefined);
    return tail?.recordsTrimmed === 0 ? floor - from : undefined;
  }

  /** Server time of the entry at `offset`; `undefined` if it is not kept. */
  async atOf(offset: Offset): Promise<number | undefined> {
    const held = this.ring.atOf(offset);
    if (held !== undefined || offset <= this.floor) return held;
    const page = await this.host.broker.readBack(this.name, offset + 1, { entries: 1, bytes: 0 });
    const entry = page.entries[0];
    return entry?.offset === offset ? entry.at : undefined;
  }

  /** Serves members of the group until all are, or `mayGoOn()` says no. Whether all have everything: else call again. */
  override flush(mayGoOn: () => boolean): boolean {
    if (this.loading) return true;
    if (this.#group.next < 0) this.#passEnd = this.ring.end;
    this.#group.begin();
    while (this.#group.next >= 0) {
      this.#group.step(this.#serve);
      if (!mayGoOn()) break;
    }
    // What came while the pass was interrupted has not reached those who were served first.
    return this.#group.next < 0 && this.#passEnd === this.ring.end;
  }

  readonly #serve = (subscription: Subscription): void => {
    const { cursor } = subscription;
    if (cursor >= this.ring.end) return;
    if (cursor >= this.ring.start && subscription.deliver(this.ringSlices(cursor))) return;
    this.leave(subscription);
    subscription.catchUp();
  };

  override retry(): void {
    super.retry();
    if (!this.loading) for (const subscription of this.subscriptions) subscription.catchUp();
  }

  protected override async load(): Promise<Loaded> {
    const page = await this.host.broker.readBack(this.name, undefined, {
      entries: 1_000,
      bytes: this.host.ringBytes / 2,
    });
    return {
      epoch: page.epoch,
      install: () => {
        this.floor = page.floor;
        const held = newestRun(page.entries);
        this.ring = new Ring(page.offset - held.length, this.host.ringBytes);
        for (const entry of held) this.ring.push(encodeItem(entry));
        this.#reads.clear();
        this.#group.next = -1;
      },
    };
  }

  protected override loadedAnew(isOther: boolean): void {
    for (const subscription of this.subscriptions) {
      this.leave(subscription);
      if (isOther) subscription.rewind();
      subscription.catchUp();
    }
  }

  protected override take({ entries, from }: Advance): boolean {
    if (entries === undefined || from > this.ring.end) return false;
    this.#push(entries);
    return true;
  }

  protected override async readOn(after: Position): Promise<() => void> {
    const page = await this.host.broker.read(this.name, after, READ_LIMIT);
    return () => {
      this.#learnFloor(page);
      this.#push(page.entries);
    };
  }

  /** @param entries all that are kept from the ring's end on, or from before it */
  #push(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.offset <= this.ring.end) continue;
      // Records between were erased before they were read: the ring begins anew, and whoever is behind it reads from the broker.
      if (entry.offset > this.ring.end + 1) this.ring = new Ring(entry.offset - 1, this.host.ringBytes);
      if (entry.amends === undefined) this.ring.push(encodeItem(entry));
      else this.ring.amend(encodeItem(entry), entry.amends);
    }
    this.host.dirty(this);
  }

  async #askTail(after: Offset, count: number): Promise<Tail> {
    const tail = await this.host.broker.tail(this.name, after, count);
    this.#learnFloor(tail);
    return tail;
  }

  /** Waits until what is held is as far as the broker said it is. @throws BrokerUnavailableError */
  async #reach({ epoch, offset }: StreamState): Promise<void> {
    if (epoch !== this.epoch || offset <= this.head) return;
    await this.fill(offset);
    await this.ready();
    if (epoch === this.epoch && offset > this.head) throw new BrokerUnavailableError('the store did not answer');
  }

  #learnFloor(page: StreamState): void {
    if (page.epoch === this.epoch) this.floor = Math.max(this.floor, page.floor);
  }
}

/** The last of them, as many as have no erased record between them. */
function newestRun(entries: readonly Entry[]): readonly Entry[] {
  let first = entries.length - 1;
  while (first > 0 && entries[first - 1]?.offset === (entries[first]?.offset ?? 0) - 1) first -= 1;
  return entries.slice(Math.max(0, first));
}
