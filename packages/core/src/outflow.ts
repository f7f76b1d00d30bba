// What one connection has been given, and what its receiver has processed of it. Kernels, proxies and browsers buffer
// megabytes, so a receiver that reports (`seen`) is believed rather than its socket: what is on its way stays below a window,
// which follows what the receiver processes. Everything that is said on a connection passes here.

import { SEEN_LEAST_BYTES, SEEN_MS, utf8Bytes } from '@trunkline/protocol';
import { moment, msBetween } from './moment.js';
import type { Clock, Connection, SharedText } from './ports.js';

/** With more bytes than this that the socket has not taken, a connection is full, whatever its receiver reports. */
export const MAX_UNTAKEN_BYTES = 262_144;
/** The window for slices of logs is never smaller, in bytes: a receiver of which nothing is known is not taken for a slow one. */
export const MIN_WINDOW_BYTES = 65_536;
/**
 * The same for requests. More than slices ever fill, so that who publishes over a slow link does not wait for its turn behind what
 * it reads; and as much as a client may leave untaken that does not report.
 */
export const MIN_REQUEST_WINDOW_BYTES = 262_144;
/** No window is larger, in bytes: at a round trip of 200 ms it lets 5 MB a second pass. */
export const MAX_WINDOW_BYTES = 1_048_576;
/**
 * Behind a slow receiver values wait for no more than this, in bytes: just above what a receiver may leave unreported, so that the next
 * slice is put when the one before is processed.
 */
export const SLOW_WINDOW_BYTES = SEEN_LEAST_BYTES + 256;
/** A receiver is slow whose report of a message comes this long after it was sent, in milliseconds: more than the time between two reports and a far way. */
const SLOW_MS = SEEN_MS + 200;
/** And no longer, once one comes this soon. */
const PROMPT_MS = 150;
/** The window is twice what was processed in this time, in milliseconds: so it can double in every round trip up to this long. */
const SPAN_MS = 250;
const WINDOW_SPANS = 2;

export class Outflow {
  /** Whether the receiver said that it would report. Bytes are counted only then. */
  #reports = false;
  #sentBytes = 0;
  #seenBytes = 0;
  // What was processed lately, in three numbers: time is cut in spans, and of the one before the present one that share is
  // counted which lies within the last 250 ms, as if its bytes had come evenly.
  /** When the present span began. */
  #span = 0;
  #spanSeenBytes = 0;
  #lastSpanBytes = 0;
  /** One message at a time is followed from when it is sent until it is reported: what was sent up to it, and when. */
  #markBytes = 0;
  #markedAt = 0;
  #isSlow = false;
  /** When the last report came, or, where nothing was on its way then, when the next thing was sent. */
  #awaitedSince = 0;

  constructor(
    readonly connection: Connection,
    private readonly clock: Clock,
  ) {}

  /** The receiver will report: what is sent from now on counts. Call it before the first message. */
  expectReports(): void {
    this.#reports = true;
  }
  get reports(): boolean {
    return this.#reports;
  }

  /** One message for this peer alone. */
  send(text: string): void {
    if (this.#reports) this.#count(utf8Bytes(text));
    this.connection.send(text);
  }

  /** One message that other connections get too. */
  sendShared(shared: SharedText): void {
    if (this.#reports) this.#count(shared.bytes);
    this.connection.sendShared(shared);
  }

  /** Bytes that the receiver has reported to have processed. */
  get seenBytes(): number {
    return this.#seenBytes;
  }
  /** Payload bytes sent and not reported; 0 for a receiver that does not report. */
  get onTheirWayBytes(): number {
    return this.#sentBytes - this.#seenBytes;
  }

  /** Whether the socket alone has more than it takes. */
  get isUntaken(): boolean {
    return this.connection.bufferedBytes > MAX_UNTAKEN_BYTES;
  }

  /** Whether nothing further may be put on the connection for now. @param minWindowBytes The window is at least as large; at most `MAX_WINDOW_BYTES`. */
  isFull(minWindowBytes: number): boolean {
    if (this.connection.bufferedBytes > MAX_UNTAKEN_BYTES) return true;
    const bytes = this.#sentBytes - this.#seenBytes;
    // The clock is read for those only who may be behind: a flush asks this for thousands.
    return bytes >= minWindowBytes && bytes >= this.windowBytes(minWindowBytes);
  }

  /**
   * The same for what is soon replaced by newer: values of a table, signals. What waits behind a slow receiver grows old, so for one nothing is put on
   * the connection before the last is nearly processed.
   */
  isFullForNewest(minWindowBytes: number): boolean {
    if (this.isFull(minWindowBytes)) return true;
    return this.#isSlow && this.#sentBytes - this.#seenBytes >= SLOW_WINDOW_BYTES;
  }

  /** Bytes that may be on their way before the connection counts as full. */
  windowBytes(minWindowBytes: number): number {
    return Math.min(MAX_WINDOW_BYTES, Math.max(minWindowBytes, WINDOW_SPANS * this.#processedBytes()));
  }

  /** The receiver says that it has processed so many bytes in all. What does not grow changes nothing. @returns What is wrong with that. */
  seen(bytes: number): string | null {
    if (!this.#reports) return 'seen: hello did not name this feature';
    if (bytes > this.#sentBytes) return `seen: ${bytes} bytes are more than the ${this.#sentBytes} that were sent`;
    if (bytes <= this.#seenBytes) return null;
    const now = moment(this.clock.nowMs());
    const sinceMs = msBetween(this.#span, now);
    // A clock that was set back begins anew.
    if (sinceMs < 0 || sinceMs >= SPAN_MS) {
      const isNext = sinceMs >= 0 && sinceMs < 2 * SPAN_MS;
      this.#lastSpanBytes = isNext ? this.#seenBytes - this.#spanSeenBytes : 0;
      this.#span = isNext ? moment(this.#span + SPAN_MS) : now;
      this.#spanSeenBytes = this.#seenBytes;
    }
    // A large message is reported when all of it was processed. Taken for the work of this moment, it opened the window of a slow
    // receiver wide, and what went through came late: it was processed evenly, and only its share of the last 250 ms counts.
    const tookMs = msBetween(this.#awaitedSince, now);
    const newBytes = bytes - this.#seenBytes;
    if (bytes >= this.#markBytes && this.#markBytes > this.#seenBytes) this.#judge(msBetween(this.#markedAt, now));
    if (tookMs > SPAN_MS) this.#spanSeenBytes += newBytes - Math.round((newBytes * SPAN_MS) / tookMs);
    this.#awaitedSince = now;
    this.#seenBytes = bytes;
    return null;
  }

  #count(bytes: number): void {
    const isMarked = this.#markBytes > this.#seenBytes;
    if (!isMarked) {
      this.#markedAt = moment(this.clock.nowMs());
      if (this.#sentBytes === this.#seenBytes) this.#awaitedSince = this.#markedAt;
    }
    this.#sentBytes += bytes;
    if (!isMarked) this.#markBytes = this.#sentBytes;
  }

  #judge(tookMs: number): void {
    if (tookMs > SLOW_MS) this.#isSlow = true;
    else if (tookMs < PROMPT_MS) this.#isSlow = false;
  }

  /** In the last 250 ms. */
  #processedBytes(): number {
    const sinceMs = msBetween(this.#span, moment(this.clock.nowMs()));
    const bytes = this.#seenBytes - this.#spanSeenBytes;
    if (sinceMs < 0 || sinceMs >= 2 * SPAN_MS) return 0;
    if (sinceMs >= SPAN_MS) return (bytes * (2 * SPAN_MS - sinceMs)) / SPAN_MS;
    return bytes + (this.#lastSpanBytes * (SPAN_MS - sinceMs)) / SPAN_MS;
  }
}
