// Whether a connection is still alive: when its peer was heard last, and whether it takes what it is sent. A peer that reports
// what it processed is believed rather than the socket: kernels and proxies take megabytes for someone who takes nothing.

import { SEEN_LEAST_BYTES } from '@trunkline/protocol';
import type { Outflow } from './outflow.js';

/** What a look at a connection finds: it takes nothing, it says nothing, it is time to ask, or none of these. */
export type Finding = 'stalled' | 'silent' | 'ping' | null;

export class LifeSigns {
  /** The last round trip measured, in milliseconds. */
  rttMs: number | undefined;
  #receivedMs: number;
  #pingedMs: number;
  #pongAwaited = false;
  #takenBytes = 0;
  #takenMs: number;
  #seenBytes = 0;
  #seenMs: number;

  constructor(nowMs: number) {
    this.#receivedMs = nowMs;
    this.#pingedMs = nowMs;
    this.#takenMs = nowMs;
    this.#seenMs = nowMs;
  }

  /** Something arrived, whatever it was. */
  heard(nowMs: number): void {
    this.#receivedMs = nowMs;
  }

  ponged(nowMs: number): void {
    if (this.#pongAwaited) this.rttMs = nowMs - this.#pingedMs;
    this.#pongAwaited = false;
  }

  /** The next ping is due one interval from now. */
  opened(nowMs: number): void {
    this.#pingedMs = nowMs;
  }

  /** What lies before `nowMs` counts neither as silence nor as standstill. */
  pardon(nowMs: number): void {
    this.#receivedMs = nowMs;
    this.#takenMs = nowMs;
    this.#seenMs = nowMs;
  }

  /**
   * Looks at the connection. `ping`: it counts as sent now.
   * @param isRead `false` while we do not read the connection: then its peer cannot show that it lives.
   */
  check(
    nowMs: number,
    outflow: Outflow,
    limits: { readonly pingMs: number; readonly stallTimeoutMs: number },
    isRead: boolean,
  ): Finding {
    const { bufferedBytes, takenBytes } = outflow.connection;
    const { seenBytes } = outflow;
    const hasSeen = seenBytes !== this.#seenBytes;
    this.#seenBytes = seenBytes;
    // Processing counts for the socket too: one with a large buffer takes nothing for long from a peer that reads slowly.
    if (hasSeen || bufferedBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#takenMs = nowMs;
    }
    // So few bytes need no report, and a report that we do not read cannot be missed.
    if (hasSeen || outflow.onTheirWayBytes <= SEEN_LEAST_BYTES || !isRead) this.#seenMs = nowMs;
    if (!isRead) this.#receivedMs = nowMs;
    if (nowMs - Math.min(this.#takenMs, this.#seenMs) > limits.stallTimeoutMs) return 'stalled';
    if (nowMs - this.#receivedMs > 2 * limits.pingMs) return 'silent';
    if (nowMs - this.#pingedMs < limits.pingMs) return null;
    this.#pingedMs = nowMs;
    this.#pongAwaited = true;
    return 'ping';
  }
}
