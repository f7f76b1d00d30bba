/**
 * The incoming half of a connection: chunks of bytes become messages and control frames (RFC 6455 §5).
 *
 * It works on the chunk it got: fields are read by offset, payloads are unmasked in place, and only what crosses a
 * chunk is unmasked into memory of its own. It never throws on input. `Connection` extends it, so that a connection is one object.
 */
import { Assembly } from './assembly.js';
import { CLOSE_INVALID_TEXT, CLOSE_POLICY, CLOSE_PROTOCOL_ERROR, CLOSE_TOO_BIG } from './close-codes.js';
import { INFLATE_LATER_FROM_BYTES, type Inflated, type Inflater } from './codec.js';
import type { BreachCode } from './errors.js';
import {
  MAX_CONTROL_BYTES,
  MAX_HEADER_BYTES,
  OPCODE_BINARY,
  OPCODE_CLOSE,
  OPCODE_CONTINUATION,
  OPCODE_PONG,
  OPCODE_TEXT,
  RSV1,
} from './frame.js';
import type { Limits } from './limits.js';
import { applyMask, highBits, rotateKey } from './mask.js';
import type { FrameRecorder } from './observer.js';
import { decodeAscii, decodeStrict } from './utf8.js';

/** What one fragment is held to cost besides its bytes. */
const FRAGMENT_COST_BYTES = 100;
/** A small message limit must not forbid ordinary fragmentation. */
const FRAGMENT_BUDGET_BYTES_MIN = 65_536;

export abstract class FrameReader {
  /** False once a close frame came or the connection failed: nothing is processed after that (§7.1.7). */
  protected reading = true;
  protected recorder: FrameRecorder | null = null;
  /** Set where compression was agreed on. */
  protected inflater: Inflater | null = null;
  /** Runs work that ended outside of our calls; `null` if everything must end inside of them. */
  protected later: ((work: () => void) => void) | null = null;
  #paused = false;
  /** A message is being inflated elsewhere, or was and is not delivered yet. What is behind it waits. */
  #inflating: { readonly isText: boolean; result: Inflated | null } | null = null;
  /** What came while paused. */
  #held: Buffer | null = null;

  // The frame being read. `#remaining` never exceeds `maxMessageBytes`: larger lengths are refused first.
  #inFrame = false;
  #opcode = 0;
  #isDeflated = false;
  #fin = true;
  #remaining = 0;
  #key = 0;
  /** A header cut by the end of a chunk. */
  #header: Buffer | null = null;
  #headerHave = 0;
  /** The payload of a control frame cut by the end of a chunk. */
  #control: Buffer | null = null;
  #controlHave = 0;
  /** The message whose end has not come. */
  #assembly: Assembly | null = null;

  constructor(
    /** Whether the peer must mask: it must if it is a client (§5.1). */
    protected readonly expectsMask: boolean,
    protected readonly limits: Limits,
  ) {}

  protected abstract onMessage(data: string | Uint8Array): void;
  /** `payload` may be a view of the chunk or of memory that is used again: copy what is kept. */
  protected abstract onControl(opcode: number, payload: Buffer): void;
  protected abstract onBreach(closeCode: number, code: BreachCode, message: string): void;

  get paused(): boolean {
    return this.#paused;
  }

  /** Whether what comes next has to wait for a message that is still being inflated. An adapter stops reading then. */
  get isInflating(): boolean {
    return this.#inflating !== null;
  }

  protected setPaused(paused: boolean): void {
    this.#paused = paused;
  }

  /** Stops for good and forgets what was received but not processed. */
  protected stopReading(): void {
    this.reading = false;
    this.#held = null;
    this.#header = null;
    this.#control = null;
    this.#assembly = null;
    this.#inflating = null;
  }

  /** Processes what was held back by `setPaused(true)` or by inflating. */
  protected readHeld(): void {
    const inflating = this.#inflating;
    if (this.#paused) return;
    if (inflating !== null) {
      if (inflating.result === null) return;
      this.#inflating = null;
      this.#deliver(inflating.result, inflating.isText);
    }
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    this.read(held);
  }

  protected read(received: Buffer): void {
    if (!this.reading) return;
    let chunk = received;
    if (this.#held !== null) {
      chunk = Buffer.concat([this.#held, received]);
      this.#held = null;
    }
    const end = chunk.length;
    let at = 0;
    while (at < end && this.reading) {
      if (this.#paused || this.#inflating !== null) {
        this.#held = at === 0 ? chunk : chunk.subarray(at);
        return;
      }
      if (!this.#inFrame) {
        if (this.#headerHave !== 0) {
          at = this.#continueHeader(chunk, at, end);
        } else {
          const size = this.#readHeader(chunk, at, end);
          if (size === 0 && this.reading) {
            this.#keepHeader(chunk, at, end);
            return;
          }
          at += size;
        }
        if (!this.#inFrame) continue;
      }
      at = this.#readPayload(chunk, at, end);
    }
  }

  #keepHeader(chunk: Buffer, at: number, end: number): void {
    this.#header ??= Buffer.allocUnsafe(MAX_HEADER_BYTES);
    chunk.copy(this.#header, 0, at, end);
    this.#headerHave = end - at;
  }

  /** Byte by byte: a header is cut rarely, and it must be judged as soon as it can be. */
  #continueHeader(chunk: Buffer, from: number, end: number): number {
    const header = this.#header as Buffer;
    let at = from;
    while (at < end) {
      header[this.#headerHave++] = chunk[at++] as number;
      if (this.#readHeader(header, 0, this.#headerHave) !== 0) {
        this.#headerHave = 0;
        return at;
      }
      if (!this.reading) return at;
    }
    return at;
  }

  /** @returns the header's size; 0 if it is not complete, or wrong (then `reading` is false). */
  #readHeader(bytes: Buffer, at: number, end: number): number {
    if (end - at < 2) return 0;
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    const opcode = first & 0x0f;
    const length7 = second & 0x7f;
    const reserved = first & 0x70;
    if (reserved !== 0 && !this.#admitsReserved(reserved, opcode)) {
      return this.#refuse('a reserved bit is set without meaning');
    }
    if (opcode >= OPCODE_CLOSE) {
      if (opcode > OPCODE_PONG) return this.#refuse(`opcode ${opcode} is reserved`);
      if (first < 0x80) return this.#refuse('a control frame must not be fragmented');
      if (length7 > MAX_CONTROL_BYTES) return this.#refuse('a control frame holds at most 125 bytes');
    } else if (opcode === OPCODE_CONTINUATION) {
      if (this.#assembly === null) return this.#refuse('a continuation without a message');
    } else {
      if (opcode > OPCODE_BINARY) return this.#refuse(`opcode ${opcode} is reserved`);
      if (this.#assembly !== null) return this.#refuse('a new message inside a fragmented one');
    }
    if (second >= 0x80 !== this.expectsMask) {
      return this.#refuse(this.expectsMask ? 'a client must mask its frames' : 'a server must not mask its frames');
    }
    const lengthEnd = at + 2 + (length7 < 126 ? 0 : length7 === 126 ? 2 : 8);
    const headerEnd = lengthEnd + (this.expectsMask ? 4 : 0);
    if (lengthEnd > end) return 0;
    let length = length7;
    if (length7 === 126) {
      length = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
      if (length < 126) return this.#refuse('a length must use its shortest form');
    } else if (length7 === 127) {
      length = this.#readLength64(bytes, at + 2);
      if (length < 0) return 0;
    }
    if (opcode < OPCODE_CLOSE && !this.#admits(opcode, length, reserved !== 0)) return 0;
    if (headerEnd > end) return 0;
    this.#key = this.expectsMask ? bytes.readInt32LE(lengthEnd) : 0;
    this.#opcode = opcode;
    this.#fin = first >= 0x80;
    this.#remaining = length;
    this.#isDeflated = reserved !== 0;
    this.#inFrame = true;
    if (opcode === OPCODE_CONTINUATION) (this.#assembly as Assembly).fragments++;
    if (this.recorder !== null) this.recorder.incomingHeader(opcode | reserved, this.#fin, length);
    return headerEnd - at;
  }

  /** @returns the length, or -1 if it was refused. Compared before any arithmetic could lose bits (CVE-2026-1528). */
  #readLength64(bytes: Buffer, at: number): number {
    const high = bytes.readUInt32BE(at);
    const low = bytes.readUInt32BE(at + 4);
    if (high > 0x7fff_ffff) this.#refuse('a 64-bit length must not have its top bit set');
    else if (high > 0x1f_ffff) this.#breach(CLOSE_TOO_BIG, 'message_too_big', 'the frame is too big');
    else if (high === 0 && low < 65_536) this.#refuse('a length must use its shortest form');
    else return high * 0x1_0000_0000 + low;
    return -1;
  }

  /** RSV1 says that a message is compressed; only its first frame carries it (RFC 7692 §6). */
  #admitsReserved(reserved: number, opcode: number): boolean {
    return reserved === RSV1 && this.inflater !== null && (opcode === OPCODE_TEXT || opcode === OPCODE_BINARY);
  }

  /** Whether a data frame keeps its message within the limits. Judged before any of its payload is read. */
  #admits(opcode: number, length: number, isFirstDeflated: boolean): boolean {
    const limits = this.limits;
    const assembly = this.#assembly;
    const total = length + (opcode === OPCODE_CONTINUATION && assembly !== null ? assembly.length : 0);
    const isDeflated = isFirstDeflated || assembly?.isDeflated === true;
    // Compressed bytes are bounded too, by the most that zlib makes of a message that does not get smaller.
    const most = isDeflated ? deflatedBytesMax(limits.maxMessageBytes) : limits.maxMessageBytes;
    if (total > most) {
      this.#breach(CLOSE_TOO_BIG, 'message_too_big', `a message holds at most ${limits.maxMessageBytes} bytes`);
      return false;
    }
    if (assembly === null) return true;
    const fragments = assembly.fragments + 1;
    const budget = Math.max(2 * limits.maxMessageBytes, FRAGMENT_BUDGET_BYTES_MIN);
    if (fragments <= limits.maxFragments && total + fragments * FRAGMENT_COST_BYTES <= budget) return true;
    this.#breach(CLOSE_POLICY, 'too_many_fragments', 'the message has too many fragments');
    return false;
  }

  #readPayload(chunk: Buffer, at: number, end: number): number {
    if (this.#opcode >= OPCODE_CLOSE) return this.#readControl(chunk, at, end);
    const length = this.#remaining;
    if (length > end - at || !this.#fin || this.#assembly !== null) return this.#readPiece(chunk, at, end);

    // The whole message lies in the chunk: the common case.
    this.#inFrame = false;
    const stop = at + length;
    const isText = this.#opcode === OPCODE_TEXT;
    const high = this.expectsMask ? applyMask(chunk, at, stop, this.#key) : isText ? highBits(chunk, at, stop) : 0;
    if (this.recorder !== null) this.#record(chunk, at, stop);
    if (this.#isDeflated) {
      this.#inflate(chunk.subarray(at, stop), isText);
    } else if (!isText) {
      this.onMessage(chunk.subarray(at, stop));
    } else {
      const text = high === 0 ? decodeAscii(chunk, at, stop) : decodeStrict(chunk, at, stop);
      if (text === null) this.#refuseText();
      else this.onMessage(text);
    }
    return stop;
  }

  /** Part of a message: what there is of a frame goes into the assembly. */
  #readPiece(chunk: Buffer, at: number, end: number): number {
    this.#assembly ??= new Assembly(this.#opcode, this.#isDeflated);
    const assembly = this.#assembly;
    const stop = Math.min(end, at + this.#remaining);
    if (stop > at) {
      const bytes = stop - at;
      // Of a message that goes on nobody knows the length: to grow by what this fragment holds would copy it all each time.
      const expected = this.#fin ? assembly.length + this.#remaining : Number.POSITIVE_INFINITY;
      const isValid = assembly.add(chunk, at, stop, this.#key, expected);
      this.#key = rotateKey(this.#key, bytes);
      if (this.recorder !== null) this.recorder.incomingPiece(assembly.bytes, assembly.length - bytes, assembly.length);
      if (!isValid) {
        this.#refuseText();
        return stop;
      }
      this.#remaining -= stop - at;
    }
    if (this.#remaining > 0) return stop;
    this.#inFrame = false;
    if (this.recorder !== null) this.recorder.incomingEnd();
    if (!this.#fin) return stop;
    this.#assembly = null;
    if (assembly.isDeflated) {
      this.#inflate(assembly.bytes, assembly.opcode === OPCODE_TEXT);
      return stop;
    }
    const data = assembly.finish();
    if (data === null) this.#refuseText();
    else this.onMessage(data);
    return stop;
  }

  /** A compressed message is complete. */
  #inflate(payload: Buffer, isText: boolean): void {
    const { inflater, later } = this;
    const { maxMessageBytes } = this.limits;
    if (inflater === null) return;
    if (later === null || payload.length < INFLATE_LATER_FROM_BYTES) {
      this.#deliver(inflater.inflate(payload, maxMessageBytes), isText);
      return;
    }
    const inflating: { readonly isText: boolean; result: Inflated | null } = { isText, result: null };
    this.#inflating = inflating;
    inflater.inflateLater(payload, maxMessageBytes, (result) => {
      inflating.result = result;
      // A connection that ended meanwhile does not want it any more.
      if (this.#inflating === inflating) later(() => this.readHeld());
    });
  }

  #deliver(inflated: Inflated, isText: boolean): void {
    if (inflated === 'too_big') {
      this.#breach(CLOSE_TOO_BIG, 'message_too_big', `a message holds at most ${this.limits.maxMessageBytes} bytes`);
    } else if (inflated === 'invalid') {
      this.#breach(CLOSE_INVALID_TEXT, 'deflate_invalid', 'a compressed message must be valid DEFLATE data');
    } else if (!isText) {
      this.onMessage(inflated);
    } else {
      const text = decodeStrict(inflated, 0, inflated.length);
      if (text === null) this.#refuseText();
      else this.onMessage(text);
    }
  }

  #readControl(chunk: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#remaining);
    if (this.expectsMask && stop > at) {
      applyMask(chunk, at, stop, this.#key);
      this.#key = rotateKey(this.#key, stop - at);
    }
    this.#remaining -= stop - at;
    if (this.#remaining === 0 && this.#controlHave === 0) {
      this.#inFrame = false;
      if (this.recorder !== null) this.#record(chunk, at, stop);
      this.onControl(this.#opcode, chunk.subarray(at, stop));
      return stop;
    }
    this.#control ??= Buffer.allocUnsafe(MAX_CONTROL_BYTES);
    const control = this.#control;
    chunk.copy(control, this.#controlHave, at, stop);
    this.#controlHave += stop - at;
    if (this.#remaining > 0) return stop;
    const have = this.#controlHave;
    this.#controlHave = 0;
    this.#inFrame = false;
    if (this.recorder !== null) this.#record(control, 0, have);
    this.onControl(this.#opcode, control.subarray(0, have));
    return stop;
  }

  #record(bytes: Buffer, start: number, end: number): void {
    this.recorder?.incomingPiece(bytes, start, end);
    this.recorder?.incomingEnd();
  }

  #refuse(message: string): 0 {
    this.#breach(CLOSE_PROTOCOL_ERROR, 'frame_invalid', message);
    return 0;
  }

  #refuseText(): void {
    this.#breach(CLOSE_INVALID_TEXT, 'text_invalid', 'a text message must be valid UTF-8');
  }

  #breach(closeCode: number, code: BreachCode, message: string): void {
    this.stopReading();
    this.onBreach(closeCode, code, message);
  }
}

/** zlib's own bound for any settings (its `deflateBound`), and some for flushes inside the message. */
function deflatedBytesMax(bytes: number): number {
  return bytes + (bytes >>> 3) + 1_024;
}
