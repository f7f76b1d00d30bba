// What is published: the same bytes to every server. Numbers have a fixed width, so that a connection keeps one chunk and
// writes the next numbers into it.

/** Sequence numbers count from here, so that all of them have as many digits. */
const FIRST_SEQ = 100_000_001;
const SEQ_DIGITS = 9;
/** Ids of the requests of one batch: they are free again when it is answered. */
export const FIRST_ID = 100;
const TEXT = 1;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const TEXT_LENGTH = 64 - '{"seq":100000001,"text":""}'.length;

/** @param {number} index Of a connection. @param {number} logs How many there are. */
export const streamOf = (index, logs) => `orders/${index % logs}`;

/**
 * The data of a publish: JSON of 64 bytes.
 * @param {number} index Of the connection.
 * @param {number} seq
 */
export function dataOf(index, seq) {
  return { seq, text: `${index} ${LETTERS}${LETTERS}`.slice(0, TEXT_LENGTH) };
}

/** The chunk that one connection sends again and again, each publish in a frame of its own. */
export class PublishBatch {
  /** @type {Buffer} */
  chunk;
  /** What a server that echoes answers with. @type {Buffer} */
  echo;
  /** Sequence number of the first publish in the chunk. */
  firstSeq;
  #depth;
  /** Places of the numbers: two for each publish, in `chunk` and in `echo`. @type {number[]} */
  #places = [];
  /** @type {number[]} */
  #echoPlaces = [];

  /** @param {{ index: number, depth: number, logs: number }} options */
  constructor({ index, depth, logs }) {
    this.#depth = depth;
    this.firstSeq = FIRST_SEQ - depth;
    const chunk = [];
    const echo = [];
    let [at, echoAt] = [0, 0];
    for (let place = 0; place < depth; place += 1) {
      const payload = Buffer.from(
        JSON.stringify({
          type: 'publish',
          id: FIRST_ID + place,
          stream: streamOf(index, logs),
          producer: `p${1_000 + index}`,
          seq: FIRST_SEQ,
          data: dataOf(index, FIRST_SEQ),
        }),
      );
      const header = headerOf(payload.length);
      // The mask key is 0, which leaves the payload as it is; a server unmasks it all the same.
      chunk.push(masked(header), Buffer.alloc(4), payload);
      echo.push(header, payload);
      const first = payload.indexOf(String(FIRST_SEQ));
      const second = payload.indexOf(String(FIRST_SEQ), first + SEQ_DIGITS);
      const start = at + header.length + 4;
      this.#places.push(start + first, start + second);
      this.#echoPlaces.push(echoAt + header.length + first, echoAt + header.length + second);
      at = start + payload.length;
      echoAt += header.length + payload.length;
    }
    this.chunk = Buffer.concat(chunk);
    this.echo = Buffer.concat(echo);
  }

  /** Moves on to the next publishes. A chunk that was handed to a socket must have left the process: it was answered. */
  advance() {
    this.firstSeq += this.#depth;
    for (const [index, place] of this.#places.entries()) {
      const seq = this.firstSeq + (index >> 1);
      writeNumber(this.chunk, place, seq);
      writeNumber(this.echo, /** @type {number} */ (this.#echoPlaces[index]), seq);
    }
  }
}

/** @param {number} length */
function headerOf(length) {
  if (length < 126) return Buffer.from([0x80 | TEXT, length]);
  return Buffer.from([0x80 | TEXT, 126, length >> 8, length & 255]);
}

/** @param {Buffer} header */
function masked(header) {
  const copy = Buffer.from(header);
  copy[1] = 0x80 | /** @type {number} */ (copy[1]);
  return copy;
}

/** @param {Buffer} bytes @param {number} at @param {number} value */
function writeNumber(bytes, at, value) {
  let rest = value;
  for (let digit = at + SEQ_DIGITS - 1; digit >= at; digit -= 1) {
    bytes[digit] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
