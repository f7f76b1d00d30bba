/**
 * A connection on a Node stream: the adapter between `Connection` and any `Duplex`, for server and client alike.
 *
 * It gathers writes: whatever is sent to a connection during a turn of the event loop leaves in one write at its end; only
 * what is large does not wait.
 * Writing replies earlier, at the end of each data callback, was measured too: no faster for echoes one at a time, 5-15 %
 * slower for pipelined ones, and 15-20 % slower where each message goes to many (their sender was written to twice).
 * It holds no timer, emitter or closure: listeners are shared functions that find their socket by a symbol on the stream.
 */
import { Socket } from 'node:net';
import type { Expiring } from './clock.js';
import { CLOSE_NORMAL } from './close-codes.js';
import { Connection } from './connection.js';
import { MisuseError, TransportError, type WebSocketError } from './errors.js';
import { MAX_HEADER_BYTES, type PreparedFrame } from './frame.js';
import type { SendOptions, SendResult, StartOptions } from './handler.js';
import type { Beating } from './heartbeat.js';
import { abortTransport } from './http2.js';
import { Listeners } from './listeners.js';
import { SOCKET_EVENTS } from './socket-events.js';
import { SocketWriter } from './socket-writer.js';
import { listenTo, type TransportListener } from './transport-listeners.js';
import { atEndOfTurn, type TurnTask, turnNowMs } from './turn.js';

/** More than this waiting within one turn is reported as `queued`, so that producers pause between turns. */
const QUEUED_FROM_BYTES = 65_536;

/**
 * An own frame from this size on does not wait for the end of the turn: one write more is little beside its bytes, and the
 * memory of its copy serves the next one. On plain sockets only, which tell when they are done with it, and which never call
 * back before a write returns.
 */
const WRITE_NOW_BYTES = 16_384;

/** A WebSocket on Node, of a server or a client. */
export class NodeSocket<Data = unknown>
  extends SocketWriter<Data>
  implements TransportListener, TurnTask, Expiring, Beating
{
  #isOver = false;
  #isScheduled = false;
  #isWatched = false;
  #hasEnded = false;
  #owesDrain = false;
  #owesResume = false;
  /** The peer ended its side while what came before waited to be processed. */
  #owesEnd = false;
  /** Whether anything came since the last visit, and how many visits ago something did. */
  #isHeard = true;
  #silentVisits = 0;
  #takenAtVisit = 0;

  get readyState(): 'connecting' | 'open' | 'closing' | 'closed' {
    if (this.connection !== null) return this.connection.readyState;
    return this.#isOver ? 'closed' : 'connecting';
  }

  /**
   * Sends a text message (string; lone surrogates become U+FFFD) or a binary one. Its bytes are copied: they are the caller's
   * again when this returns. To plain TCP a frame of 16 KiB or more is written at once, with what was sent before it.
   * Never throws for the state of the connection. More than `maxBufferedBytes` waiting aborts the connection.
   * @throws MisuseError if `data` is anything else.
   */
  send(data: string | Uint8Array, options?: SendOptions): SendResult {
    const isText = typeof data === 'string';
    if (!isText && !(data instanceof Uint8Array)) {
      throw new MisuseError('invalid_argument', 'a message is a string or a Uint8Array');
    }
    const connection = this.connection;
    if (connection === null || !connection.isOpen) return 'dropped';
    // A UTF-16 unit becomes at most three bytes. Only near the limit is it worth measuring.
    const mostBytes = (isText ? data.length * 3 : data.byteLength) + MAX_HEADER_BYTES;
    if (this.waitingBytes(connection) + mostBytes > this.owner.limits.maxBufferedBytes) {
      const bytes = connection.frameBytes(isText ? Buffer.byteLength(data) : data.byteLength);
      if (!this.makeRoom(connection, bytes)) return this.#overflowed(connection);
    }
    const waitingBytes = connection.outgoingBytes;
    if (isText) connection.sendText(data, options?.compress);
    else connection.sendBinary(data, options?.compress);
    if (this.isPlain && connection.outgoingBytes - waitingBytes >= WRITE_NOW_BYTES) this.flush();
    return this.#accepted(connection);
  }

  /**
   * Sends a message that was framed before. On a server the frame's own bytes are written, without a copy; where they are
   * to be compressed, that is done once for all connections.
   */
  sendFrame(frame: PreparedFrame, options?: SendOptions): SendResult {
    const connection = this.connection;
    if (connection === null || !connection.isOpen) return 'dropped';
    if (this.waitingBytes(connection) + frame.bytes.length + MAX_HEADER_BYTES > this.owner.limits.maxBufferedBytes) {
      const bytes = connection.frameBytes(frame.bytes.length - frame.payloadStart);
      if (!this.makeRoom(connection, bytes)) return this.#overflowed(connection);
    }
    connection.sendPrepared(frame, options?.compress);
    return this.#accepted(connection);
  }

  /**
   * Sends a ping. @param payload at most 125 bytes.
   * @throws MisuseError for anything else.
   */
  ping(payload?: Uint8Array): SendResult {
    const connection = this.connection;
    if (connection === null) return 'dropped';
    return connection.ping(payload) ? this.#accepted(connection) : 'dropped';
  }

  /**
   * Starts the closing handshake; later calls do nothing. Messages that still arrive are dropped, also those held back
   * by `pause`. The peer has `closeWaitMs` to answer. While connecting, it gives up instead.
   * @param code default 1000; 1000–1003, 1007–1014 or 3000–4999; `null` for a close frame without a code, which the peer sees
   * as 1005. @param reason at most 123 bytes of UTF-8, empty without a code.
   * @throws MisuseError for a code or reason that may not be sent.
   */
  close(code: number | null = CLOSE_NORMAL, reason = ''): void {
    const connection = this.connection;
    if (connection === null) {
      this.abort();
      return;
    }
    const wasPaused = connection.paused;
    connection.close(code, reason, this.owner.clock.nowMs());
    if (wasPaused) this.resume();
    else this.#schedule();
  }

  /** Destroys the transport at once; `close` gets 1006. What waits is not sent. */
  abort(): void {
    if (this.connection === null) {
      if (!this.#isOver) this.cancel?.();
      return;
    }
    this.connection.abort();
    this.#settle(this.connection);
  }

  /** @internal Client: gives up connecting. */
  cancel: (() => void) | undefined = undefined;

  /**
   * Stops reading: `message` is not called again until `resume`, not even for messages received already, and TCP holds
   * the peer back. Pings are not answered meanwhile. No effect unless open.
   */
  pause(): void {
    const connection = this.connection;
    if (connection === null || !connection.isOpen) return;
    this.#owesResume = false;
    connection.pause();
    this.transport?.pause();
  }

  /** Reads again. Messages that waited are delivered from the end of this turn on, never within this call. */
  resume(): void {
    if (this.connection === null || this.#owesResume) return;
    this.#owesResume = true;
    this.#schedule();
  }

  // ---- for the owner

  /** @internal Takes over a transport whose handshake is done. */
  start(options: StartOptions): void {
    const { transport, handshake } = options;
    const connection = new Connection<NodeSocket<unknown>>({
      role: options.role,
      events: SOCKET_EVENTS,
      context: this,
      limits: this.owner.limits,
      observer: options.observer,
      compression: options.compression,
      ...(options.nextMask === undefined ? {} : { nextMask: options.nextMask }),
    });
    this.connection = connection;
    this.transport = transport;
    this.isPlain = transport.constructor === Socket;
    this.protocol = options.protocol;
    this.extensions = options.compression?.field ?? '';
    this.remoteAddress = handshake.address;
    listenTo(transport, this);
    this.owner.heartbeat?.add(this);
    if (options.response !== undefined) connection.sendHead(options.response);
    this.#guarded(connection, () => {
      this.handler.open?.(this, handshake);
      if (options.head.length > 0) connection.receive(options.head, this.owner.clock.nowMs());
    });
  }

  /** @internal Client: the connection never came to be. */
  failToOpen(error: WebSocketError): void {
    if (this.#isOver || this.connection !== null) return;
    this.#isOver = true;
    this.cancel = undefined;
    this.handler.error?.(this, error);
    this.owner.socketClosed(this);
    this.handler.close?.(this, 1006, '', false);
  }

  /** @internal */
  get deadlineMs(): number {
    return this.connection?.deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** @internal */
  expire(nowMs: number): void {
    const connection = this.connection;
    if (connection !== null) this.#guarded(connection, () => connection.advance(nowMs));
  }

  /** @internal */
  endTurn(): void {
    this.#isScheduled = false;
    const connection = this.connection;
    if (connection === null) return;
    if (this.#owesResume) {
      this.#owesResume = false;
      this.#guarded(connection, () => connection.resume(this.owner.clock.nowMs()));
      this.#readOn(connection);
    }
    this.#settle(connection);
  }

  /** @internal */
  received(chunk: Buffer): void {
    const connection = this.connection;
    if (connection === null) return;
    this.#isHeard = true;
    try {
      connection.receive(chunk, turnNowMs(this.owner.clock));
    } catch (error) {
      this.#threw(connection, error);
    }
    this.#afterWork(connection);
  }

  /** @internal Of the heartbeat. What a peer takes is a sign of life too; while we do not read, its silence is ours. */
  visit(pingAt: number, deadAt: number): void {
    const connection = this.connection;
    if (connection === null || !connection.isOpen) return;
    const isDraining = this.bufferedBytes > 0 && this.takenBytes !== this.#takenAtVisit;
    if (isDraining) this.#takenAtVisit = this.takenBytes;
    if (this.#isHeard || isDraining || connection.paused || connection.isInflating) {
      this.#isHeard = false;
      this.#silentVisits = 0;
      return;
    }
    this.#silentVisits++;
    if (this.#silentVisits === pingAt) this.ping();
    if (this.#silentVisits < deadAt) return;
    const error = new TransportError('peer_silent', 'the peer was silent for too long, pings included');
    this.#guarded(connection, () => connection.abort(error));
  }

  /** @internal The transport takes more again. */
  drained(): void {
    const connection = this.connection;
    if (connection === null || !this.isBlocked) return;
    this.isBlocked = false;
    connection.setBlocked(false);
    this.#settle(connection);
  }

  /** @internal The peer ended its side. It may still read, so replies to what came before are written first. */
  ended(): void {
    const connection = this.connection;
    if (connection === null) return;
    // What was received before it may hold a close frame.
    this.#owesEnd = connection.isInflating || connection.paused;
    if (this.#owesEnd) return;
    this.flush();
    this.#guarded(connection, () => connection.receiveEnd());
  }

  /** @internal A message was compressed or inflated in the thread pool. */
  doLater(work: () => void): void {
    const connection = this.connection;
    if (connection === null) return;
    this.#guarded(connection, work);
    this.#readOn(connection);
  }

  /** @internal The transport broke. */
  broke(cause: unknown): void {
    const connection = this.connection;
    if (connection !== null) this.#guarded(connection, () => connection.transportLost(cause));
  }

  /** @internal The transport is gone. */
  gone(): void {
    const connection = this.connection;
    const transport = this.transport;
    if (connection === null || transport === null) return;
    this.#guarded(connection, () => connection.transportLost());
    this.transport = null;
    this.owner.deadlines.forget(this);
    this.owner.heartbeat?.remove(this);
    this.owner.socketGone(this);
  }

  // ---- inside

  #overflowed(connection: Connection<NodeSocket<unknown>>): SendResult {
    const limit = this.owner.limits.maxBufferedBytes;
    connection.abort(new TransportError('outgoing_limit', `more than ${limit} bytes wait to be sent`));
    this.#settle(connection);
    return 'dropped';
  }

  #accepted(connection: Connection<NodeSocket<unknown>>): SendResult {
    this.#schedule();
    if (!this.isBlocked && connection.outgoingBytes <= QUEUED_FROM_BYTES) return 'sent';
    this.#owesDrain = true;
    return 'queued';
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atEndOfTurn(this);
  }

  #guarded(connection: Connection<NodeSocket<unknown>>, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#threw(connection, error);
    }
    this.#afterWork(connection);
  }

  #readOn(connection: Connection<NodeSocket<unknown>>): void {
    if (connection.paused || connection.isInflating) return;
    if (this.#owesEnd) this.ended();
    else this.transport?.resume();
  }

  /** An end does not wait for the end of the turn: the peer's FIN may come before it. */
  #afterWork(connection: Connection<NodeSocket<unknown>>): void {
    if (connection.deadlineMs !== Number.POSITIVE_INFINITY || connection.wantsDestroy) this.#settle(connection);
    else if (connection.outgoingBytes > 0) this.#schedule();
    if (connection.isInflating) this.transport?.pause();
  }

  /** A handler threw. The reader lost its place in the chunk, so the connection cannot go on. */
  #threw(connection: Connection<NodeSocket<unknown>>, cause: unknown): void {
    const { handler } = this;
    const isHeard = handler instanceof Listeners ? handler.hearsErrors : handler.error !== undefined;
    const isReported = isHeard && connection.readyState !== 'closed';
    try {
      connection.failInternally(cause, this.owner.clock.nowMs());
    } catch (second) {
      rethrowLater(second);
    }
    if (!isReported) rethrowLater(cause);
  }

  /** Brings the transport to where the connection is. */
  #settle(connection: Connection<NodeSocket<unknown>>): void {
    const transport = this.transport;
    if (transport === null) return;
    if (connection.wantsDestroy) {
      abortTransport(transport);
      return;
    }
    this.flush();
    if (connection.deadlineMs !== Number.POSITIVE_INFINITY) {
      if (!this.#isWatched) {
        this.#isWatched = true;
        this.owner.deadlines.watch(this);
      }
      // What is still being compressed goes out before the end.
      if (connection.wantsEnd && !this.#hasEnded && !this.isBlocked && connection.outgoingBytes === 0) {
        this.#hasEnded = true;
        transport.end();
        // What still comes is thrown away, but it must be read for the peer's end to be seen.
        transport.resume();
      }
    }
    if (this.#owesDrain && !this.isBlocked && connection.outgoingBytes === 0) this.#drain(connection);
  }

  #drain(connection: Connection<NodeSocket<unknown>>): void {
    this.#owesDrain = false;
    if (!connection.isOpen || this.handler.drain === undefined) return;
    try {
      this.handler.drain(this);
    } catch (error) {
      this.#threw(connection, error);
      this.#schedule();
    }
  }
}

function rethrowLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
