// One direction of a TCP connection: bytes in order, with latency, jitter, bandwidth, and a bounded amount in kernels and on the
// way. What the kernel does not take waits with the sender; who does not read holds the sender up.

import type { Random } from './random.js';
import type { Simulator } from './simulator.js';

/** What the bytes meet on their way. Changes apply to what is sent from then on. */
export interface Conditions {
  latencyMs: number;
  jitterMs: number;
  bytesPerMs: number;
  /** Bytes in both kernels and on the way, at most. */
  kernelBytes: number;
  /** Nothing moves before this time. */
  frozenUntilMs: number;
  /** How often a piece arrives in two parts. */
  splitRatio: number;
}

export interface PipeEnds {
  /** To the reader: bytes it may keep. */
  received(chunk: Buffer): void;
  /** To the writer: nothing waits any more. */
  drained(): void;
  /** To the reader: the writer has ended its side, and all of it was read. */
  ended(): void;
  /** Whether the reader's process runs now; if not, `later` is called when it does. */
  reads(later: () => void): boolean;
}

/** A writer is let go on when there is room for this much. */
const SEGMENT_BYTES = 1_460;
/** The end of a stream, in the place of a piece of it. */
const END = Buffer.alloc(0);

export class Pipe {
  /** Bytes that the writer's kernel has taken since the connection opened. */
  takenBytes = 0;
  /** Bytes that wait with the writer. */
  queuedBytes = 0;
  readonly #queue: Buffer[] = [];
  #kernelBytes = 0;
  readonly #arrived: Buffer[] = [];
  #isPaused = false;
  #isOver = false;
  #isSilent = false;
  #isDelivering = false;
  #sendsAtMs = 0;
  #arrivesAtMs = 0;
  /** Bytes that still arrive before a cut, if one is planned. */
  #bytesToCut = Number.POSITIVE_INFINITY;
  #onCut = () => {};

  constructor(
    private readonly simulator: Simulator,
    private readonly random: Random,
    private readonly conditions: Conditions,
    private readonly ends: PipeEnds,
  ) {}

  write(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#queue.push(chunk);
    this.queuedBytes += chunk.length;
    this.#pump();
  }

  /** The writer has no more to say. */
  end(): void {
    this.write(END);
  }

  /** Nothing arrives any more. The writer's kernel takes what it has room for, as it does not know. */
  silence(): void {
    this.#isSilent = true;
    this.#arrived.length = 0;
  }

  /** The connection is over: what waits is thrown away. */
  stop(): void {
    this.#isOver = true;
    this.#queue.length = 0;
    this.queuedBytes = 0;
    this.#arrived.length = 0;
  }

  /** Lets `bytes` more arrive, then `then` happens: the middle of a frame, most likely. */
  cutAfter(bytes: number, then: () => void): void {
    this.#bytesToCut = bytes;
    this.#onCut = then;
  }

  pause(): void {
    this.#isPaused = true;
  }
  resume(): void {
    this.#isPaused = false;
    this.#deliver();
  }

  #pump(): void {
    for (let chunk = this.#queue[0]; chunk !== undefined; chunk = this.#queue[0]) {
      const room = this.conditions.kernelBytes - this.#kernelBytes;
      // As a kernel does: no crumbs.
      if (room < Math.min(chunk.length, SEGMENT_BYTES)) return;
      if (chunk.length > room && chunk !== END) {
        this.#queue[0] = chunk.subarray(room);
        this.#send(chunk.subarray(0, room));
        return;
      }
      this.#queue.shift();
      this.#send(chunk);
    }
  }

  #send(chunk: Buffer): void {
    this.queuedBytes -= chunk.length;
    this.takenBytes += chunk.length;
    this.#kernelBytes += chunk.length;
    const { latencyMs, jitterMs, bytesPerMs, frozenUntilMs, splitRatio } = this.conditions;
    const startMs = Math.max(this.simulator.nowMs, this.#sendsAtMs, frozenUntilMs);
    this.#sendsAtMs = startMs + chunk.length / bytesPerMs;
    const arriveMs = Math.max(this.#arrivesAtMs, this.#sendsAtMs + latencyMs + this.random.next() * jitterMs);
    if (chunk.length > 1 && this.random.chance(splitRatio)) {
      const at = this.random.whole(1, chunk.length - 1);
      this.#arrivesAtMs = arriveMs + this.random.next() * jitterMs;
      this.#arriveAt(arriveMs, chunk.subarray(0, at));
      this.#arriveAt(this.#arrivesAtMs, chunk.subarray(at));
    } else {
      this.#arrivesAtMs = arriveMs;
      this.#arriveAt(arriveMs, chunk);
    }
  }

  #arriveAt(timeMs: number, chunk: Buffer): void {
    this.simulator.at(timeMs, () => {
      if (this.#isOver || this.#isSilent) return;
      // The link froze while it was on its way.
      if (this.conditions.frozenUntilMs > this.simulator.nowMs) {
        return this.#arriveAt(this.conditions.frozenUntilMs, chunk);
      }
      this.#arrived.push(chunk);
      this.#deliver();
    });
  }

  #deliver(): void {
    if (this.#isDelivering) return;
    this.#isDelivering = true;
    const waited = this.queuedBytes > 0;
    while (!this.#isPaused && this.#arrived.length > 0 && this.ends.reads(() => this.#deliver())) {
      const chunk = this.#arrived.shift() as Buffer;
      this.#kernelBytes -= chunk.length;
      if (chunk === END) this.ends.ended();
      else if (chunk.length < this.#bytesToCut) {
        this.#bytesToCut -= chunk.length;
        this.ends.received(chunk);
      } else {
        if (this.#bytesToCut > 0) this.ends.received(chunk.subarray(0, this.#bytesToCut));
        this.#onCut();
      }
    }
    this.#isDelivering = false;
    if (this.#isOver) return;
    this.#pump();
    if (waited && this.queuedBytes === 0) this.ends.drained();
  }
}
