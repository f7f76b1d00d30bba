/** The frame header (RFC 6455 §5.2), and frames that are built once and sent to many. */
import { isUtf8 } from 'node:buffer';
import { MisuseError } from './errors.js';

export const OPCODE_CONTINUATION = 0x0;
export const OPCODE_TEXT = 0x1;
export const OPCODE_BINARY = 0x2;
export const OPCODE_CLOSE = 0x8;
export const OPCODE_PING = 0x9;
export const OPCODE_PONG = 0xa;

export const FIN = 0x80;
/** On the first frame of a message: it is compressed (RFC 7692 §6). Kept with the opcode where a frame is written. */
export const RSV1 = 0x40;
export const MASKED = 0x80;

/** Most payload bytes of a control frame (§5.5). */
export const MAX_CONTROL_BYTES = 125;

/** Two bytes, a 64-bit length, a mask key (§5.2). */
export const MAX_HEADER_BYTES = 14;

/** Bytes of an unmasked header for this many payload bytes. */
export function headerBytes(payloadBytes: number): number {
  return payloadBytes < 126 ? 2 : payloadBytes < 65_536 ? 4 : 10;
}

/**
 * Writes an unfragmented frame's header at `at`, without a mask key.
 * @param maskBit `MASKED` or 0.
 * @returns where the header (so far) ends.
 */
export function writeHeader(
  target: Uint8Array,
  at: number,
  opcode: number,
  payloadBytes: number,
  maskBit: number,
): number {
  target[at] = FIN | opcode;
  if (payloadBytes < 126) {
    target[at + 1] = maskBit | payloadBytes;
    return at + 2;
  }
  if (payloadBytes < 65_536) {
    target[at + 1] = maskBit | 126;
    target[at + 2] = payloadBytes >>> 8;
    target[at + 3] = payloadBytes;
    return at + 4;
  }
  target[at + 1] = maskBit | 127;
  const high = Math.floor(payloadBytes / 0x1_0000_0000);
  target[at + 2] = 0;
  target[at + 3] = high >>> 16;
  target[at + 4] = high >>> 8;
  target[at + 5] = high;
  target[at + 6] = payloadBytes >>> 24;
  target[at + 7] = payloadBytes >>> 16;
  target[at + 8] = payloadBytes >>> 8;
  target[at + 9] = payloadBytes;
  return at + 10;
}

/**
 * One message, framed once. A server sends the very same `bytes` to any number of connections, without a copy (its
 * frames are not masked, so they are equal for everyone); a client masks a copy. Do not change the bytes.
 */
export class PreparedFrame {
  #deflated: Map<number, DeflatedForm> | null = null;

  constructor(
    /** Header and payload, unmasked. */
    readonly bytes: Uint8Array,
    /** Where the payload begins in `bytes`. */
    readonly payloadStart: number,
    readonly opcode: number,
  ) {}

  /**
   * @internal The frame in compressed form, made once for all connections that compress alike; `bytes` themselves where
   * that is not smaller.
   * @param isLater whether a large one may be made in the thread pool.
   */
  deflatedFor(deflater: FrameDeflater, isLater: boolean): DeflatedForm {
    this.#deflated ??= new Map();
    const known = this.#deflated.get(deflater.variant);
    if (known !== undefined) return known;
    const payload = this.bytes.subarray(this.payloadStart);
    const form = new DeflatedForm();
    this.#deflated.set(deflater.variant, form);
    if (isLater) deflater.deflateLater(payload, (deflated) => form.set(this.#smaller(deflated)));
    else form.set(this.#smaller(deflater.deflate(payload)));
    return form;
  }

  #smaller(deflated: Uint8Array): Uint8Array {
    if (deflated.length >= this.bytes.length - this.payloadStart) return this.bytes;
    return prepare(deflated, this.opcode | RSV1).bytes;
  }
}

/** What a frame needs to be compressed. */
interface FrameDeflater {
  readonly variant: number;
  deflate(payload: Uint8Array): Uint8Array;
  deflateLater(payload: Uint8Array, done: (deflated: Uint8Array) => void): void;
}

/** @internal A compressed frame that may still be in the making. */
export class DeflatedForm {
  #bytes: Uint8Array | null = null;
  #waiting: ((bytes: Uint8Array) => void)[] = [];

  /** `null` while it is being made. */
  get bytes(): Uint8Array | null {
    return this.#bytes;
  }

  whenMade(callback: (bytes: Uint8Array) => void): void {
    this.#waiting.push(callback);
  }

  set(bytes: Uint8Array): void {
    this.#bytes = bytes;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const callback of waiting) callback(bytes);
  }
}

/**
 * Frames a text message. Bytes must be UTF-8; a list of pieces is joined behind the header in the one copy that is
 * needed anyway.
 * @throws MisuseError if the bytes are not UTF-8, or the argument is something else.
 */
export function prepareText(data: string | Uint8Array | readonly Uint8Array[]): PreparedFrame {
  if (typeof data === 'string') {
    const payloadBytes = Buffer.byteLength(data);
    const start = headerBytes(payloadBytes);
    const bytes = Buffer.allocUnsafe(start + payloadBytes);
    writeHeader(bytes, 0, OPCODE_TEXT, payloadBytes, 0);
    bytes.write(data, start, 'utf8');
    return new PreparedFrame(bytes, start, OPCODE_TEXT);
  }
  const frame = prepare(data, OPCODE_TEXT);
  if (!isUtf8(frame.bytes.subarray(frame.payloadStart))) {
    throw new MisuseError('invalid_argument', 'a text message must be valid UTF-8');
  }
  return frame;
}

/** Frames a binary message. @throws MisuseError if the argument is not bytes. */
export function prepareBinary(data: Uint8Array | readonly Uint8Array[]): PreparedFrame {
  return prepare(data, OPCODE_BINARY);
}

function prepare(data: Uint8Array | readonly Uint8Array[], opcode: number): PreparedFrame {
  const pieces = data instanceof Uint8Array ? [data] : data;
  if (!Array.isArray(pieces) || !pieces.every((piece) => piece instanceof Uint8Array)) {
    throw new MisuseError('invalid_argument', 'a message is a string or a Uint8Array');
  }
  let payloadBytes = 0;
  for (const piece of pieces) payloadBytes += piece.byteLength;
  const start = headerBytes(payloadBytes);
  const bytes = Buffer.allocUnsafe(start + payloadBytes);
  let at = writeHeader(bytes, 0, opcode, payloadBytes, 0);
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.byteLength;
  }
  return new PreparedFrame(bytes, start, opcode);
}
