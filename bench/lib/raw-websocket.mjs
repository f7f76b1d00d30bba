// The load's side of a WebSocket: a net.Socket, a handshake in one write, and a scan over frame headers. It decodes nothing by
// itself, as a real WebSocket client for each of 1,000 subscribers would be busier than the servers it is to measure.

import { connect } from 'node:net';
import { RawHandshake } from './raw-handshake.mjs';

const TEXT = 1;
const RSV1 = 0x40;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** All sockets read into the same memory: what is in it is looked at before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * @typedef {object} RawWebSocketOptions
 * @property {number} port
 * @property {string} path
 * @property {string} [subprotocol]
 * @property {readonly string[]} [extension] `permessage-deflate` and its parameters; then every text message must come compressed.
 * @property {(socket: RawWebSocket) => void} opened
 * @property {(socket: RawWebSocket, bytes: Buffer, start: number, end: number) => void} text
 *   A text message's place in `bytes`, which is only valid during the call. A compressed one is handed over as it came.
 * @property {() => void} [read] After all frames of one read.
 * @property {number} [stepBytes] Reads so many bytes at a time once `readInSteps` was called, and then only as often as `readOn` says.
 * @property {(error: Error) => void} failed
 */

export class RawWebSocket {
  /** Bytes received since the handshake. */
  receivedBytes = 0;
  /** @type {import('node:net').Socket} */
  #socket;
  #options;
  #handshake;
  #textByte;
  #isOpen = false;
  #isEnding = false;
  #isInSteps = false;
  #steps = 0;
  #buffer;
  /** The beginning of a frame or handshake whose end has not arrived. @type {Buffer | null} */
  #rest = null;

  /** @param {RawWebSocketOptions} options */
  constructor(options) {
    this.#options = options;
    const { port, stepBytes } = options;
    this.#buffer = stepBytes === undefined ? readBuffer : Buffer.allocUnsafeSlow(stepBytes);
    this.#handshake = new RawHandshake(options);
    this.#textByte = 0x80 | TEXT | (options.extension === undefined ? 0 : RSV1);
    const onread = { buffer: this.#buffer, callback: (/** @type {number} */ bytes) => this.#received(bytes) };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('connect', () => this.#socket.write(this.#handshake.request));
    this.#socket.on('error', (error) => options.failed(error));
    this.#socket.on('close', () => {
      if (!this.#isEnding) options.failed(new Error('the server closed a connection'));
    });
  }

  /** @param {string} text At most 65,535 bytes. */
  send(text) {
    this.#sendFrame(TEXT, Buffer.from(text));
  }

  /** Frames that are ready, masked by whoever made them. @param {Buffer} frames */
  write(frames) {
    this.#socket.write(frames);
  }

  /** From now on only `readOn` makes it read, a step each time; with `false` it reads by itself again. */
  readInSteps(isInSteps = true) {
    this.#isInSteps = isInSteps;
    if (!isInSteps) this.#socket.resume();
  }

  /** Reads so many steps, as far as there is something to read until it is called again. @param {number} steps */
  readOn(steps) {
    this.#steps = steps;
    this.#socket.resume();
  }

  /** Cuts the connection off. */
  end() {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  /** @param {number} bytes */
  #received(bytes) {
    try {
      this.#take(this.#buffer, bytes);
    } catch (error) {
      this.#options.failed(/** @type {Error} */ (error));
      return false;
    }
    this.#steps -= 1;
    return !this.#isInSteps || this.#steps > 0;
  }

  /**
   * @param {Buffer} chunk
   * @param {number} length
   */
  #take(chunk, length) {
    let bytes = chunk;
    let end = length;
    if (this.#rest !== null) {
      bytes = Buffer.concat([this.#rest, chunk.subarray(0, length)]);
      end = bytes.length;
      this.#rest = null;
    }
    let at = 0;
    if (this.#isOpen) this.receivedBytes += length;
    else {
      at = this.#handshake.check(bytes, end);
      if (at > 0) {
        this.receivedBytes += end - at;
        this.#isOpen = true;
        this.#options.opened(this);
      }
    }
    if (this.#isOpen) at = this.#frames(bytes, at, end);
    if (at < end) this.#rest = Buffer.from(bytes.subarray(at, end));
    this.#options.read?.();
  }

  /**
   * @param {Buffer} bytes
   * @param {number} from
   * @param {number} end
   * @returns {number} Where the first incomplete frame begins.
   */
  #frames(bytes, from, end) {
    let at = from;
    while (end - at >= 2) {
      const first = /** @type {number} */ (bytes[at]);
      let length = /** @type {number} */ (bytes[at + 1]);
      let start = at + 2;
      if (length === 126) {
        if (end - at < 4) return at;
        length = bytes.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (end - at < 10) return at;
        length = Number(bytes.readBigUInt64BE(at + 2));
        start = at + 10;
      } else if (length > 127) {
        throw new Error('the server masked a frame');
      }
      if (end - start < length) return at;
      at = start + length;
      if (first === this.#textByte) this.#options.text(this, bytes, start, at);
      else this.#control(first, bytes.subarray(start, at));
    }
    return at;
  }

  /**
   * @param {number} first
   * @param {Buffer} payload
   */
  #control(first, payload) {
    if (first === (0x80 | PING)) this.#sendFrame(PONG, payload);
    else if (first === (0x80 | CLOSE)) throw new Error('the server sent a close frame');
    else if (first !== (0x80 | PONG)) throw new Error(`a frame that nobody expected: 0x${first.toString(16)}`);
  }

  /**
   * @param {number} opcode
   * @param {Buffer} payload
   */
  #sendFrame(opcode, payload) {
    const isShort = payload.length < 126;
    const frame = Buffer.alloc((isShort ? 6 : 8) + payload.length);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (isShort ? payload.length : 126);
    if (!isShort) frame.writeUInt16BE(payload.length, 2);
    // The mask key stays 0, which leaves the payload as it is.
    payload.copy(frame, frame.length - payload.length);
    this.#socket.write(frame);
  }
}
