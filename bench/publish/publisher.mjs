// One connection of `publish`: sends a batch of publishes, and waits until each has its answer.

import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { dataOf, FIRST_ID, PublishBatch, streamOf } from './messages.mjs';

/**
 * @typedef {object} PublisherOptions
 * @property {number} port
 * @property {number} index Its place among the connections.
 * @property {number} depth 1 to 32: publishes in a batch.
 * @property {number} logs
 * @property {boolean} echoes The server answers with what it got.
 * @property {boolean} isSampled Whether to decode every answer, to ask for the entries in the end.
 * @property {(publisher: Publisher) => void} answered
 * @property {(error: Error) => void} failed
 */

/**
 * The answer to a `read`.
 * @typedef {object} Page
 * @property {number} head
 * @property {readonly { offset: number, seq?: number, data: unknown }[]} items
 */

/** The beginning of every answer: `id` follows. */
const OK = '{"type":"ok","id":';
const READ_ID = 10_000;

export class Publisher {
  index;
  isWaiting = false;
  #options;
  #batch;
  /** Bits of the publishes without an answer; or, of an echo, its bytes that are due. */
  #due = 0;
  /** Answers of the last batch, of a sampled connection: offset by sequence number. @type {Map<number, number>} */
  #offsets = new Map();
  /** @type {((page: Page) => void) | null} */
  #reply = null;
  /** @type {RawWebSocket} */
  #socket;

  /** @param {PublisherOptions} options @returns {Promise<Publisher>} */
  static open(options) {
    return new Promise((resolve) => new Publisher(options, resolve));
  }

  /** @param {PublisherOptions} options @param {(publisher: Publisher) => void} ready */
  constructor(options, ready) {
    this.#options = options;
    this.index = options.index;
    this.#batch = new PublishBatch(options);
    this.#socket = new RawWebSocket({
      port: options.port,
      ...(options.echoes ? { path: '/' } : { path: '/line', subprotocol: 'trunkline.v1.json' }),
      opened: (socket) => {
        if (options.echoes) ready(this);
        else socket.send('{"type":"hello","version":1}');
      },
      text: (_socket, bytes, start, end) => {
        if (options.echoes) return this.#echoed(bytes, start, end);
        if (bytes.toString('latin1', start, start + OK.length) === OK && this.#reply === null)
          return this.#acknowledged(bytes, start, end);
        this.#other(bytes.toString('utf8', start, end), () => ready(this));
      },
      failed: options.failed,
    });
  }

  send() {
    this.isWaiting = true;
    this.#batch.advance();
    const { depth, echoes } = this.#options;
    this.#due = echoes ? this.#batch.echo.length : 2 ** depth - 1;
    if (this.#options.isSampled) this.#offsets.clear();
    this.#socket.write(this.#batch.chunk);
  }

  end() {
    this.#socket.end();
  }

  /** Publishes that were answered so far. */
  get published() {
    return this.#batch.firstSeq + this.#options.depth - new PublishBatch({ ...this.#options, depth: 1 }).firstSeq - 1;
  }

  /** Whether the entries of the last batch are in the log as they were sent; throws if not. */
  async readBack() {
    for (const [seq, offset] of this.#offsets) {
      const page = await this.ask({ type: 'read', stream: this.#stream, before: offset + 1, limit: 1 });
      const entry = page.items[0];
      const isSame = JSON.stringify(entry?.data) === JSON.stringify(dataOf(this.index, seq));
      if (entry?.offset === offset && entry.seq === seq && isSame) continue;
      throw new Error(`what was acknowledged as ${offset} with seq ${seq} reads ${JSON.stringify(entry)}`);
    }
    return this.#offsets.size;
  }

  /** The head of this connection's log. */
  async head() {
    return (await this.ask({ type: 'read', stream: this.#stream, before: Number.MAX_SAFE_INTEGER, limit: 1 })).head;
  }

  /** @param {object} request @returns {Promise<Page>} */
  ask(request) {
    return new Promise((resolve) => {
      this.#reply = resolve;
      this.#socket.send(JSON.stringify({ id: READ_ID, ...request }));
    });
  }

  get #stream() {
    return streamOf(this.index, this.#options.logs);
  }

  /** @param {Buffer} bytes @param {number} start @param {number} end */
  #echoed(bytes, start, end) {
    const { echo } = this.#batch;
    const header = end - start < 126 ? 2 : 4;
    const at = echo.length - this.#due + header;
    if (this.#due === 0 || echo.compare(bytes, start, end, at, at + end - start) !== 0) throw new Error('a wrong echo');
    this.#due -= header + end - start;
    if (this.#due === 0) this.#done();
  }

  /** One answer a line; several may come in one message. @param {Buffer} bytes @param {number} start @param {number} end */
  #acknowledged(bytes, start, end) {
    const { depth, isSampled } = this.#options;
    for (let at = start; at < end; ) {
      const idAt = at + OK.length;
      // Three digits, as FIRST_ID has.
      const digit = (/** @type {number} */ at) => /** @type {number} */ (bytes[idAt + at]) - 0x30;
      const place = digit(0) * 100 + digit(1) * 10 + digit(2) - FIRST_ID;
      const bit = 2 ** place;
      const newline = bytes.indexOf(0x0a, idAt);
      const lineEnd = newline === -1 || newline > end ? end : newline;
      if (!(place >= 0 && place < depth) || Math.floor(this.#due / bit) % 2 === 0 || bytes[lineEnd - 1] !== 0x7d)
        throw new Error(`an answer that is not due: ${bytes.toString('utf8', at, lineEnd)}`);
      if (isSampled) {
        const { offset } = JSON.parse(bytes.toString('utf8', at, lineEnd));
        this.#offsets.set(this.#batch.firstSeq + place, offset);
      }
      this.#due -= bit;
      at = lineEnd + 1;
    }
    if (this.#due === 0) this.#done();
  }

  #done() {
    this.isWaiting = false;
    this.#options.answered(this);
  }

  /** @param {string} text @param {() => void} ready */
  #other(text, ready) {
    for (const line of text.split('\n')) {
      const message = JSON.parse(line);
      if (message.type === 'welcome') ready();
      else if (message.type === 'ping') this.#socket.send('{"type":"pong"}');
      else if (message.type === 'ok' && message.id === READ_ID && this.#reply !== null) {
        const reply = this.#reply;
        this.#reply = null;
        reply(message);
      } else throw new Error(`trunkline said ${line}`);
    }
  }
}
