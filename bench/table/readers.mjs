// All readers of one server, for the load processes of `table` and `call`: connects them, lets the server feed its market, and counts
// what they are told in the windows between.

import { failLoad } from '../lib/load-process.mjs';
import { quantile } from '../lib/stats.mjs';
import { steadyMs } from '../lib/steady.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';
import { dialectOf } from './dialects.mjs';
import { BATCH_EVERY_MS, marketAfter, watchListOf } from './market.mjs';
import { Reader } from './reader.mjs';

/**
 * @typedef {object} TablePlan
 * @property {string} system For errors.
 * @property {string} dialect
 * @property {number} port
 * @property {number} controlPort
 * @property {number} readers
 * @property {number} slowReaders
 * @property {number} [rate]
 * @property {number} [watched] Symbols that each reader follows; else all.
 * @property {number} warmUpMs Before the first turn the market is fed so long.
 * @property {number} leadMs In each turn the market is fed so long before …
 * @property {number} windowMs … it counts for so long.
 * @property {boolean} isCollected Whether the server's memory is read after garbage collection.
 */

/**
 * Sums over the windows of all turns. Latency and age: from the moment when the newest change in a message was due until all of the message
 * was processed; over messages.
 * @typedef {object} TableOutcome
 * @property {number} rows Told to readers who follow them.
 * @property {number} messages That told them.
 * @property {number} bytes On the wire, frame headers included.
 * @property {number} windowSeconds
 * @property {number} serverCpuSeconds
 * @property {number} loadCpuSeconds
 * @property {number} othersBusy What other programs used of this machine's cores: 1 is a whole core.
 * @property {number} latencyP50Ms Of readers who are not slow.
 * @property {number} latencyP99Ms
 * @property {number} latencyMaxMs
 * @property {number} dataAgeP50Ms Of the slow ones, or of all if there are none.
 * @property {number} dataAgeP99Ms
 * @property {number} ageBeyondLinkP99Ms Of the slow ones: what is left of the age without the time that the link needs for the message. Else 0.
 * @property {number} slowMessages Their messages.
 * @property {number} slowMessageBytesMax
 * @property {number} rssGrowthBytes Of the server, from the end of the first turn to the end of the last one.
 * @property {number} batches In all.
 * @property {number} batchesMissed That the server had not begun when the time of its feed was over.
 * @property {number} checked Replicas that were compared with the market in the end.
 */

const HANDSHAKES_AT_ONCE = 50;
/** Of so many readers, the first two keep a replica: one who may be slow, and one who is not. */
const SAMPLE_STRIDE = 50;
/** A slow reader reads a step each so often. */
export const STEP_MS = 20;
export const SLOW_BYTES_PER_SECOND = 8_192;
const STEP_BYTES = Math.floor((SLOW_BYTES_PER_SECOND * STEP_MS) / 1_000);
const TICK_MS = 5;
/** From when slow readers are slow until the first turn. */
const SETTLE_MS = 1_000;
/** A position is told at least when it passes a multiple of so many. */
const POSITION_EVERY = 16;
const STALL_MS = 20_000;
/** Messages kept for comparing with their like. */
const KNOWN_MAX = 256;

export class Readers {
  /** @type {Reader[]} */
  all = [];
  /** Who answers calls: set by `call`. @type {(reader: Reader, id: number, result: unknown) => void} */
  answered = (reader) => this.fail(new Error(`reader ${reader.index} got an answer to nothing`));
  dialect;
  #plan;
  #control;
  /** @type {Reader[]} */
  #slow = [];
  /** @type {Reader[]} */
  #toReport = [];
  /** Messages that were decoded, by their number. @type {Map<number, { bytes: Buffer, told: import('./dialects.mjs').Told }[]>} */
  #known = new Map();
  /** When each batch was due, in milliseconds in which the market was fed. */
  #dueMs = [0];
  /** Milliseconds in which the market was fed before the present turn, and when that began; between turns nothing is read slowly. */
  #fedMs = 0;
  #turnMs = 0;
  #isFed = false;
  #isCounting = false;
  #rows = 0;
  #messages = 0;
  #bytes = 0;
  /** At the end of the first turn, in which code is compiled and the heap takes its size. @type {number | undefined} */
  #firstRssBytes;
  #rssGrowthBytes = 0;
  #batchesMissed = 0;
  #windows = emptyWindow();
  /** @type {number[]} */
  #latencies = [];
  /** @type {number[]} */
  #slowAges = [];
  /** @type {number[]} */
  #beyondLink = [];
  #slowBytesMax = 0;
  /** When slow readers read last. */
  #stepMs = 0;
  #timer;

  /** @param {TablePlan} plan @param {import('../lib/control.mjs').Control} control */
  constructor(plan, control) {
    this.#plan = plan;
    this.#control = control;
    this.dialect = dialectOf(plan.dialect);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  async connect() {
    const { readers } = this.#plan;
    for (let from = 0; from < readers; from += HANDSHAKES_AT_ONCE) {
      const count = Math.min(HANDSHAKES_AT_ONCE, readers - from);
      const opened = Array.from({ length: count }, (_, index) => this.#open(from + index));
      this.all.push(...(await Promise.all(opened)));
    }
    this.#slow = this.all.filter(({ isSlow }) => isSlow);
    if (this.#slow.length === 0) return;
    for (const reader of this.#slow) reader.readInSteps(true);
    // They connected as fast as the others. A server that goes by what was processed lately is not to take them for that.
    await pause(SETTLE_MS);
  }

  /**
   * Feeds the market for a lead and a window, and counts during the window.
   * @param {{ leadMs: number, windowMs: number, counts: boolean }} turn
   */
  async turn({ leadMs, windowMs, counts }) {
    const first = (await this.#batches()) + 1;
    const due = Math.ceil((leadMs + windowMs) / BATCH_EVERY_MS);
    this.#turnMs = steadyMs();
    for (let batch = 0; batch < due; batch += 1) this.#dueMs[first + batch] = this.#fedMs + batch * BATCH_EVERY_MS;
    this.#stepMs = this.#turnMs;
    this.#isFed = true;
    this.#control.order(`feed ${this.#turnMs} ${leadMs + windowMs}`);
    await pause(leadMs);
    const before = snapshot(await this.#control.usage());
    const [rows, bytes] = [this.#rowsTold(), this.#receivedBytes()];
    this.#isCounting = counts;
    await pause(windowMs - (steadyMs() - this.#turnMs - leadMs));
    this.#isCounting = false;
    if (counts) {
      this.#rows += this.#rowsTold() - rows;
      this.#bytes += this.#receivedBytes() - bytes;
    }
    const after = snapshot(await this.#control.usage());
    if (counts) addWindow(this.#windows, windowBetween(before, after));
    const batches = await this.#fedOut();
    await this.#until(
      () => this.all.every((reader) => reader.isSlow || this.#isServed(reader, batches)),
      'readers are behind',
    );
    this.#fedMs += steadyMs() - this.#turnMs;
    this.#isFed = false;
    if (!counts) return;
    this.#batchesMissed += due - (batches - first + 1);
    const { rssBytes } = await (this.#plan.isCollected ? this.#control.collect() : this.#control.usage());
    this.#firstRssBytes ??= rssBytes;
    this.#rssGrowthBytes = rssBytes - this.#firstRssBytes;
  }

  /** Lets the slow ones catch up, and compares. @returns {Promise<TableOutcome>} */
  async finish() {
    for (const reader of this.#slow) reader.readInSteps(false);
    const batches = await this.#batches();
    await this.#until(
      () => this.all.every((reader) => this.#isServed(reader, batches)),
      'slow readers do not catch up',
    );
    const { rows } = marketAfter(batches);
    const sampled = this.all.filter(({ replica }) => replica !== null);
    await this.#until(
      () => sampled.every((reader) => this.#isSame(reader, rows)),
      'a reader has other rows than the server',
    );
    clearInterval(this.#timer);
    for (const reader of this.all) reader.end();
    const latencies = sorted(this.#latencies);
    const ages = this.#slow.length === 0 ? latencies : sorted(this.#slowAges);
    return {
      rows: this.#rows,
      messages: this.#messages,
      bytes: this.#bytes,
      windowSeconds: this.#windows.seconds,
      serverCpuSeconds: this.#windows.serverCpuSeconds,
      loadCpuSeconds: this.#windows.loadCpuSeconds,
      othersBusy: this.#windows.othersSeconds / this.#windows.seconds,
      latencyP50Ms: quantile(latencies, 0.5),
      latencyP99Ms: quantile(latencies, 0.99),
      latencyMaxMs: quantile(latencies, 1),
      dataAgeP50Ms: quantile(ages, 0.5),
      dataAgeP99Ms: quantile(ages, 0.99),
      ageBeyondLinkP99Ms: this.#slow.length === 0 ? 0 : quantile(sorted(this.#beyondLink), 0.99),
      slowMessages: this.#beyondLink.length,
      slowMessageBytesMax: this.#slowBytesMax,
      rssGrowthBytes: this.#rssGrowthBytes,
      batches,
      batchesMissed: this.#batchesMissed,
      checked: sampled.length,
    };
  }

  /** @param {Error} error @returns {never} */
  fail(error) {
    return failLoad(this.#plan.system, error);
  }

  /** @param {number} index @returns {Promise<Reader>} */
  #open(index) {
    const { port, slowReaders, readers, rate, watched } = this.#plan;
    const isSlow = slowReaders > 0 && index % (readers / slowReaders) === 0;
    return Reader.open({
      port,
      index,
      dialect: this.dialect,
      wish: {
        ...(rate === undefined ? {} : { rate }),
        ...(watched === undefined ? {} : { keys: watchListOf(index, watched) }),
      },
      stepBytes: isSlow ? STEP_BYTES : undefined,
      isSampled: index % SAMPLE_STRIDE < 2,
      decode: (bytes, start, end) => this.#decode(bytes, start, end),
      told: (reader, told, bytes) => this.#told(reader, told, bytes),
      unreported: (reader) => this.#toReport.push(reader),
      answered: (reader, id, result) => this.answered(reader, id, result),
      failed: (error) => this.fail(error),
    });
  }

  /**
   * Decodes a message, or finds that it is byte for byte one that was decoded: then it tells the same.
   * @param {Buffer} bytes
   * @param {number} start
   * @param {number} end
   */
  #decode(bytes, start, end) {
    const number = this.dialect.headOf(bytes, start, end);
    if (number === -1) return null;
    // Each reader's own rows have no like.
    if (this.#hasWatchLists) {
      return this.dialect.decode(bytes.toString('latin1', start, end));
    }
    let alike = this.#known.get(number);
    for (const { bytes: known, told } of alike ?? []) {
      if (bytes.compare(known, 0, known.length, start, end) === 0) return told;
    }
    const told = this.dialect.decode(bytes.toString('utf8', start, end));
    if (alike === undefined) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      alike = [];
      this.#known.set(number, alike);
    }
    alike.push({ bytes: Buffer.from(bytes.subarray(start, end)), told });
    return told;
  }

  /** @param {Reader} reader @param {import('./dialects.mjs').Told} told @param {number} bytes */
  #told(reader, { to, count, isWhole }, bytes) {
    if (!this.#isCounting || isWhole || count === 0) return;
    const ageMs = this.#fedMs + steadyMs() - this.#turnMs - /** @type {number} */ (this.#dueMs[to]);
    this.#messages += 1;
    if (!reader.isSlow) {
      this.#latencies.push(ageMs);
      return;
    }
    this.#slowAges.push(ageMs);
    this.#beyondLink.push(ageMs - (bytes / SLOW_BYTES_PER_SECOND) * 1_000);
    this.#slowBytesMax = Math.max(this.#slowBytesMax, bytes);
  }

  #tick() {
    const nowMs = steadyMs();
    this.#toReport = this.#toReport.filter((reader) => !reader.reportIfDue(nowMs));
    if (!this.#isFed) return;
    // A load that had to wait for its core reads what the link would have brought meanwhile.
    const steps = Math.floor((nowMs - this.#stepMs) / STEP_MS);
    if (steps === 0) return;
    this.#stepMs += steps * STEP_MS;
    for (const reader of this.#slow) reader.readOn(steps);
  }

  async #batches() {
    return (await this.#control.usage()).counted?.batches ?? 0;
  }

  /** How many batches there were when the server's feed was over. */
  async #fedOut() {
    for (;;) {
      const { counted } = await this.#control.usage();
      if (counted?.running === 0) return counted.batches ?? 0;
      await pause(TICK_MS);
    }
  }

  /** Who follows some rows is not told of steps that change none of them, or seldom (TAB-6). @param {Reader} reader @param {number} batches */
  #isServed(reader, batches) {
    return reader.batches > batches - (this.#hasWatchLists ? POSITION_EVERY : 1);
  }

  /** @param {Reader} reader @param {Readonly<import('./market.mjs').Rows>} rows */
  #isSame({ index, replica }, rows) {
    const { watched } = this.#plan;
    const symbols = this.#hasWatchLists && watched !== undefined ? watchListOf(index, watched) : Object.keys(rows);
    return replica?.size === symbols.length && symbols.every((symbol) => sameRow(replica.get(symbol), rows[symbol]));
  }

  get #hasWatchLists() {
    return this.#plan.watched !== undefined && this.dialect.hasWishes;
  }

  #rowsTold() {
    return this.all.reduce((sum, { rows }) => sum + rows, 0);
  }

  #receivedBytes() {
    return this.all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0);
  }

  /** @param {() => boolean} isSo @param {string} problem */
  async #until(isSo, problem) {
    const endMs = steadyMs() + STALL_MS;
    while (!isSo()) {
      if (steadyMs() > endMs) this.fail(new Error(problem));
      await pause(TICK_MS);
    }
  }
}

/** @param {import('./market.mjs').Row | undefined} a @param {import('./market.mjs').Row | undefined} b */
function sameRow(a, b) {
  if (a === undefined || b === undefined) return false;
  const fields = Object.keys(b);
  return fields.length === Object.keys(a).length && fields.every((field) => a[field] === b[field]);
}

/** @param {readonly number[]} values */
function sorted(values) {
  return Float64Array.from(values).sort();
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
