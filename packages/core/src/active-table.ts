// A table that somebody on this node watches: its rows in memory, its readers, and what is due to them. Readers without a
// rate are due whenever something changed, those with one at its ticks. It trusts the broker's notifications only as far
// as they join up: a hole is read again, another epoch is loaded anew.

import {
  type Advance,
  type Broker,
  type RowsPage,
  type Tables,
  UnrecoverablePositionError,
  type Watch,
} from '@trunkline/broker';
import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import type { StreamHost } from './active-stream.js';
import type { TableBroker } from './checkpoint-broker.js';
import { readTable } from './read-table.js';
import { type Place, type RowSlice, rowSlices } from './row-slice.js';
import { TableRows } from './table-rows.js';
import type { TableSubscription } from './table-subscription.js';
import type { Ticker } from './ticker.js';
import type { WatchList } from './watch-list.js';

const READ_LIMIT = { entries: 5_000, bytes: 1_048_576 };
/** Slices kept for equal requests, in characters: many readers at different places would else hold the table many times. */
const MAX_SLICE_CHARS = 4_194_304;

export interface TableHost extends StreamHost {
  readonly broker: Broker & Tables;
  readonly ticker: Ticker;
}

/** Readers who are due together. A pass walks from the end to the start, so that leaving in the middle of one is safe. */
class Group {
  readonly members: TableSubscription[] = [];
  /** Who is next in the running pass; -1 between passes. */
  next = -1;
  /** Something changed while a pass ran: those whom it had served already did not get that. */
  isDueAgain = false;

  add(subscription: TableSubscription): void {
    subscription.groupIndex = this.members.length;
    this.members.push(subscription);
  }

  remove(subscription: TableSubscription): void {
    const index = subscription.groupIndex;
    if (index === -1) return;
    subscription.groupIndex = -1;
    const last = this.members.pop();
    if (last === undefined || last === subscription) return;
    this.members[index] = last;
    last.groupIndex = index;
  }
}

export class ActiveTable {
  readonly kind = 'table';
  epoch: Epoch | null = null;
  rows = new TableRows();
  /** True while the rows are (re)loaded: nobody is served, notifications wait. */
  loading = true;
  readonly subscriptions = new Set<TableSubscription>();
  /** By rate; `undefined`: without one. */
  readonly #groups = new Map<number | undefined, Group>();
  /** Groups with a pass that runs or is to begin. */
  readonly #due = new Set<Group>();
  readonly #slices = new Map<string, readonly RowSlice[]>();
  #sliceChars = 0;
  #watch: Watch | null = null;
  #waiting: Advance[] = [];
  /** The head that notifications speak of, when the rows are behind it. */
  #wanted: Offset = 0;
  #isFilling = false;
  #loaded: Promise<void> = Promise.resolve();
  #loadFailed = false;
  #closed = false;

  constructor(
    readonly number: number,
    readonly name: StreamName,
    private readonly broker: TableBroker,
    private readonly host: TableHost,
  ) {}

  get head(): Offset {
    return this.rows.head;
  }
  get floor(): Offset {
    return this.rows.floor;
  }
  get closed(): boolean {
    return this.#closed;
  }
  /** Whether loading ended in a failure and waits for `retry`. */
  get isBroken(): boolean {
    return this.#loadFailed;
  }

  /** Watches, and loads the rows. Rejects as the broker does. */
  async open(): Promise<void> {
    const watch = await this.broker.watch(this.name, (advance) => this.#onAdvance(advance));
    if (this.#closed) return watch.close();
    this.#watch = watch;
    this.#loaded = this.#load();
    await this.#loaded;
  }

  /** Resolves when the rows are loaded, or the table was closed. Rejects as the broker does. */
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

  /** Puts a reader where its rate belongs. */
  join(subscription: TableSubscription): void {
    let group = this.#groups.get(subscription.rate);
    if (group === undefined) {
      group = new Group();
      this.#groups.set(subscription.rate, group);
      if (subscription.rate !== undefined) this.host.ticker.add(subscription.rate, this);
    }
    group.add(subscription);
  }

  leave(subscription: TableSubscription): void {
    const group = this.#groups.get(subscription.rate);
    group?.remove(subscription);
    if (group?.members.length !== 0) return;
    this.#groups.delete(subscription.rate);
    this.#due.delete(group);
    if (subscription.rate !== undefined) this.host.ticker.remove(subscription.rate, this);
  }

  /** A tick of `rate`: its readers are due. */
  tick(rate: number): void {
    this.#setDue(this.#groups.get(rate));
  }

  /** Slices from a place to the head; the same objects for the same question until the next change. */
  slicesFrom(place: Place, list: WatchList | undefined): readonly RowSlice[] {
    const question = `${place.since} ${place.at} ${place.began} ${list?.number ?? 0}`;
    const known = this.#slices.get(question);
    if (known !== undefined) return known;
    const slices = rowSlices(this.rows, {
      ch: this.number,
      epoch: this.epoch,
      place,
      keys: list?.keys,
    });
    for (const { text } of slices) this.#sliceChars += text.length;
    if (this.#sliceChars > MAX_SLICE_CHARS) this.#forgetSlices();
    this.#slices.set(question, slices);
    return slices;
  }

  /** Serves readers that are due until all are, or `mayGoOn()` says no. Whether all had their turn: else call again. */
  flush(mayGoOn: () => boolean): boolean {
    if (this.loading) return true;
    for (let [group] = this.#due; group !== undefined; [group] = this.#due) {
      if (group.next < 0) group.next = group.members.length - 1;
      while (group.next >= 0) {
        // leave() may have shortened the group below the place where the pass stood.
        const subscription = group.members[group.next];
        group.next -= 1;
        subscription?.serve();
        if (!mayGoOn() && group.next >= 0) return false;
      }
      this.#due.delete(group);
      // Behind the others, who have not had their turn.
      if (group.isDueAgain) this.#due.add(group);
      group.isDueAgain = false;
      if (this.#due.size > 0 && !mayGoOn()) return false;
    }
    return true;
  }

  /**
   * Asks the broker where the table really is, for a position that makes no sense here: it may come from another node and be ahead
   * of what was announced. Rejects as the broker does.
   */
  async compare(): Promise<void> {
    if (!this.loading) this.reload();
    await this.ready();
  }

  /** The rows are not what the broker has: load them anew, and tell everyone. */
  reload(): void {
    if (this.loading || this.#closed) return;
    this.loading = true;
    this.#startLoading();
  }

  /** Called now and then: goes on with what a failing broker interrupted. */
  retry(): void {
    if (this.#loadFailed) return this.#startLoading();
    if (this.#wanted > this.rows.head) void this.#fill(this.#wanted);
  }

  #startLoading(): void {
    this.#loadFailed = false;
    this.#loaded = this.#load();
    this.#loaded.catch((error) => {
      this.#loadFailed = true;
      this.host.failed(this, error);
    });
  }

  async #load(): Promise<void> {
    const begin = () => {
      const whole = new TableRows();
      return { whole, add: ({ rows, gone, to }: RowsPage) => whole.apply(rows, gone, to, false) };
    };
    const read = await readTable(this.broker, this.name, READ_LIMIT, begin, () => !this.#closed);
    if (read === null) return;
    const { whole: rows, last } = read;
    const before = this.epoch;
    rows.floor = Math.max(rows.floor, last.floor);
    this.rows = rows;
    this.epoch = last.epoch;
    this.#wanted = rows.head;
    this.#forgetSlices();
    this.loading = false;
    const isOther = before !== null && before !== this.epoch;
    for (const subscription of this.subscriptions) subscription.reloaded(isOther);
    this.#changed();
    for (const advance of this.#waiting.splice(0)) {
      this.#onAdvance(advance);
      // Another history: the load that begins now comes after all that waits here was stored.
      if (this.loading) return;
    }
  }

  #onAdvance(advance: Advance): void {
    if (this.#closed) return;
    if (this.loading) return this.#wait(advance);
    const { epoch, from, to, rows, gone } = advance;
    if (epoch !== this.epoch) {
      if (this.epoch !== null || from !== 0) return this.reload();
      this.epoch = epoch;
    }
    if (to <= this.rows.head) return;
    if (rows === undefined || gone === undefined || from > this.rows.head) void this.#fill(to);
    else this.#apply({ rows, gone, to }, from === this.rows.head && to === from + 1);
  }

  /** Without the data, and neighbours as one: a broker that is slow to load must not cost memory for each change. */
  #wait({ stream, epoch, from, to }: Advance): void {
    const last = this.#waiting.at(-1);
    if (last?.epoch !== epoch) this.#waiting.push({ stream, epoch, from, to });
    else this.#waiting.splice(-1, 1, { stream, epoch, from: Math.min(from, last.from), to: Math.max(to, last.to) });
  }

  #apply({ rows, gone, to }: Pick<RowsPage, 'rows' | 'gone' | 'to'>, isStep: boolean): void {
    this.rows.apply(rows, gone, to, isStep);
    this.#forgetSlices();
    this.#changed();
  }

  #changed(): void {
    this.#setDue(this.#groups.get(undefined));
  }

  #setDue(group: Group | undefined): void {
    if (group === undefined || group.members.length === 0) return;
    // A pass that begins anew each time would never come to its end where many read and much changes.
    if (group.next >= 0) group.isDueAgain = true;
    this.#due.add(group);
    this.host.dirty(this);
  }

  #forgetSlices(): void {
    this.#slices.clear();
    this.#sliceChars = 0;
  }

  /** Reads on from the head up to `to`: a notification was missing, or came without its data. Never rejects. */
  async #fill(to: Offset): Promise<void> {
    this.#wanted = Math.max(this.#wanted, to);
    if (this.#isFilling) return;
    this.#isFilling = true;
    try {
      while (!this.#closed && !this.loading && this.rows.head < this.#wanted) {
        const { epoch } = this;
        const page = await this.broker.readRows(this.name, { epoch, offset: this.rows.head }, READ_LIMIT);
        if (epoch !== this.epoch || this.loading) continue;
        // Nothing there although it was announced: another history. What is announced is stored.
        if (page.to <= this.rows.head) return this.reload();
        this.#apply(page, false);
      }
    } catch (error) {
      if (error instanceof UnrecoverablePositionError) this.reload();
      else this.host.failed(this, error);
    } finally {
      this.#isFilling = false;
    }
  }
}
