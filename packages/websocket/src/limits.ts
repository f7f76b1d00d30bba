/**
 * Every limit of the engine, with its default. Limits are on from the first byte: the missing or huge default was
 * itself the hole in CVE-2016-10542. Reached from `createWebSocketServer`, `connect` and `Connection`.
 */
import { MisuseError } from './errors.js';

/** Limits of one connection. */
export interface Limits {
  /**
   * Largest message accepted, in bytes after reassembly and inflating. Default 1_048_576; `0` admits only empty messages.
   * A larger one fails the connection with 1009 (RFC 6455 §7.4.1); a declared length past the limit is refused unread.
   */
  readonly maxMessageBytes: number;
  /**
   * Most frames one message may be made of, empty ones included. Default 4_096. One more fails the connection with 1008.
   * Independent of it, `bytes + 100 * frames` of a fragmented message must stay within `2 * maxMessageBytes` (at least
   * 65_536), so that tiny fragments cost their sender more than they cost us.
   */
  readonly maxFragments: number;
  /** Pings and pongs accepted in one second. Default 1_000. One more fails the connection with 1008. */
  readonly maxControlFramesPerSecond: number;
  /**
   * Most bytes that may wait to be sent, in this package and in Node's stream together. Default `4 * maxMessageBytes`, at
   * least 4_194_304: over TLS Node counts a write until some time after the peer has it all, so that the answer to the
   * peer's next message, as large as a message may be, comes on top of the last one. A message that would exceed it aborts
   * the connection (1006 on both sides, error `outgoing_limit`): behind that much unsent data a close frame would not
   * arrive either. One message of any size is accepted while nothing is waiting. So peers that never read cost their number
   * times this; the memory behind it is at most a third more than what is counted, and 0.6 MiB (a large buffer used again).
   */
  readonly maxBufferedBytes: number;
  /** How long the peer has to answer a close, and to end the transport after it, in milliseconds. Default 10_000. */
  readonly closeWaitMs: number;
  /**
   * Client: from `connect()` to the validated response, time in the queue excluded. Server: how long `check` may take. In
   * milliseconds, default 10_000.
   */
  readonly handshakeMs: number;
  /** Client: largest response head, in bytes. Default 16_384. (A server's request head is bounded by `node:http`.) */
  readonly maxHandshakeBytes: number;
  /** Most header fields in a handshake head, either side. Default 100. */
  readonly maxHandshakeFields: number;
  /**
   * Server: most handshakes whose `check` has not been answered, and refused peers that have not gone, together. Default
   * 1_000. One more gets 503 and is cut off once that is written.
   */
  readonly maxPendingHandshakes: number;
}

/** What holds where nothing else is said. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  maxMessageBytes: 1_048_576,
  maxFragments: 4_096,
  maxControlFramesPerSecond: 1_000,
  maxBufferedBytes: 4_194_304,
  closeWaitMs: 10_000,
  handshakeMs: 10_000,
  maxHandshakeBytes: 16_384,
  maxHandshakeFields: 100,
  maxPendingHandshakes: 1_000,
});

/** A message cannot be larger than what one Node buffer and one 32-bit counter can hold with room to spare. */
const MAX_LIMIT = 0x3fff_ffff;

/** How many of the largest messages may wait by default. */
const MESSAGES_BUFFERED = 4;

/** Fills in defaults. @throws MisuseError if a limit is not an integer between 0 and 2^30 - 1. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const known = { ...DEFAULT_LIMITS, ...withoutUndefined(given) };
  const buffered = Math.max(DEFAULT_LIMITS.maxBufferedBytes, MESSAGES_BUFFERED * known.maxMessageBytes);
  const limits: Limits = { ...known, maxBufferedBytes: given.maxBufferedBytes ?? Math.min(buffered, MAX_LIMIT) };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 0 || value > MAX_LIMIT) {
      throw new MisuseError('invalid_argument', `limits.${name} must be an integer from 0 to ${MAX_LIMIT}`);
    }
  }
  return limits;
}

function withoutUndefined(given: Partial<Limits>): Partial<Limits> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
