// A table that somebody on this node watches: its rows in memory, its readers, and what is due to them. Readers without a
// rate are due whenever something changed, those with one at its ticks.

import type { Advance, RowsPage } from '@trunkline/broker';
import type { Offset, Position, StreamName } from '@trunkline/protocol';
import type { TableBroker } from './checkpoint-broker.js';
import { Group } from './group.js';
import { readTable } from './read-table.js';
import { type Place, type RowSlice, rowSlices } from './row-slice.js';
import { TableRows } from './table-rows.js';
import type { TableSubscription } from './table-subscription.js';
import type { Ticker } from './ticker.js';
import type { WatchList } from './watch-list.js';
import { type Loaded, type StreamHost, WatchedStream } from './watched-stream.js';

const READ_LIMIT = { entries: 5_000, bytes: 1_048_576 };
/** Slices kept for equal requests, in characters: many readers at different places would else hold the table many times. */
const MAX_SLICE_CHARS = 4_194_304;

export interface TableHost extends StreamHost {
  readonly ticker: Ticker;
}

/** Readers of one rate. */
class Readers extends Group<TableSubscription> {
  /** Something changed while a pass ran: those whom it had served already did not get that. */
  isDueAgain = false;
}

export class ActiveTable extends WatchedStream<TableSubscription> {
  rows = new TableRows();
  /** By rate; `undefined`: without one. */
  readonly #groups = new Map<number | undefined, Readers>();
  /** Groups with a pass that runs or is to begin. */
  readonly #due = new Set<Readers>();
  readonly #slices = new Map<string, readonly RowSlice[]>();
  #sliceChars = 0;

  constructor(
    number: number,
    name: StreamName,
    private readonly broker: TableBroker,
    protected override readonly host: TableHost,
  ) {
    super(number, name, broker, host);
  }

  override get head(): Offset {
    return this.rows.head;
  }
  get floor(): Offset {
    return this.rows.floor;
  }

  /** Puts a reader where its rate belongs. */
  join(subscription: TableSubscription): void {
    let group = this.#groups.get(subscription.rate);
    if (group === undefined) {
      group = new Readers();
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
  override flush(mayGoOn: () => boolean): boolean {
    if (this.loading) return true;
    for (let [group] = this.#due; group !== undefined; [group] = this.#due) {
      group.begin();
      while (group.next >= 0) {
        group.step(serve);
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

  protected override async load(): Promise<Loaded | null> {
    const begin = () => {
      const whole = new TableRows();
      return { whole, add: ({ rows, gone, to }: RowsPage) => whole.apply(rows, gone, to, false) };
    };
    const read = await readTable(this.broker, this.name, READ_LIMIT, begin, () => !this.closed);
    if (read === null) return null;
    const { whole: rows, last } = read;
    rows.floor = Math.max(rows.floor, last.floor);
    return {
      epoch: last.epoch,
      install: () => {
        this.rows = rows;
        this.#forgetSlices();
      },
    };
  }

  protected override loadedAnew(isOther: boolean): void {
    for (const subscription of this.subscriptions) subscription.reloaded(isOther);
    this.#setDue(this.#groups.get(undefined));
  }

  protected override take({ rows, gone, from, to }: Advance): boolean {
    if (rows === undefined || gone === undefined || from > this.rows.head) return false;
    this.#apply({ rows, gone, to }, from === this.rows.head && to === from + 1);
    return true;
  }

  protected override async readOn(after: Position): Promise<() => void> {
    const page = await this.broker.readRows(this.name, after, READ_LIMIT);
    return () => {
      if (page.to > this.rows.head) this.#apply(page, false);
    };
  }

  #apply({ rows, gone, to }: Pick<RowsPage, 'rows' | 'gone' | 'to'>, isStep: boolean): void {
    this.rows.apply(rows, gone, to, isStep);
    this.#forgetSlices();
    this.#setDue(this.#groups.get(undefined));
  }

  #setDue(group: Readers | undefined): void {
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
}

function serve(reader: TableSubscription): void {
  reader.serve();
}
