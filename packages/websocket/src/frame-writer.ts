/** The outgoing half of a connection: messages become frames in its outbox, masked if it is a client's (RFC 6455 §5). */
import { CLOSE_NO_CODE } from './close-codes.js';
import { DEFLATE_LATER_FROM_BYTES, type Deflater } from './codec.js';
import { headerBytes, MASKED, OPCODE_CLOSE, OPCODE_TEXT, type PreparedFrame, RSV1, writeHeader } from './frame.js';
import { applyMask } from './mask.js';
import type { FrameRecorder } from './observer.js';
import { Outbox, room, type Slot } from './outbox.js';

/** Short texts are written by a loop: a call into native code costs more. */
const LOOP_CHARS_MAX = 24;
/** Texts up to this length are encoded into the room for their longest form; longer ones are measured first. */
const UNMEASURED_CHARS_MAX = 1_024;

/**
 * Writers that are kept for who needs one next. So many that connections which are written to in turns find one; when more have
 * something to say at once, new ones are made.
 */
const SPARE_WRITERS_MAX = 64;
const spareWriters: FrameWriter[] = [];

const EMPTY = Buffer.alloc(0);

/** A writer for a server's connection that is neither compressed nor recorded. Give it back when it `isSpare`. */
export function borrowWriter(): FrameWriter {
  return spareWriters.pop() ?? new FrameWriter(null);
}

/** Nobody may use it after this. */
export function giveBackWriter(writer: FrameWriter): void {
  if (spareWriters.length < SPARE_WRITERS_MAX) spareWriters.push(writer);
}

export class FrameWriter extends Outbox {
  recorder: FrameRecorder | null = null;
  /** Set where compression was agreed on and we can keep to it. */
  deflater: Deflater | null = null;
  /** Runs work that ended outside of our calls; `null` if everything must end inside of them. */
  later: ((work: () => void) => void) | null = null;
  readonly #nextMask: (() => number) | null;
  readonly #maskBytes: number;

  /** @param nextMask where a client takes its mask keys from; `null` for a server, which must not mask (§5.1). */
  constructor(nextMask: (() => number) | null) {
    super();
    this.#nextMask = nextMask;
    this.#maskBytes = nextMask === null ? 0 : 4;
  }

  /** Whether it is like any other one, and so need not be kept for its connection. */
  get isSpare(): boolean {
    return this.isUnused && this.recorder === null && this.deflater === null && this.#nextMask === null;
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

  /** Queues a shared frame in compressed form. */
  deflatePrepared(deflater: Deflater, frame: PreparedFrame): void {
    const payload = frame.bytes.subarray(frame.payloadStart);
    if (this.#nextMask !== null || !deflater.isOptional) {
      this.deflate(deflater, frame.opcode, payload);
      return;
    }
    const { later } = this;
    const form = frame.deflatedFor(deflater, later !== null && payload.length >= DEFLATE_LATER_FROM_BYTES);
    if (form.bytes !== null) {
      this.#recordForm(frame, form.bytes);
      this.append(form.bytes);
      return;
    }
    const slot = this.appendSlot(frame.bytes.length);
    form.whenMade((bytes) => {
      const fill = (): void => {
        if (this.fillSlot(slot, bytes)) this.#recordForm(frame, bytes);
      };
      if (later === null) fill();
      else later(fill);
    });
  }

  /** Queues a message in compressed form, or as it is where that is not smaller. Later changes of `payload` do no harm. */
  deflate(deflater: Deflater, opcode: number, payload: Uint8Array): void {
    const { later } = this;
    if (later === null || payload.length < DEFLATE_LATER_FROM_BYTES) {
      const deflated = deflater.deflate(payload);
      if (deflated.length >= payload.length && deflater.isOptional) this.writeBytes(opcode, payload);
      else this.writeBytes(opcode | RSV1, deflated);
      return;
    }
    const kept = Buffer.from(payload);
    const slot = this.appendSlot(this.frameBytes(payload.length));
    deflater.deflateLater(kept, (deflated) => {
      const isSmaller = deflated.length < kept.length || !deflater.isOptional;
      later(() => this.#fill(slot, isSmaller ? opcode | RSV1 : opcode, isSmaller ? deflated : kept));
    });
  }

  #fill(slot: Slot, opcode: number, payload: Uint8Array): void {
    const header = headerBytes(payload.length) + this.#maskBytes;
    const frame = Buffer.allocUnsafeSlow(header + payload.length);
    frame.set(payload, header);
    this.#seal(opcode, frame, 0, header, payload.length);
    if (this.fillSlot(slot, frame)) this.recorder?.outgoing(opcode, payload);
  }

  #recordForm(frame: PreparedFrame, bytes: Uint8Array): void {
    if (this.recorder === null) return;
    const length7 = bytes[1] as number;
    const header = length7 < 126 ? 2 : length7 === 126 ? 4 : 10;
    this.recorder.outgoing(frame.opcode | ((bytes[0] as number) & RSV1), bytes.subarray(header));
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
    const end = at + header + payloadBytes;
    if (this.recorder !== null) this.recorder.outgoing(opcode, target.subarray(at + header, end));
    this.#seal(opcode, target, at, header, payloadBytes);
    this.commit(end - at);
  }

  #seal(opcode: number, target: Buffer, at: number, header: number, payloadBytes: number): void {
    if (this.#nextMask === null) {
      writeHeader(target, at, opcode, payloadBytes, 0);
      return;
    }
    const keyAt = writeHeader(target, at, opcode, payloadBytes, MASKED);
    const key = this.#nextMask() | 0;
    target.writeInt32LE(key, keyAt);
    applyMask(target, at + header, at + header + payloadBytes, key);
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
