// @ts-check
// Raw DEFLATE (RFC 1951), decoded by ourselves and not by zlib: a judge has to see what zlib forgives, such as a distance
// beyond the negotiated window, and it must not share the decoder of the servers it judges.

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
/** Two codes for each number of extra bits, from code 4 on (§3.2.5). */
const DISTANCE_EXTRA = Array.from({ length: 30 }, (_, code) => (code < 4 ? 0 : (code >> 1) - 1));
const DISTANCE_BASE = DISTANCE_EXTRA.map(
  (_, code) => 1 + DISTANCE_EXTRA.slice(0, code).reduce((sum, extra) => sum + 2 ** extra, 0),
);
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

export class InflateError extends Error {}

/** @typedef {{ bits: number, table: Uint16Array }} Code Entry: symbol << 4 | length; 0 for no symbol. */

/**
 * @param {ArrayLike<number>} lengths
 * @returns {Code}
 */
function codeFrom(lengths) {
  let bits = 0;
  const counts = new Uint16Array(16);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = Number(lengths[symbol]);
    counts[length] = Number(counts[length]) + 1;
    if (length > bits) bits = length;
  }
  counts[0] = 0;
  const next = new Uint16Array(17);
  for (let length = 1; length < 16; length++) {
    next[length + 1] = (Number(next[length]) + Number(counts[length])) << 1;
    if (Number(next[length]) + Number(counts[length]) > 1 << length)
      throw new InflateError('a code has too many symbols');
  }
  const table = new Uint16Array(1 << bits);
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    const length = Number(lengths[symbol]);
    if (length === 0) continue;
    const code = Number(next[length]);
    next[length] = code + 1;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) reversed |= ((code >> bit) & 1) << (length - 1 - bit);
    for (let at = reversed; at < table.length; at += 1 << length) table[at] = (symbol << 4) | length;
  }
  return { bits, table };
}

const FIXED_LITERALS = codeFrom(
  Array.from({ length: 288 }, (_, at) => (at < 144 ? 8 : at < 256 ? 9 : at < 280 ? 7 : 8)),
);
const FIXED_DISTANCES = codeFrom(new Array(30).fill(5));

/** Inflates messages of one connection, one after the other. */
export class Inflater {
  /** The farthest that any message reached back. */
  maxDistance = 0;
  /** Whether any block had BFINAL set. */
  sawFinalBlock = false;
  #windowBytes;
  #keepsWindow;
  #input = Buffer.alloc(0);
  #at = 0;
  #bitBuffer = 0;
  #bitCount = 0;
  /** The window, then what this message gave. */
  #output = Buffer.alloc(65_536);
  #start = 0;
  #end = 0;

  /**
   * @param {number} windowBits
   * @param {boolean} keepsWindow Whether a message may refer to those before it.
   */
  constructor(windowBits, keepsWindow) {
    this.#windowBytes = 2 ** windowBits;
    this.#keepsWindow = keepsWindow;
  }

  /**
   * @param {Buffer} message Without the four octets that end a sync flush; they are put back (RFC 7692 §7.2.2).
   * @returns {Buffer}
   */
  inflate(message) {
    this.#input = Buffer.concat([message, Buffer.from([0, 0, 0xff, 0xff])]);
    this.#at = 0;
    this.#bitBuffer = 0;
    this.#bitCount = 0;
    const kept = this.#keepsWindow ? Math.min(this.#end, 32_768) : 0;
    this.#output.copyWithin(0, this.#end - kept, this.#end);
    this.#start = kept;
    this.#end = kept;
    while (this.#at < this.#input.length || this.#bitCount >= 8) this.#block();
    return Buffer.from(this.#output.subarray(this.#start, this.#end));
  }

  #block() {
    const isFinal = this.#take(1) === 1;
    const type = this.#take(2);
    if (type === 0) this.#stored();
    else if (type === 1) this.#compressed(FIXED_LITERALS, FIXED_DISTANCES);
    else if (type === 2) this.#dynamic();
    else throw new InflateError('block type 3');
    if (!isFinal) return;
    this.sawFinalBlock = true;
    // What follows a final block begins on an octet (RFC 7692 §7.2.3.4).
    this.#align();
  }

  #align() {
    this.#bitBuffer >>>= this.#bitCount & 7;
    this.#bitCount -= this.#bitCount & 7;
  }

  #stored() {
    this.#align();
    const length = this.#take(16);
    if (length !== (this.#take(16) ^ 0xffff)) throw new InflateError('a stored block contradicts its length');
    this.#reserve(length);
    for (let left = length; left > 0; left--) this.#output[this.#end++] = this.#take(8);
  }

  #dynamic() {
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const lengthCodes = this.#take(4) + 4;
    const codeLengths = new Uint8Array(19);
    for (let at = 0; at < lengthCodes; at++) codeLengths[Number(CODE_LENGTH_ORDER[at])] = this.#take(3);
    const code = codeFrom(codeLengths);
    const lengths = new Uint8Array(literals + distances);
    for (let at = 0; at < lengths.length; ) {
      const symbol = this.#symbol(code);
      if (symbol < 16) {
        lengths[at++] = symbol;
        continue;
      }
      if (symbol === 16 && at === 0) throw new InflateError('a repeat of nothing');
      const value = symbol === 16 ? Number(lengths[at - 1]) : 0;
      const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (at + times > lengths.length) throw new InflateError('more code lengths than codes');
      lengths.fill(value, at, at + times);
      at += times;
    }
    this.#compressed(codeFrom(lengths.subarray(0, literals)), codeFrom(lengths.subarray(literals)));
  }

  /**
   * @param {Code} literals
   * @param {Code} distances
   */
  #compressed(literals, distances) {
    for (;;) {
      const symbol = this.#symbol(literals);
      if (symbol === 256) return;
      this.#reserve(258);
      if (symbol < 256) {
        this.#output[this.#end++] = symbol;
        continue;
      }
      const lengthCode = symbol - 257;
      if (lengthCode >= LENGTH_BASE.length) throw new InflateError('a length code that does not exist');
      const length = Number(LENGTH_BASE[lengthCode]) + this.#take(Number(LENGTH_EXTRA[lengthCode]));
      const distanceCode = this.#symbol(distances);
      if (distanceCode >= DISTANCE_BASE.length) throw new InflateError('a distance code that does not exist');
      this.#copy(length, Number(DISTANCE_BASE[distanceCode]) + this.#take(Number(DISTANCE_EXTRA[distanceCode])));
    }
  }

  /**
   * @param {number} length
   * @param {number} distance
   */
  #copy(length, distance) {
    if (distance > this.#end) throw new InflateError(`a reference ${distance} octets back, where nothing is kept`);
    if (distance > this.#windowBytes) {
      throw new InflateError(`a reference ${distance} octets back, with a window of ${this.#windowBytes}`);
    }
    if (distance > this.maxDistance) this.maxDistance = distance;
    for (let left = length; left > 0; left--) {
      this.#output[this.#end] = Number(this.#output[this.#end - distance]);
      this.#end++;
    }
  }

  /** @param {Code} code */
  #symbol(code) {
    this.#fill();
    const entry = Number(code.table[this.#bitBuffer & (code.table.length - 1)]);
    const length = entry & 15;
    if (length === 0) throw new InflateError('bits that are no symbol');
    if (length > this.#bitCount) throw new InflateError('the data ends inside a block');
    this.#bitBuffer >>>= length;
    this.#bitCount -= length;
    return entry >> 4;
  }

  /** @param {number} bits At most 16. */
  #take(bits) {
    this.#fill();
    if (bits > this.#bitCount) throw new InflateError('the data ends inside a block');
    const value = this.#bitBuffer & ((1 << bits) - 1);
    this.#bitBuffer >>>= bits;
    this.#bitCount -= bits;
    return value;
  }

  #fill() {
    while (this.#bitCount <= 16 && this.#at < this.#input.length) {
      this.#bitBuffer |= Number(this.#input[this.#at++]) << this.#bitCount;
      this.#bitCount += 8;
    }
  }

  /** @param {number} bytes */
  #reserve(bytes) {
    if (this.#end + bytes <= this.#output.length) return;
    const larger = Buffer.alloc(2 * (this.#end + bytes));
    this.#output.copy(larger, 0, 0, this.#end);
    this.#output = larger;
  }
}
