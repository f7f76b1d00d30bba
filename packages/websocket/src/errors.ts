/**
 * The errors of the engine. The class says whose fault it was: `MisuseError` is thrown at the caller at once,
 * `BreachError` is what the peer did wrong and carries the close code it was told, `TransportError` is the world
 * failing and may carry a `cause`. The last two are never thrown out of a callback: they reach `handler.error`,
 * followed by `handler.close` with 1006. Codes are stable, wording is free.
 */

/** What the caller did wrong. */
export type MisuseCode = 'invalid_argument' | 'invalid_url' | 'invalid_header';

/** What the peer did wrong. */
export type BreachCode =
  | 'frame_invalid'
  | 'text_invalid'
  | 'deflate_invalid'
  | 'message_too_big'
  | 'too_many_fragments'
  | 'too_many_control_frames'
  | 'handshake_invalid';

/** What happened to the connection. */
export type TransportCode =
  | 'connect_failed'
  | 'connect_timeout'
  | 'connect_aborted'
  | 'handshake_refused'
  | 'connection_lost'
  | 'close_timeout'
  | 'peer_silent'
  | 'outgoing_limit'
  | 'handler_threw';

/** Base of all errors of this package. */
export abstract class WebSocketError extends Error {
  /** Stable word for programs; the message is for people. */
  abstract readonly code: MisuseCode | BreachCode | TransportCode;
  /** Whether doing the same again can succeed. */
  abstract readonly retryable: boolean;
}

/** The caller passed something that can never work. Thrown synchronously, nothing was sent. */
export class MisuseError extends WebSocketError {
  override readonly name = 'MisuseError';
  override readonly retryable = false;

  constructor(
    override readonly code: MisuseCode,
    message: string,
  ) {
    super(message);
  }
}

/** The peer broke RFC 6455 or a limit. The connection was failed (§7.1.7). */
export class BreachError extends WebSocketError {
  override readonly name = 'BreachError';
  override readonly retryable = false;

  constructor(
    override readonly code: BreachCode,
    /** The close code sent to the peer (§7.4.1); 1006 where no frame could be sent yet (a bad handshake). */
    readonly closeCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** The connection could not be made, or was lost without a closing handshake. */
export class TransportError extends WebSocketError {
  override readonly name = 'TransportError';
  override readonly retryable: boolean;
  /** The HTTP status, for `handshake_refused`; else 0. */
  readonly status: number;

  constructor(
    override readonly code: TransportCode,
    message: string,
    options: { readonly cause?: unknown; readonly status?: number } = {},
  ) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.status = options.status ?? 0;
    // A refusal that names the client (4xx) stays; overload, gateways and lost links pass.
    this.retryable = code !== 'connect_aborted' && !(this.status >= 300 && this.status < 500 && this.status !== 429);
  }
}
