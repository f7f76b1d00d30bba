// How far one connection has been served of one table, and what it wants of it: a rate, a watch list, a pause. Nothing is
// queued for it: when it may be served it gets the newest values, and when it may not, nothing.

import { encode, type Offset } from '@trunkline/protocol';
import type { ActiveTable } from './active-table.js';
import type { Cursor } from './cursor.js';
import type { Outflow } from './outflow.js';
import { BEGINNING, isBeginning, type RowSlice, watchListSlice } from './row-slice.js';
import type { WatchList, WatchLists } from './watch-list.js';

/**
 * A slice is put on a connection only while fewer bytes than this are on their way, or twice what was processed in the last 250 ms: so
 * values reach a slow reader young, or not at all.
 */
export const MIN_TABLE_WINDOW_BYTES = 4_096;

/**
 * Steps that change no row of a watch list are not told to its reader, but for those that cross a multiple of this many offsets: so a
 * position is never further behind. Whole multiples, as a client that moves compares its positions on two servers (TAB-9).
 */
export const POSITION_EVERY = 16;

/** Bounds of a table's subscription. */
export interface Wishes {
  /** Slices a second; `undefined`: one whenever something changes. */
  readonly rate: number | undefined;
  /** `undefined`: all rows. */
  readonly list: WatchList | undefined;
  readonly paused: boolean;
}

export class TableSubscription implements Cursor {
  /** Place in its group; -1 before `start` and after the end. */
  groupIndex = -1;
  #place = BEGINNING;
  #wishes: Wishes;
  /** It was its turn, and the connection was full. */
  #isOwed = false;
  /** Nothing is sent while its rights are looked at again. */
  #isHeld = false;
  /** Rows of the watch list that are to be told whole, and rows that left it: their keys. */
  readonly #entering = new Set<string>();
  readonly #leaving = new Set<string>();
  #synced = false;
  #closed = false;

  constructor(
    readonly stream: ActiveTable,
    readonly outflow: Outflow,
    wishes: Wishes,
    private readonly lists: WatchLists,
  ) {
    this.#wishes = wishes;
  }

  get closed(): boolean {
    return this.#closed;
  }
  get isBehind(): boolean {
    return this.#isOwed;
  }
  get rate(): number | undefined {
    return this.#wishes.rate;
  }
  get wishes(): Wishes {
    return this.#wishes;
  }
  get position(): Offset {
    return this.#place.since;
  }

  /**
   * Starts at `offset`; at 0 it begins anew.
   * @param held the keys that the peer followed until `offset`, if they are others than it follows now
   */
  start(offset: Offset, held: readonly string[] | undefined): void {
    if (offset > 0) this.#place = { since: offset, at: offset };
    if (held !== undefined && this.#wishes.list !== undefined) this.#follow(new Set(held), this.#wishes.list.keys);
    this.stream.join(this);
    this.serve();
  }

  /** Other wishes; the answer has been sent. A list that is new was taken for it. */
  tune(wishes: Wishes): void {
    const before = this.#wishes;
    const { list } = before;
    this.stream.leave(this);
    this.#wishes = wishes;
    this.stream.join(this);
    if (list !== wishes.list) {
      if (list !== undefined && wishes.list !== undefined) this.#follow(list.keys, wishes.list.keys);
      // To or from all rows: what there is, once more.
      else this.#beginAnew();
      this.#release(before);
    }
    // It would wait for a tick that may be long in coming.
    this.serve();
  }

  /** The table was loaded anew. @param isOther it has another history */
  reloaded(isOther: boolean): void {
    const { since } = this.#place;
    if (isOther || since > this.stream.head || (since !== 0 && since < this.stream.floor)) {
      this.#beginAnew();
    }
    this.#isOwed = true;
    this.catchUp();
  }

  /** Its turn: all that is new since its place, as far as the peer takes it. */
  serve(): void {
    if (this.#closed || this.#wishes.paused || this.#isHeld || this.stream.loading) return;
    this.#isOwed = true;
    if (!this.#serveList()) return;
    if (!this.#hasPassed()) {
      // A slow reader has its turn with each change: nothing is made for it that it could not be given.
      if (this.#isBehind && !this.#mayPut) return;
      for (const slice of this.stream.slicesFrom(this.#place, this.#wishes.list)) {
        if (!this.#mayPut) return;
        this.#put(slice);
      }
    }
    this.#isOwed = false;
    if (this.#synced || this.#closed) return;
    this.#synced = true;
    this.outflow.send(encode({ type: 'synced', ch: this.stream.number, to: this.#place.since }));
  }

  /** The peer takes more again, or the broker is back. */
  catchUp(): void {
    if (this.#isOwed) this.serve();
  }

  /** Nothing further is sent until `release`. */
  hold(): void {
    this.#isHeld = true;
  }
  release(): void {
    this.#isHeld = false;
    this.serve();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.stream.leave(this);
    this.stream.subscriptions.delete(this);
    this.#release(this.#wishes);
  }

  #release({ list }: Wishes): void {
    if (list !== undefined) this.lists.release(list);
  }

  #beginAnew(): void {
    this.#place = BEGINNING;
    this.#synced = false;
    this.#entering.clear();
    this.#leaving.clear();
  }

  /** The watch list is another. What is owed for it is told before anything else, as the connection takes it. */
  #follow(before: ReadonlySet<string>, now: ReadonlySet<string>): void {
    // Who begins anew gets the rows of the new list, and those alone.
    if (isBeginning(this.#place)) return;
    for (const key of before) {
      // One that entered and was not told yet is not known to the peer.
      if (!now.has(key) && !this.#entering.delete(key)) this.#leaving.add(key);
    }
    for (const key of now) {
      if (before.has(key)) continue;
      // It hears when it has all rows again (TAB-4).
      this.#synced = false;
      // One that left and was not told so is known to the peer as it stands.
      if (!this.#leaving.delete(key)) this.#entering.add(key);
    }
  }

  /** Whether all that is owed for the watch list was sent. */
  #serveList(): boolean {
    while (this.#entering.size + this.#leaving.size > 0) {
      if (!this.#mayPut) return false;
      const { number: ch, epoch, rows } = this.stream;
      this.#put(watchListSlice(rows, { ch, epoch, place: this.#place }, this.#entering, this.#leaving));
    }
    return true;
  }

  /** Whether what changed since its place is nothing to its watch list, and can be left untold. The place is the head then. */
  #hasPassed(): boolean {
    const { list } = this.#wishes;
    const { since, at } = this.#place;
    const { rows } = this.stream;
    // Who stands at 0 has heard of no epoch yet.
    if (list === undefined || !this.#synced || since === 0) return false;
    if (Math.floor(since / POSITION_EVERY) < Math.floor(rows.head / POSITION_EVERY)) return false;
    if (rows.hasChange(at, list.keys)) return false;
    this.#place = { since, at: rows.head };
    return true;
  }

  /** Whether there is anything to tell. */
  get #isBehind(): boolean {
    return isBeginning(this.#place) || this.#place.since < this.stream.rows.head;
  }

  /** A connection may end within a send. */
  get #mayPut(): boolean {
    return !this.#closed && !this.outflow.isFullForNewest(MIN_TABLE_WINDOW_BYTES);
  }

  #put(slice: RowSlice): void {
    this.outflow.sendShared(slice);
    this.#place = slice.place;
  }
}
