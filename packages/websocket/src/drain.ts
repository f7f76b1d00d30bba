/** Ending all connections of a server: closes spread over time, and a deadline after which who is left is cut off. */

import type { Deadlines, Expiring } from './clock.js';
import { CLOSE_GOING_AWAY } from './close-codes.js';

/** Options of `drain`. */
export interface DrainOptions {
  /** Default 1001, going away. */
  readonly code?: number;
  /** At most 123 bytes of UTF-8. Default empty. */
  readonly reason?: string;
  /**
   * Over how long the closes are spread, in milliseconds, so that clients do not all come back at once. Default 0: all are
   * closed now. Each half second gets its share.
   */
  readonly spreadMs?: number;
  /** How long peers have, in milliseconds from now; then they are cut off. Default `spreadMs` and `closeWaitMs`. */
  readonly deadlineMs?: number;
}

interface Closable {
  close(code: number, reason: string): void;
}

export class Drain implements Expiring {
  readonly #startMs: number;
  readonly #endMs: number;
  readonly #spreadMs: number;
  #closed = 0;

  /** @param sockets all there are, a list of its own. @param cutOff aborts what is left. */
  constructor(
    readonly deadlines: Deadlines,
    readonly sockets: readonly Closable[],
    readonly options: DrainOptions,
    closeWaitMs: number,
    readonly cutOff: () => void,
  ) {
    const { spreadMs = 0, deadlineMs = spreadMs + closeWaitMs } = options;
    this.#startMs = deadlines.clock.nowMs();
    this.#endMs = this.#startMs + deadlineMs;
    this.#spreadMs = spreadMs;
  }

  /** Due at each sweep while there is somebody to close. */
  get deadlineMs(): number {
    return this.#closed < this.sockets.length ? Number.NEGATIVE_INFINITY : this.#endMs;
  }

  begin(): void {
    this.deadlines.watch(this);
    if (this.#spreadMs === 0) this.#closeUpTo(this.sockets.length);
  }

  expire(nowMs: number): void {
    if (nowMs >= this.#endMs) {
      this.#closed = this.sockets.length;
      this.cutOff();
      return;
    }
    const share = Math.min(1, (nowMs - this.#startMs) / this.#spreadMs);
    this.#closeUpTo(Math.ceil(this.sockets.length * share));
  }

  end(): void {
    this.deadlines.forget(this);
  }

  #closeUpTo(count: number): void {
    const { code = CLOSE_GOING_AWAY, reason = '' } = this.options;
    for (; this.#closed < count; this.#closed++) this.sockets[this.#closed]?.close(code, reason);
  }
}
