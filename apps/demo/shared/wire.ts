// What the server saw on one client's connections, as it is sent to the Wire drawer.

interface WireBase {
  /** Counts a client's events: 1, 2, 3 …, within the server's `boot`. */
  readonly n: number;
  /** Counts a client's connections: 1, 2, 3 … */
  readonly connection: number;
  /** Server time, in milliseconds since 1970, to a thousandth. */
  readonly at: number;
}

/** The handshake: both heads as they were on the wire, secrets masked. */
export interface WireOpen extends WireBase {
  readonly kind: 'open';
  readonly requestHead: string;
  readonly responseHead: string;
}

export interface WireFrame extends WireBase {
  readonly kind: 'frame';
  /** As the server sees it: `in` comes from the client. */
  readonly direction: 'in' | 'out';
  /** RFC 6455 §5.2: 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong. */
  readonly opcode: number;
  readonly fin: boolean;
  readonly payloadBytes: number;
  /** The beginning of the payload: text, or hexadecimal bytes if it is binary. Secrets are masked. */
  readonly preview: string;
  /** Whether `preview` is less than the payload. */
  readonly cut: boolean;
  /** Of a close frame. 1005: it had no code. */
  readonly closeCode?: number;
  readonly reason?: string;
}

/** How a connection ended. */
export interface WireEnd extends WireBase {
  readonly kind: 'end';
  readonly code: number;
  readonly reason: string;
  /** Whether both Close frames were exchanged. */
  readonly wasClean: boolean;
}

/** An HTTP request and its answer, secrets masked. Its `connection` is 0. */
export interface WireExchange extends WireBase {
  readonly kind: 'exchange';
  readonly requestHead: string;
  readonly responseHead: string;
  /** Bytes on the wire, head and body. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
  /** The beginnings of the bodies. */
  readonly requestBody: string;
  readonly responseBody: string;
  readonly status: number;
  /** From the request's head until the answer was written. */
  readonly tookMs: number;
}

export type WireEvent = WireOpen | WireFrame | WireEnd | WireExchange;

/** The header field by which an HTTP request says whose wire it belongs to. */
export const WIRE_TAB_HEADER = 'x-wire-tab';

/** Sums over all of a client's connections, also over what is no longer kept. */
export interface WireTotals {
  readonly framesIn: number;
  readonly framesOut: number;
  /** HTTP requests that were answered. */
  readonly requests: number;
  /** Bytes of whole frames, header and mask included, and of requests and answers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes of both directions that are payload of text and binary messages, or bodies of requests and answers. */
  readonly dataBytes: number;
  readonly handshakeBytes: number;
}

/** The number under which a connection's data messages name a stream. */
export interface WireStream {
  readonly connection: number;
  readonly ch: number;
  readonly stream: string;
}

/** One Server-Sent Event of `/wire`. */
export interface WireBatch {
  /** Names the server's life: `n` begins anew with it. */
  readonly boot: string;
  readonly events: readonly WireEvent[];
  readonly totals: WireTotals;
  /** Names that became known with these events, or with ones that are no longer kept. */
  readonly streams: readonly WireStream[];
  /** Events that were no longer kept when they should have been sent. */
  readonly missed: number;
}

/** The header of a frame in bytes: 2, more for longer payloads, and a mask on all that a client sends (RFC 6455 §5.2). */
export function frameHeaderBytes(direction: 'in' | 'out', payloadBytes: number): number {
  const length = payloadBytes < 126 ? 0 : payloadBytes < 65_536 ? 2 : 8;
  return 2 + length + (direction === 'in' ? 4 : 0);
}
