/**
 * A message that is not complete in one chunk. Its bytes are unmasked into one buffer that grows with what was
 * received, never with what a header promised: a peer must send half of the memory it makes us hold.
 */
import { OPCODE_TEXT } from './frame.js';
import { highBits, maskInto } from './mask.js';
import { checkUtf8, decodeAscii, decodeChecked, UTF8_COMPLETE, UTF8_INVALID } from './utf8.js';

const FIRST_BYTES = 256;
const EMPTY = Buffer.alloc(0);

export class Assembly {
  length = 0;
  fragments = 1;
  readonly #isText: boolean;
  #buffer: Buffer | null = null;
  #utf8 = UTF8_COMPLETE;
  #high = 0;

  constructor(
    readonly opcode: number,
    /** Its bytes are judged once they are inflated. */
    readonly isDeflated: boolean,
  ) {
    this.#isText = opcode === OPCODE_TEXT && !isDeflated;
  }

  /**
   * Adds bytes, unmasked on the way.
   * @param key the mask key as it stands at `start`; 0 for none.
   * @param expected how long the message will be, if that is known: growth stops there.
   * @returns false if a text can no longer become valid.
   */
  add(from: Buffer, start: number, end: number, key: number, expected: number): boolean {
    const at = this.length;
    const length = at + end - start;
    let buffer = this.#buffer;
    if (buffer === null || buffer.length < length) {
      // Twice what is here now, not what was: the first piece of a large message is often all of it but some bytes.
      const most = Math.max(length, expected, FIRST_BYTES);
      const grown = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * length, FIRST_BYTES), most));
      if (buffer !== null) grown.set(buffer.subarray(0, at), 0);
      this.#buffer = grown;
      buffer = grown;
    }
    this.length = length;
    let high = 0;
    if (key !== 0) high = maskInto(from, start, end, key, buffer, at);
    else buffer.set(from.subarray(start, end), at);
    if (!this.#isText) return true;
    if (key === 0) high = highBits(buffer, at, length);
    if (high === 0 && this.#utf8 === UTF8_COMPLETE) return true;
    this.#high = 0x80;
    this.#utf8 = checkUtf8(this.#utf8, buffer, at, length);
    return this.#utf8 !== UTF8_INVALID;
  }

  /** The bytes added. */
  get bytes(): Buffer {
    return this.#buffer === null ? EMPTY : this.#buffer.subarray(0, this.length);
  }

  /** The whole message; `null` if the text ends inside a code point. */
  finish(): string | Uint8Array | null {
    const buffer = this.#buffer;
    if (!this.#isText) return buffer === null ? new Uint8Array(0) : buffer.subarray(0, this.length);
    if (this.#utf8 !== UTF8_COMPLETE) return null;
    if (buffer === null) return '';
    return this.#high === 0 ? decodeAscii(buffer, 0, this.length) : decodeChecked(buffer, 0, this.length);
  }
}
