// A cursor: how far one connection has been served of one stream. It is either in the stream's head group, which a flush
// moves, or behind: then it catches up by itself, from the broker and then from the ring, no faster than its peer takes or processes it.

import { UnrecoverablePositionError } from '@trunkline/broker';
import { type Epoch, encode, type GapReason, type Offset } from '@trunkline/protocol';
import { type ActiveStream, DEFAULT_PAGE } from './active-stream.js';
import type { Cursor } from './cursor.js';
import { MIN_WINDOW_BYTES, type Outflow } from './outflow.js';
import type { Slice } from './slice.js';

export class Subscription implements Cursor {
  cursor: Offset = 0;
  /** Place in the stream's head group; -1 while behind. */
  groupIndex = -1;
  isPresent = false;
  /** `synced` was sent: it comes once, also when gaps follow (SUB-5). */
  #synced = false;
  #catchingUp = false;
  #closed = false;
  #held = false;
  /** Another history came while it was held: the gap is still to be told. */
  #owesGap = false;

  constructor(
    readonly stream: ActiveStream,
    readonly outflow: Outflow,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether there may be something that it has not been given. */
  get isBehind(): boolean {
    return this.groupIndex === -1;
  }

  /** Whether the peer has more on its way than it takes. */
  get isClogged(): boolean {
    return this.outflow.isFull(MIN_WINDOW_BYTES);
  }

  /** Starts at `offset`. */
  start(offset: Offset): void {
    this.cursor = offset;
    this.catchUp();
  }

  /** Tells the peer that entries are lost to it, and where it goes on. */
  skip(reason: GapReason, to: Offset, lost: number | undefined): void {
    this.outflow.send(
      encode({
        type: 'gap',
        ch: this.stream.number,
        reason,
        ...(lost === undefined ? {} : { lost }),
        epoch: this.stream.epoch,
        to,
      }),
    );
    this.cursor = to;
  }

  /** The stream has another history by now: tells the peer, and takes a new place in it. */
  rewind(): void {
    this.#owesGap = this.#held;
    if (this.#held) return;
    const { floor, head, ring } = this.stream;
    // With many records in the ring it may be a few entries less than a page: not worth waiting for the broker.
    const from = this.stream.back(DEFAULT_PAGE) ?? Math.max(floor, Math.min(ring.start, head - DEFAULT_PAGE));
    this.skip('epoch', from, undefined);
  }

  /** From now on nothing is put on the connection, until `release`: the user's rights are judged again (SUB-9). */
  hold(): void {
    this.#held = true;
    this.stream.leave(this);
  }

  /** Goes on from the cursor. */
  release(): void {
    this.#held = false;
    this.catchUp();
  }

  /** Sends slices that follow the cursor, while the peer takes them. Whether all of them were sent. */
  deliver(slices: readonly Slice[]): boolean {
    for (const slice of slices) {
      // Watchers of a connection may revoke from within a send.
      if (this.isClogged || this.#held) return false;
      this.outflow.sendShared(slice);
      this.cursor = slice.to;
    }
    return true;
  }

  /** Goes on from the cursor; harmless at any time. Called when the peer has drained, and when a broker may be back. */
  catchUp(): void {
    if (this.#catchingUp || this.#closed || this.groupIndex !== -1) return;
    void this.#run();
  }

  close(): void {
    this.#closed = true;
    this.stream.leave(this);
    this.stream.subscriptions.delete(this);
  }

  async #run(): Promise<void> {
    this.#catchingUp = true;
    try {
      while (!this.#closed && !this.#held && !this.stream.loading) {
        if (this.#owesGap) {
          this.rewind();
          continue;
        }
        if (this.cursor >= this.stream.ring.start) return this.#join();
        if (this.isClogged || !(await this.#takeFromBroker())) return;
      }
    } finally {
      // At once, not a few microtasks later: whoever calls `catchUp` in between must not be turned away.
      this.#catchingUp = false;
    }
  }

  /** Joining happens in the turn that read the ring: nothing can be missed between the last slice and the group. */
  #join(): void {
    // A connection may end within a send; who has left must not come back.
    if (!this.deliver(this.stream.ringSlices(this.cursor)) || this.#closed || this.#held) return;
    this.stream.join(this);
    if (this.#synced) return;
    this.#synced = true;
    this.outflow.send(encode({ type: 'synced', ch: this.stream.number, to: this.cursor }));
  }

  /** Takes one page. Whether to go on: not if the broker is not there, as the hub's sweep calls again. */
  async #takeFromBroker(): Promise<boolean> {
    const { epoch } = this.stream;
    const from = this.cursor;
    let slices: readonly Slice[];
    try {
      slices = await this.stream.readSlices(from);
    } catch (error) {
      if (!(error instanceof UnrecoverablePositionError)) return false;
      if (this.#isElsewhere(epoch, from)) return true;
      if (error.reason === 'epoch') this.stream.reload();
      else {
        const { offset } = error.oldest;
        this.stream.floor = Math.max(this.stream.floor, offset);
        const lost = await this.stream.lostUpTo(offset, from);
        if (!this.#isElsewhere(epoch, from)) this.skip('trimmed', offset, lost);
      }
      return true;
    }
    if (this.#isElsewhere(epoch, from)) return true;
    // The ring begins later, so there must be something: if not, the stream has another history.
    if (slices.length === 0) this.stream.reload();
    else this.deliver(slices);
    return true;
  }

  /** Whether what was read is of no use: meanwhile the stream may have got a new history, this cursor a new place or been held. */
  #isElsewhere(epoch: Epoch | null, from: Offset): boolean {
    return this.#closed || this.#held || epoch !== this.stream.epoch || from !== this.cursor;
  }
}
