// One reader of the table: checks that each message joins what it had, reports what it processed where that is the custom, and, of a
// sample, keeps a replica that is compared in the end.

import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { steadyMs } from '../lib/steady.mjs';
import { PER_BATCH } from './market.mjs';

/** When a client reports (FLO-1): at once above the first, and a while after more than the second is unreported. */
const REPORT_BYTES = 16_384;
const REPORT_LEAST_BYTES = 1_024;
const REPORT_MS = 200;

/**
 * @typedef {object} ReaderOptions
 * @property {number} port
 * @property {number} index Its place among the readers.
 * @property {import('./dialects.mjs').Dialect} dialect
 * @property {import('./dialects.mjs').Wish} wish What it would like to be told, if its system can do that.
 * @property {number | undefined} stepBytes Of a slow one: how many bytes it reads at a time.
 * @property {boolean} isSampled Whether to keep a replica.
 * @property {(bytes: Buffer, start: number, end: number) => import('./dialects.mjs').Told | null} decode `null`: not a message of rows.
 * @property {(reader: Reader, told: import('./dialects.mjs').Told, bytes: number) => void} told After it is processed.
 * @property {(reader: Reader) => void} unreported More than 1,024 bytes are: call `report` a little later.
 * @property {(reader: Reader, id: number, result: unknown) => void} answered
 * @property {(error: Error) => void} failed
 */

export class Reader {
  index;
  isSlow;
  /** Batches that it has. */
  batches = 0;
  /** Rows that it follows and was told. */
  rows = 0;
  /** Whether `report` is to come. */
  isToReport = false;
  /** When it reported last, by `steadyMs`. */
  reportedAtMs = 0;
  /** @type {Map<string, import('./market.mjs').Row> | null} */
  replica;
  #options;
  #socket;
  /** @type {ReadonlySet<string> | null} */
  #follows;
  #processedBytes = 0;
  #reportedBytes = 0;
  /** Rows of a batch that comes in several messages. */
  #ofBatch = 0;

  /** Resolves when it has the table. @param {ReaderOptions} options @returns {Promise<Reader>} */
  static open(options) {
    return new Promise((resolve) => new Reader(options, resolve));
  }

  /** @param {ReaderOptions} options @param {(reader: Reader) => void} ready */
  constructor(options, ready) {
    const { dialect, port, stepBytes, wish, failed } = options;
    this.#options = options;
    this.index = options.index;
    this.isSlow = stepBytes !== undefined;
    this.replica = options.isSampled ? new Map() : null;
    this.#follows = wish.keys === undefined ? null : new Set(wish.keys);
    this.#socket = new RawWebSocket({
      port,
      path: dialect.path,
      ...(dialect.subprotocol === undefined ? {} : { subprotocol: dialect.subprotocol }),
      ...(stepBytes === undefined ? {} : { stepBytes }),
      opened: (socket) => {
        const greeting = dialect.greeting(wish);
        if (greeting !== null) socket.send(greeting);
      },
      text: (socket, bytes, start, end) => {
        const told = options.decode(bytes, start, end);
        if (told !== null) {
          this.#take(told);
          options.told(this, told, end - start);
          // With a protocol, it says itself when all is there.
          if (told.isWhole && !dialect.reports) ready(this);
        } else {
          const { ready: isReady, reply, answer } = dialect.other(bytes.toString('utf8', start, end));
          if (reply !== undefined) socket.send(reply);
          if (answer !== undefined) options.answered(this, answer.id, answer.result);
          if (isReady) ready(this);
        }
        if (dialect.reports) this.#processed(end - start);
      },
      failed,
    });
  }

  get receivedBytes() {
    return this.#socket.receivedBytes;
  }

  /** A slow one reads in steps from now on, or no more. @param {boolean} isInSteps */
  readInSteps(isInSteps) {
    this.#socket.readInSteps(isInSteps);
  }
  /** @param {number} steps */
  readOn(steps) {
    this.#socket.readOn(steps);
  }

  /** @param {string} text */
  send(text) {
    this.#socket.send(text);
  }

  /** @param {number} nowMs @returns {boolean} Whether nothing is to be reported any more. */
  reportIfDue(nowMs) {
    if (this.isToReport && nowMs >= this.reportedAtMs + REPORT_MS) this.report();
    return !this.isToReport;
  }

  report() {
    this.isToReport = false;
    this.reportedAtMs = steadyMs();
    if (this.#reportedBytes === this.#processedBytes) return;
    this.#reportedBytes = this.#processedBytes;
    this.#socket.send(`{"type":"seen","bytes":${this.#processedBytes}}`);
  }

  end() {
    this.#socket.end();
  }

  /** @param {import('./dialects.mjs').Told} told */
  #take(told) {
    const { from, to, isWhole, set, patch } = told;
    // A part of a longer range leaves the position where it was.
    if (from !== this.batches || to < from) {
      throw new Error(`reader ${this.index} was told ${from} to ${to}, and had ${this.batches}`);
    }
    // One change of several of a batch: the batch is complete when all of them came.
    const isPart = !isWhole && told.count < PER_BATCH && !this.#options.dialect.hasWishes;
    if (isPart) this.#ofBatch += told.count;
    if (!isPart || this.#ofBatch === PER_BATCH) {
      this.batches = to;
      this.#ofBatch = 0;
    }
    if (!isWhole) this.rows += this.#wanted(told);
    if (this.replica === null) return;
    if (isWhole) this.replica.clear();
    for (const [symbol, row] of Object.entries(set)) this.replica.set(symbol, { ...row });
    for (const [symbol, fields] of Object.entries(patch)) {
      const row = this.replica.get(symbol);
      if (row === undefined) throw new Error(`reader ${this.index} was told of changes in ${symbol}, which it has not`);
      Object.assign(row, fields);
    }
  }

  /** Rows that it follows; a system without watch lists tells others too. @param {import('./dialects.mjs').Told} told */
  #wanted({ set, patch, count }) {
    if (this.#follows === null || this.#options.dialect.hasWishes) return count;
    let wanted = 0;
    for (const symbol in set) if (this.#follows.has(symbol)) wanted += 1;
    for (const symbol in patch) if (this.#follows.has(symbol)) wanted += 1;
    return wanted;
  }

  /** @param {number} bytes */
  #processed(bytes) {
    this.#processedBytes += bytes;
    const unreported = this.#processedBytes - this.#reportedBytes;
    const isDue = unreported > REPORT_LEAST_BYTES && steadyMs() >= this.reportedAtMs + REPORT_MS;
    if (isDue || unreported >= REPORT_BYTES) this.report();
    else if (unreported > REPORT_LEAST_BYTES && !this.isToReport) {
      this.isToReport = true;
      this.#options.unreported(this);
    }
  }
}
