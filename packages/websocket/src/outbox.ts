/**
 * What one connection has to say and has not handed to its transport yet.
 *
 * Frames of one turn lie behind each other in a slab that all connections share, so that they leave in one write and
 * cost no buffer each. A shared frame is kept as a reference and goes out uncopied when it is alone. While a transport
 * is blocked its frames go to memory of its own: a few waiting bytes must not keep a whole slab alive.
 */
import { MAX_HEADER_BYTES } from './frame.js';
import { join } from './join.js';

/** One write's buffers: nothing, one, or several (for a gathering write). */
export type Outgoing = Uint8Array | readonly Uint8Array[] | null;

const SLAB_BYTES = 16_384;

/** A larger frame gets a buffer of its own. */
const SLAB_FRAME_BYTES_MAX = 4_096;

/** The largest buffer of a frame that is kept to be used again: one of the largest messages by default. */
const SPARE_BYTES_MAX = 1_048_576 + MAX_HEADER_BYTES;

/** Several parts up to this size together are copied into one buffer; above it a gathering write is cheaper. */
const JOIN_BYTES_MAX = 16_384;

class Slab {
  at = 0;
  /** Regions handed out and not known to be free again. */
  regions = 0;

  constructor(readonly buffer: Buffer) {}

  release(): void {
    this.regions--;
    if (this.regions === 0) this.at = 0;
  }
}

/** A place in the queue for a frame that is still being made. */
export class Slot {
  frame: Uint8Array | null = null;

  constructor(readonly expectedBytes: number) {}
}

let shared = new Slab(Buffer.allocUnsafeSlow(SLAB_BYTES));

/**
 * The buffer of the large frame that a transport was last done with at once. New memory of that size costs more than to
 * fill it: the system hands it out page by page, and the collector has to run for it.
 */
let spare: Buffer | null = null;

/**
 * Where to write the frame that was reserved last. Not kept per connection: it would keep a slab alive for each idle one.
 */
export const room: { target: Buffer; at: number } = { target: shared.buffer, at: 0 };

export class Outbox {
  /** Bytes waiting here. */
  bytes = 0;

  /** Closed parts, oldest first. */
  #parts: (Uint8Array | Slot)[] | null = null;
  /** How many slots are among them. */
  #slots = 0;
  /** The slab of the region still growing, if any, and the region's bounds. */
  #slab: Slab | null = null;
  #start = 0;
  #end = 0;
  /** The buffer of the large frame that was committed last, if it is all there is. */
  #large: Buffer | null = null;
  /** What is behind that which `take` returned last, when it was one region, or one large frame of our own. */
  #taken: Slab | Buffer | null = null;
  /** Memory of this connection alone, used while its transport is blocked. */
  #own: Slab | null = null;
  #blocked = false;

  /** Whether it is as new: nothing waits, nothing is being written, and the transport takes more. */
  protected get isUnused(): boolean {
    return this.bytes === 0 && this.#parts === null && this.#slab === null && this.#taken === null && !this.#blocked;
  }

  /** Tells whether the transport refuses more for now. */
  setBlocked(blocked: boolean): void {
    this.#blocked = blocked;
    if (!blocked) this.#own = null;
  }

  /** Makes room for a frame of at most `bytes`: write it to `room`, then `commit`. */
  reserve(bytes: number): void {
    if (bytes > SLAB_FRAME_BYTES_MAX) {
      this.#closeRegion();
      room.target = this.#blocked ? Buffer.allocUnsafeSlow(bytes) : largeBuffer(bytes);
      room.at = 0;
      return;
    }
    const slab = this.#blocked ? this.#ownSlab(bytes) : sharedSlab(bytes);
    if (this.#slab !== slab || this.#end !== slab.at) {
      this.#closeRegion();
      this.#slab = slab;
      slab.regions++;
      this.#start = slab.at;
      this.#end = slab.at;
    }
    room.target = slab.buffer;
    room.at = slab.at;
  }

  /** Takes the reserved frame over: `bytes` of it were used. */
  commit(bytes: number): void {
    this.bytes += bytes;
    if (this.#slab !== null) {
      this.#slab.at += bytes;
      this.#end = this.#slab.at;
      return;
    }
    if (this.#parts === null) this.#large = room.target;
    this.#push(bytes === room.target.length ? room.target : room.target.subarray(0, bytes));
    room.target = shared.buffer;
  }

  /** Queues bytes by reference. */
  append(bytes: Uint8Array): void {
    if (this.#blocked && bytes.length <= SLAB_FRAME_BYTES_MAX) {
      // Small shared frames are parts of larger blocks, each would keep its whole block.
      this.reserve(bytes.length);
      room.target.set(bytes, room.at);
      this.commit(bytes.length);
      return;
    }
    this.#closeRegion();
    this.#push(bytes);
    this.bytes += bytes.length;
  }

  /** Queues a frame that comes later; what is queued behind it waits for it. */
  appendSlot(expectedBytes: number): Slot {
    this.#closeRegion();
    const slot = new Slot(expectedBytes);
    this.#push(slot);
    this.#slots++;
    this.bytes += expectedBytes;
    return slot;
  }

  /** @returns false if nothing waits for it any more. */
  fillSlot(slot: Slot, frame: Uint8Array): boolean {
    if (this.#parts === null || !this.#parts.includes(slot)) return false;
    slot.frame = frame;
    this.bytes += frame.length - slot.expectedBytes;
    return true;
  }

  /** Hands over everything that waits and is ready. Call `settle` after the write. */
  take(): Outgoing {
    if (this.#slots > 0) return this.#takeReady();
    const parts = this.#parts as Uint8Array[] | null;
    if (parts === null) {
      const slab = this.#slab;
      if (slab === null) return null;
      this.#taken = slab;
      this.#slab = null;
      this.bytes = 0;
      return slab.buffer.subarray(this.#start, this.#end);
    }
    this.#closeRegion();
    this.#taken = parts.length === 1 ? this.#large : null;
    this.#large = null;
    this.#parts = null;
    const bytes = this.bytes;
    this.bytes = 0;
    if (parts.length === 1) return parts[0] as Uint8Array;
    return bytes <= JOIN_BYTES_MAX ? join(parts, bytes) : parts;
  }

  /**
   * Ends a `take`.
   * @param consumed whether the transport has no more use for the bytes; only then is their memory used again.
   */
  settle(consumed: boolean): void {
    const taken = this.#taken;
    this.#taken = null;
    if (!consumed || taken === null) return;
    if (taken instanceof Slab) taken.release();
    else if (taken.length <= SPARE_BYTES_MAX) spare = taken;
  }

  /** What is in front of the first frame that is still being made. */
  #takeReady(): Outgoing {
    this.#closeRegion();
    this.#taken = null;
    this.#large = null;
    const parts = this.#parts ?? [];
    const ready: Uint8Array[] = [];
    for (const part of parts) {
      const bytes = part instanceof Slot ? part.frame : part;
      if (bytes === null) break;
      ready.push(bytes);
      this.bytes -= bytes.length;
      if (part instanceof Slot) this.#slots--;
    }
    this.#parts = ready.length === parts.length ? null : parts.slice(ready.length);
    return ready.length === 0 ? null : ready;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#parts = null;
    this.#slots = 0;
    this.#slab = null;
    this.#large = null;
    this.#own = null;
    this.bytes = 0;
  }

  #closeRegion(): void {
    const slab = this.#slab;
    if (slab === null) return;
    this.#slab = null;
    if (this.#end > this.#start) this.#push(slab.buffer.subarray(this.#start, this.#end));
  }

  #push(part: Uint8Array | Slot): void {
    if (this.#parts === null) this.#parts = [part];
    else this.#parts.push(part);
  }

  #ownSlab(bytes: number): Slab {
    if (this.#own === null || this.#own.buffer.length - this.#own.at < bytes) {
      // Small for a few bytes, large when more wait: what a slab has left at its end counts for nobody.
      const size = this.bytes < SLAB_BYTES ? SLAB_FRAME_BYTES_MAX : SLAB_BYTES;
      this.#own = new Slab(Buffer.allocUnsafeSlow(size));
    }
    return this.#own;
  }
}

/** Memory for a large frame; not more than twice of what it needs, lest a slow peer keeps more than is counted. */
function largeBuffer(bytes: number): Buffer {
  const free = spare;
  if (free === null || free.length < bytes || free.length > 2 * bytes) return Buffer.allocUnsafeSlow(bytes);
  spare = null;
  return free;
}

function sharedSlab(bytes: number): Slab {
  if (SLAB_BYTES - shared.at < bytes) shared = new Slab(Buffer.allocUnsafeSlow(SLAB_BYTES));
  return shared;
}
