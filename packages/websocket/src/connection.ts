/**
 * One WebSocket connection without a socket: bytes and time go in, events and bytes come out (RFC 6455 §5–§7).
 *
 * It opens no socket, reads no clock and draws no random number, so every moment of it can be replayed. The opening
 * handshake is not its business: it begins OPEN. Events go to one object shared by all connections, with the
 * connection's `context` as first argument, so that neither frames nor connections need closures.
 *
 * An adapter calls `receive` for each chunk, then writes `takeOutgoing()`, then obeys `wantsEnd` and `wantsDestroy`;
 * it calls `advance` once `deadlineMs` has passed. Left out: extensions and fragmenting what is sent.
 */
import {
  CLOSE_ABNORMAL,
  CLOSE_INTERNAL,
  CLOSE_NO_CODE,
  CLOSE_POLICY,
  CLOSE_PROTOCOL_ERROR,
  checkCloseArguments,
  isWireCloseCode,
} from './close-codes.js';
import { type BreachCode, BreachError, MisuseError, TransportError, type WebSocketError } from './errors.js';
import {
  headerBytes,
  MASKED,
  MAX_CONTROL_BYTES,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_PING,
  OPCODE_PONG,
  OPCODE_TEXT,
  type PreparedFrame,
  writeHeader,
} from './frame.js';
import { type Limits, resolveLimits } from './limits.js';
import { applyMask } from './mask.js';
import { type FrameObserver, FrameRecorder } from './observer.js';
import { Outbox, type Outgoing, room } from './outbox.js';
import { FrameReader } from './reader.js';
import { decodeStrict } from './utf8.js';

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
}

export interface ConnectionOptions<Context> {
  readonly role: Role;
  readonly events: ConnectionEvents<Context>;
  readonly context: Context;
  /** Resolved limits, see `resolveLimits`. Default: all defaults. */
  readonly limits?: Limits;
  /** A fresh unpredictable 32-bit integer per call (§5.3). Required for a client. */
  readonly nextMask?: () => number;
  readonly observer?: FrameObserver | undefined;
}

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
/** Short texts are written by a loop: a call into native code costs more. */
const LOOP_CHARS_MAX = 24;
/** Texts up to this length are encoded into the room for their longest form; longer ones are measured first. */
const UNMEASURED_CHARS_MAX = 1_024;

const EMPTY = Buffer.alloc(0);
const DEFAULT_RESOLVED = resolveLimits();

function noMask(): number {
  throw new MisuseError('invalid_argument', 'a client connection needs nextMask');
}

export class Connection<Context> extends FrameReader {
  /** When `advance` has work, on the clock of the `nowMs` arguments; `Infinity` for never. */
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #events: ConnectionEvents<Context>;
  readonly #context: Context;
  readonly #nextMask: () => number;
  readonly #outbox = new Outbox();
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
    this.#nextMask = options.nextMask ?? noMask;
    if (options.role === 'client' && options.nextMask === undefined) noMask();
    if (options.observer !== undefined) this.recorder = new FrameRecorder(options.observer);
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
    return headerBytes(payloadBytes) + (this.expectsMask ? 0 : 4) + payloadBytes;
  }

  /** Bytes waiting for `takeOutgoing`. */
  get outgoingBytes(): number {
    return this.#outbox.bytes;
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

  /** The transport ended or broke. @param cause the transport's error, if there was one. */
  transportLost(cause?: unknown): void {
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

  /** Queues a message. @returns false if the connection is not open: nothing was queued. */
  sendText(text: string): boolean {
    if (this.#phase !== OPEN) return false;
    this.#writeText(text);
    return true;
  }

  /** Queues a message; the bytes are copied. @returns false if the connection is not open. */
  sendBinary(data: Uint8Array): boolean {
    if (this.#phase !== OPEN) return false;
    this.#writeBytes(OPCODE_BINARY, data);
    return true;
  }

  /** Queues a shared frame; a server queues its very bytes. @returns false if the connection is not open. */
  sendPrepared(frame: PreparedFrame): boolean {
    if (this.#phase !== OPEN) return false;
    if (this.expectsMask) {
      if (this.recorder !== null) this.recorder.outgoing(frame.opcode, frame.bytes.subarray(frame.payloadStart));
      this.#outbox.append(frame.bytes);
    } else {
      this.#writeBytes(frame.opcode, frame.bytes.subarray(frame.payloadStart));
    }
    return true;
  }

  /** Queues bytes that are not a frame: the response head that precedes the frames. */
  sendHead(head: Uint8Array): void {
    this.#outbox.append(head);
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
    this.#writeBytes(OPCODE_PING, payload);
    return true;
  }

  /**
   * Starts the closing handshake; a second call does nothing. The peer has `closeWaitMs` to answer.
   * @param code 1000–1003, 1007–1014 or 3000–4999. @param reason at most 123 bytes of UTF-8, may be empty.
   * @throws MisuseError for a code or reason that may not be sent.
   */
  close(code: number, reason: string, nowMs: number): void {
    const bytes = checkCloseArguments(code, reason);
    if (this.#phase !== OPEN) return;
    this.#nowMs = nowMs;
    this.#writeClose(code, bytes);
    this.#phase = CLOSING;
    this.deadlineMs = nowMs + this.limits.closeWaitMs;
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
    return this.#outbox.take();
  }

  /** @param consumed whether the transport has no more use for the bytes (they are in the kernel). */
  settleOutgoing(consumed: boolean): void {
    this.#outbox.settle(consumed);
  }

  /** Tells whether the transport refuses more for now. While it does, of several pings only the last is answered. */
  setBlocked(blocked: boolean): void {
    if (blocked === this.#blocked) return;
    this.#blocked = blocked;
    this.#outbox.setBlocked(blocked);
    const pong = this.#waitingPong;
    if (blocked || pong === null) return;
    this.#waitingPong = null;
    if (this.#phase <= CLOSING) this.#writeBytes(OPCODE_PONG, pong);
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
    else this.#writeBytes(OPCODE_PONG, payload);
    if (this.#phase === OPEN) this.#events.ping?.(this.#context, payload);
  }

  #onClose(payload: Buffer): void {
    this.stopReading();
    let code = CLOSE_NO_CODE;
    let reason: string | null = '';
    if (payload.length !== 0) {
      code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
      if (!isWireCloseCode(code)) {
        this.onBreach(CLOSE_PROTOCOL_ERROR, 'frame_invalid', 'a close frame has an invalid code');
        return;
      }
      reason = decodeStrict(payload, 2, payload.length);
      if (reason === null) {
        this.onBreach(CLOSE_PROTOCOL_ERROR, 'frame_invalid', 'a close reason must be valid UTF-8');
        return;
      }
    }
    if (this.#phase === OPEN) this.#writeClose(code, EMPTY);
    this.#finish(this.expectsMask ? ENDING : AWAITING_END, code, reason, true);
  }

  // ---- endings

  /** The last close frame of a connection that fails, unless one was sent before. */
  #writeLastClose(code: number, reason: string): void {
    if (this.#phase === OPEN) this.#writeClose(code, Buffer.from(reason));
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
    this.#events.closed(this.#context, code, reason, wasClean);
  }

  #end(phase: number): void {
    this.#phase = phase;
    this.stopReading();
    this.setPaused(false);
    this.#waitingPong = null;
    if (phase === GONE) this.#outbox.clear();
    this.deadlineMs = phase === GONE ? Number.POSITIVE_INFINITY : this.#nowMs + this.limits.closeWaitMs;
  }

  // ---- writing frames

  #writeText(text: string): void {
    const chars = text.length;
    const maskBytes = this.expectsMask ? 0 : 4;
    const unmeasured = chars <= UNMEASURED_CHARS_MAX;
    const mostBytes = unmeasured ? chars * 3 : Buffer.byteLength(text);
    this.#outbox.reserve(headerBytes(mostBytes) + maskBytes + mostBytes);
    const target = room.target;
    const at = room.at;
    // Most texts are ASCII: the header is guessed for that, and a text that turns out longer moves up.
    const guessed = headerBytes(unmeasured ? chars : mostBytes) + maskBytes;
    const payloadBytes = writeUtf8(target, text, at + guessed);
    const needed = headerBytes(payloadBytes) + maskBytes;
    if (needed !== guessed) target.copyWithin(at + needed, at + guessed, at + guessed + payloadBytes);
    this.#finishFrame(OPCODE_TEXT, target, at, needed, payloadBytes);
  }

  #writeBytes(opcode: number, payload: Uint8Array): void {
    const payloadBytes = payload.byteLength;
    const header = headerBytes(payloadBytes) + (this.expectsMask ? 0 : 4);
    this.#outbox.reserve(header + payloadBytes);
    const target = room.target;
    const at = room.at;
    target.set(payload, at + header);
    this.#finishFrame(opcode, target, at, header, payloadBytes);
  }

  #writeClose(code: number, reason: Buffer): void {
    if (code === CLOSE_NO_CODE) {
      this.#writeBytes(OPCODE_CLOSE, EMPTY);
      return;
    }
    const payload = Buffer.allocUnsafe(2 + reason.length);
    payload.writeUInt16BE(code, 0);
    payload.set(reason, 2);
    this.#writeBytes(OPCODE_CLOSE, payload);
  }

  /** The payload is in place: puts the header before it, masks, commits. */
  #finishFrame(opcode: number, target: Buffer, at: number, header: number, payloadBytes: number): void {
    const start = at + header;
    const end = start + payloadBytes;
    if (this.recorder !== null) this.recorder.outgoing(opcode, target.subarray(start, end));
    if (this.expectsMask) {
      writeHeader(target, at, opcode, payloadBytes, 0);
    } else {
      const keyAt = writeHeader(target, at, opcode, payloadBytes, MASKED);
      const key = this.#nextMask() | 0;
      target.writeInt32LE(key, keyAt);
      applyMask(target, start, end, key);
    }
    this.#outbox.commit(end - at);
  }
}

function writeUtf8(target: Buffer, text: string, at: number): number {
  const chars = text.length;
  if (chars > LOOP_CHARS_MAX) return target.write(text, at, 'utf8');
  for (let index = 0; index < chars; index++) {
    const char = text.charCodeAt(index);
    if (char >= 0x80) return target.write(text, at, 'utf8');
    target[at + index] = char;
  }
  return chars;
}
