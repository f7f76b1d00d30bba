// One end of a simulated WebSocket: the engine's sans-I/O `Connection` on a wire, as `@trunkline/websocket` drives it on a socket of
// Node. What one turn produces leaves in one write.

import { Connection, type ConnectionEvents, resolveLimits } from '@trunkline/websocket';
import type { Machine } from './machine.js';
import type { Pipe } from './pipe.js';
import type { Simulator } from './simulator.js';
import type { Endpoint, Side, Wire } from './wire.js';

/** The ends that have something to write in this turn. */
export class Writes {
  readonly #waiting = new Set<FrameEnd>();

  add(end: FrameEnd): void {
    this.#waiting.add(end);
  }
  flush(): void {
    for (const end of this.#waiting) {
      this.#waiting.delete(end);
      end.flush();
    }
  }
}

export interface FrameEndOptions {
  readonly side: Side;
  readonly wire: Wire;
  readonly simulator: Simulator;
  readonly machine: Machine;
  readonly writes: Writes;
  readonly nextMask: () => number;
  readonly maxMessageBytes: number;
  readonly maxBufferedBytes: number;
}

const EVENTS: ConnectionEvents<FrameEnd> = {
  message: (end, data) => end.onMessage(data),
  failed() {},
  closed: (end, code, reason, wasClean) => end.onClosed(code, reason, wasClean),
};

export abstract class FrameEnd implements Endpoint {
  protected readonly frames: Connection<FrameEnd>;
  readonly wire: Wire;
  readonly #options: FrameEndOptions;
  readonly #out: Pipe;
  readonly #in: Pipe;
  #hasEnded = false;
  #isPeerDone = false;
  #plannedMs = Number.POSITIVE_INFINITY;

  constructor(options: FrameEndOptions) {
    const { side, wire, nextMask, maxMessageBytes, maxBufferedBytes } = options;
    this.#options = options;
    this.wire = wire;
    wire[side] = this;
    this.#out = side === 'client' ? wire.up : wire.down;
    this.#in = side === 'client' ? wire.down : wire.up;
    this.frames = new Connection<FrameEnd>({
      role: side,
      events: EVENTS,
      context: this,
      limits: resolveLimits({ maxMessageBytes, maxBufferedBytes }),
      nextMask,
    });
  }

  abstract onMessage(data: string | Uint8Array): void;
  abstract onClosed(code: number, reason: string, wasClean: boolean): void;
  /** What was written has been taken. */
  abstract onDrained(): void;

  get bufferedBytes(): number {
    return this.frames.outgoingBytes + this.#out.queuedBytes;
  }
  get takenBytes(): number {
    return this.#out.takenBytes;
  }

  sendText(text: string): void {
    if (this.bufferedBytes > this.#options.maxBufferedBytes) this.frames.abort();
    else this.frames.sendText(text);
    this.after();
  }

  closeFrames(code: number, reason: string): void {
    this.frames.close(code, reason, this.#options.simulator.nowMs);
    this.after();
  }

  pauseReading(): void {
    this.frames.pause();
    this.#in.pause();
  }
  /** Messages that waited are delivered at the end of this turn. */
  resumeReading(): void {
    this.#options.machine.endOfTurn(() => {
      this.frames.resume(this.#options.simulator.nowMs);
      if (!this.frames.paused) this.#in.resume();
      this.after();
    });
  }

  /** The process is too busy to read its socket: everything waits in its kernel. */
  stall(forMs: number): void {
    this.#in.pause();
    this.#options.machine.after(forMs, () => this.frames.paused || this.#in.resume());
  }

  received(chunk: Buffer): void {
    this.frames.receive(chunk, this.#options.simulator.nowMs);
    this.after();
  }

  drained(): void {
    this.frames.setBlocked(false);
    this.after();
    this.onDrained();
  }

  ended(): void {
    this.#isPeerDone = true;
    this.frames.receiveEnd();
    this.after();
  }

  broke(): void {
    this.frames.transportLost();
    this.after();
  }

  flush(): void {
    const outgoing = this.frames.takeOutgoing();
    const parts = outgoing === null ? [] : outgoing instanceof Uint8Array ? [outgoing] : outgoing;
    for (const part of parts) this.#out.write(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
    this.frames.settleOutgoing(false);
    this.frames.setBlocked(this.#out.queuedBytes > 0);
    this.#settle();
  }

  /** To be called after anything was done with `frames`. */
  protected after(): void {
    this.#options.writes.add(this);
  }

  /** Brings the wire to where the frames are. */
  #settle(): void {
    const { side, wire, simulator, machine } = this.#options;
    const { frames } = this;
    if (frames.wantsDestroy) {
      wire.abort(side);
      return;
    }
    if (frames.wantsEnd && !this.#hasEnded && frames.outgoingBytes === 0) {
      this.#hasEnded = true;
      this.#out.end();
      this.#in.resume();
    }
    if (this.#hasEnded && this.#isPeerDone) {
      wire.finish(side);
      frames.transportLost();
    }
    const { deadlineMs } = frames;
    if (deadlineMs === Number.POSITIVE_INFINITY || deadlineMs === this.#plannedMs) return;
    this.#plannedMs = deadlineMs;
    machine.after(deadlineMs - simulator.nowMs, () => {
      frames.advance(simulator.nowMs);
      this.after();
    });
  }
}
