/** The outgoing half of a connection: messages become frames in its outbox, masked if it is a client's (RFC 6455 §5). */
import { CLOSE_NO_CODE } from './close-codes.js';
import { headerBytes, MASKED, OPCODE_CLOSE, OPCODE_TEXT, type PreparedFrame, writeHeader } from './frame.js';
import { applyMask } from './mask.js';
import type { FrameRecorder } from './observer.js';
import { Outbox, room } from './outbox.js';

/** Short texts are written by a loop: a call into native code costs more. */
const LOOP_CHARS_MAX = 24;
/** Texts up to this length are encoded into the room for their longest form; longer ones are measured first. */
const UNMEASURED_CHARS_MAX = 1_024;

const EMPTY = Buffer.alloc(0);

export class FrameWriter extends Outbox {
  recorder: FrameRecorder | null = null;
  readonly #nextMask: (() => number) | null;
  readonly #maskBytes: number;

  /** @param nextMask where a client takes its mask keys from; `null` for a server, which must not mask (§5.1). */
  constructor(nextMask: (() => number) | null) {
    super();
    this.#nextMask = nextMask;
    this.#maskBytes = nextMask === null ? 0 : 4;
  }

  /** Size of the frame we would make of a payload. */
  frameBytes(payloadBytes: number): number {
    return headerBytes(payloadBytes) + this.#maskBytes + payloadBytes;
  }

  /** Queues a shared frame: its own bytes, or a masked copy. */
  writePrepared(frame: PreparedFrame): void {
    if (this.#nextMask !== null) {
      this.writeBytes(frame.opcode, frame.bytes.subarray(frame.payloadStart));
      return;
    }
    if (this.recorder !== null) this.recorder.outgoing(frame.opcode, frame.bytes.subarray(frame.payloadStart));
    this.append(frame.bytes);
  }

  /** Queues a text message. Lone surrogates become U+FFFD. */
  writeText(text: string): void {
    const chars = text.length;
    const maskBytes = this.#maskBytes;
    const unmeasured = chars <= UNMEASURED_CHARS_MAX;
    const mostBytes = unmeasured ? chars * 3 : Buffer.byteLength(text);
    this.reserve(headerBytes(mostBytes) + maskBytes + mostBytes);
    const target = room.target;
    const at = room.at;
    // Most texts are ASCII: the header is guessed for that, and a text that turns out longer moves up.
    const guessed = headerBytes(unmeasured ? chars : mostBytes) + maskBytes;
    const payloadBytes = writeUtf8(target, text, at + guessed);
    const needed = headerBytes(payloadBytes) + maskBytes;
    if (needed !== guessed) target.copyWithin(at + needed, at + guessed, at + guessed + payloadBytes);
    this.#finishFrame(OPCODE_TEXT, target, at, needed, payloadBytes);
  }

  /** Queues an unfragmented frame; the payload is copied. */
  writeBytes(opcode: number, payload: Uint8Array): void {
    const payloadBytes = payload.byteLength;
    const header = headerBytes(payloadBytes) + this.#maskBytes;
    this.reserve(header + payloadBytes);
    const target = room.target;
    const at = room.at;
    target.set(payload, at + header);
    this.#finishFrame(opcode, target, at, header, payloadBytes);
  }

  /** Queues a close frame; 1005 stands for one without a code. */
  writeClose(code: number, reason: Buffer): void {
    if (code === CLOSE_NO_CODE) {
      this.writeBytes(OPCODE_CLOSE, EMPTY);
      return;
    }
    const payload = Buffer.allocUnsafe(2 + reason.length);
    payload.writeUInt16BE(code, 0);
    payload.set(reason, 2);
    this.writeBytes(OPCODE_CLOSE, payload);
  }

  /** The payload is in place: puts the header before it, masks, commits. */
  #finishFrame(opcode: number, target: Buffer, at: number, header: number, payloadBytes: number): void {
    const start = at + header;
    const end = start + payloadBytes;
    if (this.recorder !== null) this.recorder.outgoing(opcode, target.subarray(start, end));
    if (this.#nextMask === null) {
      writeHeader(target, at, opcode, payloadBytes, 0);
    } else {
      const keyAt = writeHeader(target, at, opcode, payloadBytes, MASKED);
      const key = this.#nextMask() | 0;
      target.writeInt32LE(key, keyAt);
      applyMask(target, start, end, key);
    }
    this.commit(end - at);
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
