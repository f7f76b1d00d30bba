// One connection of `echo`: sends a batch, and compares what comes back with what is due.

import { connect } from 'node:net';
import { RawHandshake } from '../lib/raw-handshake.mjs';

/** All sockets read into the same memory: what is in it is looked at before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(65_536);

/**
 * @typedef {object} EchoSocketOptions
 * @property {number} port
 * @property {readonly import('./batches.mjs').Batch[]} batches
 * @property {number} index Its place among the connections.
 * @property {(socket: EchoSocket) => void} answered A batch is back, as it should be.
 * @property {(error: Error) => void} failed
 */

export class EchoSocket {
  index;
  #options;
  #handshake;
  #socket;
  #opened;
  /** What came of the handshake's response. @type {Buffer | null} */
  #head = Buffer.alloc(0);
  #next;
  /** The answer that is due, and how much of it is here. @type {Buffer | null} */
  #answer = null;
  #have = 0;
  #isEnding = false;

  /**
   * @param {EchoSocketOptions} options
   * @returns {Promise<EchoSocket>}
   */
  static open(options) {
    return new Promise((resolve) => new EchoSocket(options, resolve));
  }

  /**
   * @param {EchoSocketOptions} options
   * @param {(socket: EchoSocket) => void} opened
   */
  constructor(options, opened) {
    this.#options = options;
    this.#opened = opened;
    this.index = options.index;
    // Neighbours begin with different batches, and meet the same one at different times.
    this.#next = (options.index * 7) % options.batches.length;
    this.#handshake = new RawHandshake({ port: options.port });
    const onread = { buffer: readBuffer, callback: (/** @type {number} */ bytes) => this.#received(bytes) };
    this.#socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true, onread });
    this.#socket.on('connect', () => this.#socket.write(this.#handshake.request));
    this.#socket.on('error', (error) => options.failed(error));
    this.#socket.on('close', () => {
      if (!this.#isEnding) options.failed(new Error('the server closed a connection'));
    });
  }

  /** Whether an answer is due. */
  get isWaiting() {
    return this.#answer !== null;
  }

  send() {
    const { batches } = this.#options;
    const { request, answer } = /** @type {import('./batches.mjs').Batch} */ (batches[this.#next]);
    this.#next = (this.#next + 1) % batches.length;
    this.#answer = answer;
    this.#have = 0;
    this.#socket.write(request);
  }

  /** Cuts the connection off. */
  end() {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  /** @param {number} bytes */
  #received(bytes) {
    try {
      if (this.#head === null) this.#compare(bytes);
      else this.#readHead(bytes);
    } catch (error) {
      this.#options.failed(/** @type {Error} */ (error));
      return false;
    }
    return true;
  }

  /** @param {number} bytes */
  #readHead(bytes) {
    const head = Buffer.concat([/** @type {Buffer} */ (this.#head), readBuffer.subarray(0, bytes)]);
    this.#head = head;
    const end = this.#handshake.check(head, head.length);
    if (end === 0) return;
    if (end !== head.length) throw new Error('the server spoke first');
    this.#head = null;
    this.#opened(this);
  }

  /** @param {number} bytes */
  #compare(bytes) {
    const answer = this.#answer;
    const end = this.#have + bytes;
    if (answer === null || end > answer.length) throw new Error(`${bytes} bytes that nobody asked for`);
    if (answer.compare(readBuffer, 0, bytes, this.#have, end) !== 0) {
      throw new Error(`wrong bytes between ${this.#have} and ${end} of an answer`);
    }
    this.#have = end;
    if (end < answer.length) return;
    this.#answer = null;
    this.#options.answered(this);
  }
}
