/** What `createWebSocketServer` and `accept` take. */
import type { Clock } from './clock.js';
import type { CompressionOptions } from './compression.js';
import type { WebSocketHandler } from './handler.js';
import type { Limits } from './limits.js';
import type { FrameObserver } from './observer.js';
import type { HandshakeInfo, Refusal, UpgradeRequest } from './server-handshake.js';

/** Options of `createWebSocketServer`. */
export interface WebSocketServerOptions<Data = unknown> {
  readonly handler: WebSocketHandler<Data>;
  readonly limits?: Partial<Limits>;
  /** Accept only this path (without query). Default: any. */
  readonly path?: string;
  /**
   * Subprotocols we speak: the first of the client's list that is among them is chosen. Or a function that chooses one
   * of the client's, or `undefined` for none. Default: none.
   */
  readonly protocols?:
    | readonly string[]
    | ((offered: readonly string[], handshake: HandshakeInfo) => string | undefined);
  /** Compress messages for clients that offer it (permessage-deflate, RFC 7692). Default false. */
  readonly compression?: boolean | CompressionOptions;
  /**
   * Pages that may connect besides those of the host that they connect to (RFC 6455 §10.2): `https://example.com`, `'null'`
   * (files, sandboxed frames), `'*'` for all. Default: none. Other pages get 403, before `checkAddress` and `check`. Who sends no
   * `Origin` is no page. Behind a proxy that changes `Host`, name the public origin.
   */
  readonly origins?: readonly string[];
  /**
   * May refuse a valid handshake: 401, 403, 3xx with `location`, 503. A promise keeps the peer
   * waiting, for at most `handshakeMs`.
   */
  check?(handshake: HandshakeInfo): Refusal | undefined | Promise<Refusal | undefined>;
  /**
   * May refuse one more connection of an address (429), before `check`. Only with it are connections counted by address.
   * Behind a proxy all have the proxy's address. @param open how many there are.
   */
  checkAddress?(address: string, open: number, handshake: HandshakeInfo): Refusal | undefined;
  /** Told about every refusal, for logs. */
  refused?(refusal: Refusal, request: UpgradeRequest): void;
  /**
   * After how much silence a peer is pinged, in milliseconds. Default 30_000; 0 for never, and then nobody is given up
   * either. Anything received counts, and so does what the peer takes of what waits for it. Up to a quarter later, to
   * which half a second either way comes (below 4_000 an eighth of the time, but 10 ms at least).
   */
  readonly idlePingMs?: number;
  /**
   * After how much silence a peer is given up (1006, `peer_silent`), in milliseconds, as exactly as `idlePingMs` is kept.
   * Default twice that.
   */
  readonly deadAfterMs?: number;
  /** Watches a connection. */
  observe?(handshake: HandshakeInfo): FrameObserver | undefined;
  /** Default: the system's. */
  readonly clock?: Clock;
}

/** Options of `accept`. */
export interface AcceptOptions {
  /** The subprotocol agreed on. Default: none. */
  readonly protocol?: string;
  /** Frames that came already. Default: none. */
  readonly head?: Uint8Array;
}
