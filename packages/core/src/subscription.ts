// A cursor: how far one connection has been served of one stream. It is either in the stream's head group, which a flush
// moves, or behind: then it catches up by itself, from the broker and then from the ring, no faster than its peer takes it.

import { UnrecoverablePositionError } from '@trunkline/broker';
import { encode, type GapReason, type Offset } from '@trunkline/protocol';
import type { ActiveStream } from './active-stream.js';
import type { Connection } from './ports.js';
import type { Slice } from './slice.js';

/** Beyond this many bytes that the peer has not taken, nothing of a stream is put on the connection. */
export const MAX_UNTAKEN_BYTES = 262_144;

export class Subscription {
  cursor: Offset = 0;
  /** Place in the stream's head group; -1 while behind. */
  groupIndex = -1;
  /** `synced` was sent: it comes once, also when gaps follow (SUB-5). */
  #synced = false;
  #catchingUp = false;
  #closed = false;

  constructor(
    readonly stream: ActiveStream,
    readonly connection: Connection,
  ) {}

  get closed(): boolean {
    return this.#closed;
  }

  /** Whether the peer has more on its way than it takes. */
  get isClogged(): boolean {
    return this.connection.bufferedBytes > MAX_UNTAKEN_BYTES;
  }

  /** Starts at `offset`. */
  start(offset: Offset): void {
    this.cursor = offset;
    this.catchUp();
  }

  /** Tells the peer that entries are lost to it, and where it goes on. */
  skip(reason: GapReason, to: Offset, lost: number | undefined): void {
    this.connection.send(
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

  /** Sends slices that follow the cursor, while the peer takes them. Whether all of them were sent. */
  deliver(slices: readonly Slice[]): boolean {
    for (const slice of slices) {
      if (this.isClogged) return false;
      this.connection.sendShared(slice);
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
  }

  async #run(): Promise<void> {
    this.#catchingUp = true;
    try {
      while (!this.#closed && !this.stream.loading) {
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
    if (!this.deliver(this.stream.ringSlices(this.cursor)) || this.#closed) return;
    this.stream.join(this);
    if (this.#synced) return;
    this.#synced = true;
    this.connection.send(encode({ type: 'synced', ch: this.stream.number, to: this.cursor }));
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
      if (this.#closed || epoch !== this.stream.epoch || from !== this.cursor) return true;
      if (error.reason === 'epoch') this.stream.reload();
      else {
        this.stream.floor = Math.max(this.stream.floor, error.oldest.offset);
        this.skip('trimmed', error.oldest.offset, error.oldest.offset - from);
      }
      return true;
    }
    // Meanwhile the stream may have got a new history, and this cursor a new place in it.
    if (this.#closed || epoch !== this.stream.epoch || from !== this.cursor) return true;
    // The ring begins later, so there must be something: if not, the stream has another history.
    if (slices.length === 0) this.stream.reload();
    else this.deliver(slices);
    return true;
  }
}
