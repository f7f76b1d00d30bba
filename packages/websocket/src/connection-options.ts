/** What a connection is made of, and whom it tells what happens on it. */
import type { CompressionAgreement } from './compression.js';
import type { WebSocketError } from './errors.js';
import type { Limits } from './limits.js';
import type { FrameObserver } from './observer.js';

/** Which end we are. It decides who masks (§5.1) and who ends the transport first (§7.1.1). */
export type Role = 'server' | 'client';

/**
 * What happens on connections, for all of them. Called synchronously from `receive`, `advance`, `resume` and the
 * methods that end a connection. Binary payloads are views of the received chunk.
 */
export interface ConnectionEvents<Context> {
  message(context: Context, data: string | Uint8Array): void;
  ping?(context: Context, payload: Uint8Array): void;
  pong?(context: Context, payload: Uint8Array): void;
  /** Before `closed`, when the end is an error. */
  failed(context: Context, error: WebSocketError): void;
  /**
   * Exactly once, as soon as the outcome is certain (§7.1.4–§7.1.6).
   * @param code the code of the first close frame received; 1005 if it had none, 1006 if none came.
   * @param wasClean whether both close frames were exchanged.
   */
  closed(context: Context, code: number, reason: string, wasClean: boolean): void;
  /**
   * Large messages were compressed or inflated in the thread pool: call `work`, which may report messages, and write
   * what there is then. Without it they are compressed and inflated at once.
   */
  later?(context: Context, work: () => void): void;
}

/** What a connection is told when it is made. */
export interface ConnectionOptions<Context> {
  readonly role: Role;
  readonly events: ConnectionEvents<Context>;
  readonly context: Context;
  /** Resolved limits, see `resolveLimits`. Default: all defaults. */
  readonly limits?: Limits;
  /** A fresh unpredictable 32-bit integer per call (§5.3). Required for a client. */
  readonly nextMask?: () => number;
  readonly observer?: FrameObserver | undefined;
  /** permessage-deflate as it was agreed on in the handshake (RFC 7692). Default: none. */
  readonly compression?: CompressionAgreement | null | undefined;
}
