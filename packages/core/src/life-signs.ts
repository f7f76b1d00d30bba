// Whether a connection is still alive: when its peer was heard last, and whether it takes what it is sent. A peer that reports
// what it processed is believed rather than the socket: kernels and proxies take megabytes for someone who takes nothing.

import { SEEN_LEAST_BYTES } from '@trunkline/protocol';
import { moment, msBetween } from './moment.js';
import type { Outflow } from './outflow.js';

/** What a look at a connection finds: it takes nothing, it says nothing, it is time to ask, or none of these. */
export type Finding = 'stalled' | 'silent' | 'ping' | null;

export class LifeSigns {
  /** The last round trip measured, in milliseconds. */
  rttMs: number | undefined;
  // Moments, by `moment.ts`.
  #received: number;
  #pinged: number;
  #pongAwaited = false;
  #takenBytes = 0;
  #taken: number;
  #seenBytes = 0;
  #seen: number;

  constructor(nowMs: number) {
    const now = moment(nowMs);
    this.#received = now;
    this.#pinged = now;
    this.#taken = now;
    this.#seen = now;
  }

  /** Something arrived, whatever it was. */
  heard(nowMs: number): void {
    this.#received = moment(nowMs);
  }

  ponged(nowMs: number): void {
    if (this.#pongAwaited) this.rttMs = msBetween(this.#pinged, moment(nowMs));
    this.#pongAwaited = false;
  }

  /** The next ping is due one interval from now. */
  opened(nowMs: number): void {
    this.#pinged = moment(nowMs);
  }

  /** What lies before `nowMs` counts neither as silence nor as standstill. */
  pardon(nowMs: number): void {
    const now = moment(nowMs);
    this.#received = now;
    this.#taken = now;
    this.#seen = now;
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
    const now = moment(nowMs);
    const { bufferedBytes, takenBytes } = outflow.connection;
    const { seenBytes } = outflow;
    const hasSeen = seenBytes !== this.#seenBytes;
    this.#seenBytes = seenBytes;
    // Processing counts for the socket too: one with a large buffer takes nothing for long from a peer that reads slowly.
    if (hasSeen || bufferedBytes === 0 || takenBytes !== this.#takenBytes) {
      this.#takenBytes = takenBytes;
      this.#taken = now;
    }
    // So few bytes need no report, and a report that we do not read cannot be missed.
    if (hasSeen || outflow.onTheirWayBytes <= SEEN_LEAST_BYTES || !isRead) this.#seen = now;
    if (!isRead) this.#received = now;
    const standstillMs = Math.max(msBetween(this.#taken, now), msBetween(this.#seen, now));
    if (standstillMs > limits.stallTimeoutMs) return 'stalled';
    if (msBetween(this.#received, now) > 2 * limits.pingMs) return 'silent';
    if (msBetween(this.#pinged, now) < limits.pingMs) return null;
    this.#pinged = now;
    this.#pongAwaited = true;
    return 'ping';
  }
}
