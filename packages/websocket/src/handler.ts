/** What an application implements, and what a socket needs of whoever made it. */
import type { Duplex } from 'node:stream';
import type { Clock, Deadlines } from './clock.js';
import type { CompressionAgreement } from './compression.js';
import type { Role } from './connection-options.js';
import type { WebSocketError } from './errors.js';
import type { Heartbeat } from './heartbeat.js';
import type { Limits } from './limits.js';
import type { NodeSocket } from './node-socket.js';
import type { FrameObserver } from './observer.js';
import type { HandshakeInfo } from './server-handshake.js';

/**
 * What an application does on its connections: one object for all of them. An error thrown by a callback closes the
 * connection with 1011 and goes to `error`; without `error` it is thrown again as an uncaught exception.
 */
export interface WebSocketHandler<Data = unknown> {
  /** The connection is open. The handshake is not kept: copy what is needed, for instance into `socket.data`. */
  open?(socket: NodeSocket<Data>, handshake: HandshakeInfo): void;
  /** A text message (string) or a binary one (bytes; a view of received memory, which may be kept: at most 64 KiB stay with it). */
  message?(socket: NodeSocket<Data>, data: string | Uint8Array): void;
  /** A ping, already answered. Copy the payload to keep it. */
  ping?(socket: NodeSocket<Data>, payload: Uint8Array): void;
  pong?(socket: NodeSocket<Data>, payload: Uint8Array): void;
  /** After a `send` that returned `queued`: what waited was taken by the transport, or nearly so. */
  drain?(socket: NodeSocket<Data>): void;
  /** What went wrong, before `close`. */
  error?(socket: NodeSocket<Data>, error: WebSocketError): void;
  /**
   * Exactly once, also when `open` was never called (client).
   * @param code the peer's close code; 1005 if its close frame had none, 1006 if no close frame came.
   * @param wasClean whether both close frames were exchanged.
   */
  close?(socket: NodeSocket<Data>, code: number, reason: string, wasClean: boolean): void;
}

/**
 * `sent`: leaves with this turn's write, or has left. `queued`: accepted, but the peer is not keeping up; `drain` follows.
 * `dropped`: the connection is not open, nothing will be sent.
 */
export type SendResult = 'sent' | 'queued' | 'dropped';

/** Whoever made the socket. */
export interface SocketOwner {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly limits: Limits;
  /** `null` if silent peers are left alone. */
  readonly heartbeat: Heartbeat | null;
  /** The outcome is known; the transport may still be ending. */
  socketClosed(socket: NodeSocket<unknown>): void;
  /** The transport is gone. */
  socketGone(socket: NodeSocket<unknown>): void;
}

/** A transport whose handshake is done. */
export interface StartOptions {
  readonly transport: Duplex;
  readonly role: Role;
  readonly protocol: string;
  readonly handshake: HandshakeInfo;
  /** Bytes that came behind the handshake. */
  readonly head: Uint8Array;
  /** Bytes to write before the first frame. */
  readonly response?: Uint8Array;
  readonly nextMask?: () => number;
  readonly observer?: FrameObserver | undefined;
  readonly compression?: CompressionAgreement | null;
}

/** How to send one message. */
export interface SendOptions {
  /**
   * Whether to compress it, where compression was agreed on. Default: if it has at least `thresholdBytes`. Say `false`
   * where a secret travels with text that an attacker chose: the size of the result tells about the secret (RFC 7692 §8).
   */
  readonly compress?: boolean;
}
