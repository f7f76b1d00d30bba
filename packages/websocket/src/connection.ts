/**
 * One WebSocket connection without a socket: bytes and time go in, events and bytes come out (RFC 6455 §5–§7).
 *
 * It opens no socket, reads no clock and draws no random number, so every moment of it can be replayed. The opening
 * handshake is not its business: it begins OPEN. Events go to one object shared by all connections, with the
 * connection's `context` as first argument, so that neither frames nor connections need closures.
 *
 * An adapter calls `receive` for each chunk, then writes `takeOutgoing()`, then obeys `wantsEnd` and `wantsDestroy`;
 * it calls `advance` once `deadlineMs` has passed. Left out: fragmenting what is sent.
 */
import {
  CLOSE_ABNORMAL,
  CLOSE_INTERNAL,
  CLOSE_NO_CODE,
  CLOSE_POLICY,
  CLOSE_PROTOCOL_ERROR,
  checkCloseArguments,
  readClosePayload,
} from './close-codes.js';
import { makeCodec } from './codec.js';
import type { CompressionAgreement } from './compression.js';
import type { ConnectionEvents, ConnectionOptions } from './connection-options.js';
import { type BreachCode, BreachError, MisuseError, TransportError, type WebSocketError } from './errors.js';
import {
  MAX_CONTROL_BYTES,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
  type PreparedFrame,
} from './frame.js';
import { borrowWriter, FrameWriter, giveBackWriter } from './frame-writer.js';
import { resolveLimits } from './limits.js';
import { FrameRecorder } from './observer.js';
import type { Outgoing } from './outbox.js';
import { FrameReader } from './reader.js';
import { hasBytes } from './utf8.js';

/** Where the connection is. It only ever moves on, downwards in this list. */
const OPEN = 0;
/** Our close frame is queued, the peer's has not come. Data still arriving is dropped. */
const CLOSING = 1;
/** Closed; as the client of a clean close we leave it to the server to end the transport (§7.1.1). */
const AWAITING_END = 2;
/** Closed; the transport is to be ended once everything is written. */
const ENDING = 3;
/** Closed; the transport is gone or must go at once. */
const GONE = 4;

const BUDGET_WINDOW_MS = 1_000;
const EMPTY = Buffer.alloc(0);
const DEFAULT_RESOLVED = resolveLimits();

/** One WebSocket connection without I/O: bytes in, events and bytes out. */
export class Connection<Context> extends FrameReader {
  readonly #events: ConnectionEvents<Context>;
  readonly #context: Context;
  /** `null` while there is nothing to write: most connections are silent most of the time, and borrow one when they are not. */
  #writer: FrameWriter | null = null;
  /** `null` for never: `Infinity` would be an object in each connection. */
  #deadlineMs: number | null = null;
  #phase = OPEN;
  #nowMs = 0;
  #windowStartMs = 0;
  #controlFrames = 0;
  #blocked = false;
  /** The payload of the one pong that waits while the transport is blocked. */
  #waitingPong: Buffer | null = null;

  constructor(options: ConnectionOptions<Context>) {
    super(options.role === 'server', options.limits ?? DEFAULT_RESOLVED);
    this.#events = options.events;
    this.#context = options.context;
    const { nextMask, observer, compression } = options;
    if (options.role === 'client' && nextMask === undefined) {
      throw new MisuseError('invalid_argument', 'a client connection needs nextMask');
    }
    if (options.role === 'client' && nextMask !== undefined) this.#writer = new FrameWriter(nextMask);
    if (observer !== undefined) this.recorder = this.#out.recorder = new FrameRecorder(observer);
    if (compression != null) this.#compress(compression, options.role === 'server');
  }

  /** When `advance` has work, on the clock of the `nowMs` arguments; `Infinity` for never. */
  get deadlineMs(): number {
    return this.#deadlineMs ?? Number.POSITIVE_INFINITY;
  }

  /** `closing`: our close frame was sent; `closed`: the outcome is known, though the transport may still live. */
  get readyState(): 'open' | 'closing' | 'closed' {
    return this.#phase === OPEN ? 'open' : this.#phase === CLOSING ? 'closing' : 'closed';
  }

  get isOpen(): boolean {
    return this.#phase === OPEN;
  }

  /** Whether the adapter must end its side of the transport once all outgoing bytes are written. */
  get wantsEnd(): boolean {
    return this.#phase >= ENDING;
  }

  /** Whether the adapter must destroy the transport now. */
  get wantsDestroy(): boolean {
    return this.#phase === GONE;
  }

  /** Size of the frame we would make of a payload. */
  frameBytes(payloadBytes: number): number {
    return this.#out.frameBytes(payloadBytes);
  }

  /** Bytes waiting for `takeOutgoing`. */
  get outgoingBytes(): number {
    return this.#writer === null ? 0 : this.#writer.bytes;
  }

  // ---- incoming

  /**
   * Processes what the transport received. The chunk now belongs to the connection: it is unmasked in place and parts
   * of it are delivered. While paused it is kept, so an adapter stops reading then.
   */
  receive(chunk: Uint8Array, nowMs: number): void {
    this.#nowMs = nowMs;
    this.read(Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }

  /** The peer ended its side of the transport. After a clean close that is as it should be: only our side is left. */
  receiveEnd(): void {
    if (this.#phase === AWAITING_END) this.#phase = ENDING;
    else if (this.#phase < AWAITING_END) this.transportLost();
  }

  /** The transport broke or is gone. @param cause the transport's error, if there was one. */
  transportLost(cause?: unknown): void {
    // Every clean close ends here: an error, with its stack, is made only for those that are not.
    if (this.#phase >= AWAITING_END) {
      if (this.#phase < GONE) this.#end(GONE);
      return;
    }
    this.#fail(
      new TransportError('connection_lost', 'the connection was lost without a closing handshake', { cause }),
      GONE,
    );
  }

  /** Stops processing after the frame at hand; what is received meanwhile waits. Without effect on a closing one. */
  pause(): void {
    if (this.#phase === OPEN) this.setPaused(true);
  }

  /** Continues, and processes what waited. */
  resume(nowMs: number): void {
    this.#nowMs = nowMs;
    this.setPaused(false);
    this.readHeld();
  }

  /** Acts on `deadlineMs`: a peer that did not finish the close in time is cut off. */
  advance(nowMs: number): void {
    this.#nowMs = nowMs;
    if (nowMs < this.deadlineMs) return;
    this.#fail(new TransportError('close_timeout', 'the peer did not answer the close in time'), GONE);
  }

  // ---- outgoing

  /**
   * Queues a message.
   * @param compress whether to compress it, where that was agreed on. Default: from `thresholdBytes` on.
   * @returns false if the connection is not open: nothing was queued.
   */
  sendText(text: string, compress?: boolean): boolean {
    if (this.#phase !== OPEN) return false;
    const writer = this.#out;
    const { deflater } = writer;
    if (deflater !== null && (compress ?? hasBytes(text, deflater.thresholdBytes))) {
      writer.deflate(deflater, OPCODE_TEXT, Buffer.from(text));
    } else {
      writer.writeText(text);
    }
    return true;
  }

  /** Queues a message; the bytes are copied. @returns false if the connection is not open. */
  sendBinary(data: Uint8Array, compress?: boolean): boolean {
    if (this.#phase !== OPEN) return false;
    const writer = this.#out;
    const { deflater } = writer;
    if (deflater !== null && (compress ?? data.byteLength >= deflater.thresholdBytes)) {
      writer.deflate(deflater, OPCODE_BINARY, data);
    } else {
      writer.writeBytes(OPCODE_BINARY, data);
    }
    return true;
  }

  /** Queues a shared frame; a server queues its very bytes. @returns false if the connection is not open. */
  sendPrepared(frame: PreparedFrame, compress?: boolean): boolean {
    if (this.#phase !== OPEN) return false;
    const writer = this.#out;
    const { deflater } = writer;
    if (deflater !== null && (compress ?? frame.bytes.length - frame.payloadStart >= deflater.thresholdBytes)) {
      writer.deflatePrepared(deflater, frame);
    } else {
      writer.writePrepared(frame);
    }
    return true;
  }

  /** Queues bytes that are not a frame: the response head that precedes the frames. */
  sendHead(head: Uint8Array): void {
    this.#out.append(head);
  }

  /**
   * Queues a ping. @returns false if the connection is not open.
   * @throws MisuseError if the payload is not bytes, at most 125 of them (CVE-2016-10518: a number made another
   * library send uninitialised memory).
   */
  ping(payload: Uint8Array = EMPTY): boolean {
    if (!(payload instanceof Uint8Array) || payload.byteLength > MAX_CONTROL_BYTES) {
      throw new MisuseError('invalid_argument', `a ping carries a Uint8Array of at most ${MAX_CONTROL_BYTES} bytes`);
    }
    if (this.#phase !== OPEN) return false;
    this.#out.writeBytes(OPCODE_PING, payload);
    return true;
  }

  /**
   * Starts the closing handshake; a second call does nothing. The peer has `closeWaitMs` to answer.
   * @param code 1000–1003, 1007–1014 or 3000–4999, or `null` for a close frame without a code.
   * @param reason at most 123 bytes of UTF-8, may be empty.
   * @throws MisuseError for a code or reason that may not be sent.
   */
  close(code: number | null, reason: string, nowMs: number): void {
    const bytes = checkCloseArguments(code, reason);
    if (this.#phase !== OPEN) return;
    this.#nowMs = nowMs;
    this.#out.writeClose(code ?? CLOSE_NO_CODE, bytes);
    this.#phase = CLOSING;
    this.#deadlineMs = nowMs + this.limits.closeWaitMs;
    // The peer's close frame may be behind data that was not read; from now on that data is dropped.
    this.setPaused(false);
  }

  /** Ends without a closing handshake. What waits is not sent. @param error told to `failed`, if given. */
  abort(error?: WebSocketError): void {
    this.#fail(error, GONE);
  }

  /** The application failed on this connection: 1011, as far as it can still be sent. */
  failInternally(cause: unknown, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#writeLastClose(CLOSE_INTERNAL, '');
    this.#fail(new TransportError('handler_threw', 'a handler threw an error', { cause }), ENDING);
  }

  /** The bytes to write now, as one write. Call `settleOutgoing` after it. */
  takeOutgoing(): Outgoing {
    return this.#writer === null ? null : this.#writer.take();
  }

  /** @param consumed whether the transport has no more use for the bytes (they are in the kernel). */
  settleOutgoing(consumed: boolean): void {
    this.#writer?.settle(consumed);
    this.#giveBack();
  }

  /** Tells whether the transport refuses more for now. While it does, of several pings only the last is answered. */
  setBlocked(blocked: boolean): void {
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.#out.setBlocked(blocked);
    const pong = this.#waitingPong;
    if (!blocked && pong !== null) {
      this.#waitingPong = null;
      if (this.#phase <= CLOSING) this.#out.writeBytes(OPCODE_PONG, pong);
    }
    this.#giveBack();
  }

  get #out(): FrameWriter {
    this.#writer ??= borrowWriter();
    return this.#writer;
  }

  #giveBack(): void {
    if (this.#writer?.isSpare !== true) return;
    giveBackWriter(this.#writer);
    this.#writer = null;
  }

  // ---- what the reader found

  protected override onMessage(data: string | Uint8Array): void {
    if (this.#phase === OPEN) this.#events.message(this.#context, data);
  }

  protected override onControl(opcode: number, payload: Buffer): void {
    if (opcode !== OPCODE_CLOSE && !this.#withinBudget()) {
      this.stopReading();
      this.onBreach(CLOSE_POLICY, 'too_many_control_frames', 'too many control frames in one second');
    } else if (opcode === OPCODE_PING) {
      this.#onPing(payload);
    } else if (opcode === OPCODE_PONG) {
      if (this.#phase === OPEN) this.#events.pong?.(this.#context, payload);
    } else {
      this.#onClose(payload);
    }
  }

  protected override onBreach(closeCode: number, code: BreachCode, message: string): void {
    this.#writeLastClose(closeCode, message);
    this.#fail(new BreachError(code, closeCode, message), ENDING);
  }

  #withinBudget(): boolean {
    if (this.#nowMs - this.#windowStartMs >= BUDGET_WINDOW_MS) {
      this.#windowStartMs = this.#nowMs;
      this.#controlFrames = 0;
    }
    this.#controlFrames++;
    return this.#controlFrames <= this.limits.maxControlFramesPerSecond;
  }

  /** Answered even after our own close frame: only the peer's ends the duty to pong (§5.5.2). */
  #onPing(payload: Buffer): void {
    if (this.#blocked) this.#waitingPong = Buffer.from(payload);
    else this.#out.writeBytes(OPCODE_PONG, payload);
    if (this.#phase === OPEN) this.#events.ping?.(this.#context, payload);
  }

  #onClose(payload: Buffer): void {
    this.stopReading();
    const said = readClosePayload(payload);
    if (typeof said === 'string') {
      this.onBreach(CLOSE_PROTOCOL_ERROR, 'frame_invalid', said);
      return;
    }
    // The code as §5.5.1 has it, and the reason, which it leaves open: as ws, browsers and uWebSockets do.
    if (this.#phase === OPEN) this.#out.writeClose(said.code, payload.subarray(2));
    this.#finish(this.expectsMask ? ENDING : AWAITING_END, said.code, said.reason, true);
  }

  #compress(agreement: CompressionAgreement, isServer: boolean): void {
    const { deflater, inflater } = makeCodec(agreement, isServer);
    this.inflater = inflater;
    const writer = this.#out;
    writer.deflater = deflater;
    const { later } = this.#events;
    if (later === undefined) return;
    this.later = writer.later = (work) => later.call(this.#events, this.#context, work);
  }

  // ---- endings

  /** The last close frame of a connection that fails, unless one was sent before. */
  #writeLastClose(code: number, reason: string): void {
    if (this.#phase === OPEN) this.#out.writeClose(code, Buffer.from(reason));
  }

  /** Every end but the clean one: no close frame was accepted from the peer, so the code is 1006 (§7.1.5). */
  #fail(error: WebSocketError | undefined, phase: typeof ENDING | typeof GONE): void {
    if (this.#phase >= AWAITING_END) {
      // The outcome is known already; only the transport moves on.
      if (this.#phase < phase) this.#end(phase);
      return;
    }
    this.#end(phase);
    if (error !== undefined) this.#events.failed(this.#context, error);
    this.#finish(phase, CLOSE_ABNORMAL, '', false);
  }

  #finish(phase: number, code: number, reason: string, wasClean: boolean): void {
    this.#end(phase);
    this.recorder?.observer.end?.(code, reason, wasClean);
    this.recorder = null;
    if (this.#writer !== null) this.#writer.recorder = null;
    this.#events.closed(this.#context, code, reason, wasClean);
  }

  #end(phase: number): void {
    this.#phase = phase;
    this.stopReading();
    this.setPaused(false);
    this.#waitingPong = null;
    if (phase === GONE) this.#writer?.clear();
    this.#deadlineMs = phase === GONE ? null : this.#nowMs + this.limits.closeWaitMs;
  }
}
