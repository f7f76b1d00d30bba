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
    this.#synced = false;
  }

  /** Called by a flush, for a member of the head group. */
  advance(slices: readonly Slice[]): void {
    for (const slice of slices) {
      this.connection.sendShared(slice);
      this.cursor = slice.to;
    }
  }

  /** Goes on from the cursor; harmless at any time. Called when the peer has drained, and when a broker may be back. */
  catchUp(): void {
    if (this.#catchingUp || this.#closed || this.groupIndex !== -1) return;
    this.#catchingUp = true;
    void this.#run().finally(() => {
      this.#catchingUp = false;
    });
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (!this.#closed && !this.stream.loading) {
      if (this.cursor >= this.stream.ring.start) {
        // Joining happens in the turn that read the ring: nothing can be missed between the last slice and the group.
        if (!this.#takeFromRing()) return;
        this.stream.join(this);
        if (!this.#synced) {
          this.#synced = true;
          this.connection.send(encode({ type: 'synced', ch: this.stream.number, to: this.cursor }));
        }
        return;
      }
      if (this.isClogged) return;
      const { epoch } = this.stream;
      let slices: readonly Slice[];
      try {
        slices = await this.stream.readSlices(this.cursor);
      } catch (error) {
        if (error instanceof UnrecoverablePositionError && !this.#closed && epoch === this.stream.epoch) {
          if (error.reason === 'epoch') this.stream.reload();
          else this.skip('trimmed', error.oldest.offset, error.oldest.offset - this.cursor);
          continue;
        }
        // The broker is not there: the hub's sweep calls again.
        return;
      }
      // Meanwhile the stream may have got a new history, and this cursor a new place in it.
      if (this.#closed || epoch !== this.stream.epoch) continue;
      // The ring begins later, so there must be something: if not, the stream has another history.
      if (slices.length === 0) return this.stream.reload();
      if (slices[0]?.from !== this.cursor) continue;
      this.advance(slices);
    }
  }

  /** Sends what the ring has, slice by slice while the peer takes it. Whether it arrived at the head. */
  #takeFromRing(): boolean {
    for (const slice of this.stream.ringSlices(this.cursor)) {
      if (this.isClogged) return false;
      this.connection.sendShared(slice);
      this.cursor = slice.to;
    }
    return true;
  }
}
