// Who calls a procedure while the table is told: some of the readers, over the connections on which they read. Calls are due at a pace,
// whatever became of the ones before, and their latency counts from when they were due.

import { steadyMs } from '../lib/steady.mjs';
import { SYMBOL_NAMES } from '../table/market.mjs';

const TICK_MS = 1;
const STALL_MS = 20_000;
/** The first ids are those of what readers ask for in the beginning. */
const FIRST_ID = 100;

/** @typedef {{ symbol: string, quantity: number }} Order */

export class Callers {
  /** @type {number[]} */
  latencies = [];
  #readers;
  #callers;
  #paceMs;
  #id = FIRST_ID;
  /** Calls without an answer. @type {Map<number, { caller: import('../table/reader.mjs').Reader, order: Order, dueMs: number }>} */
  #open = new Map();

  /**
   * @param {import('../table/readers.mjs').Readers} readers
   * @param {{ callers: number, callsPerSecond: number }} plan `callsPerSecond`: of all callers together.
   */
  constructor(readers, { callers, callsPerSecond }) {
    this.#readers = readers;
    this.#paceMs = 1_000 / callsPerSecond;
    // Spread over all readers, as a server comes to them one after the other.
    const stride = Math.floor(readers.all.length / callers);
    this.#callers = Array.from(
      { length: callers },
      (_, index) =>
        /** @type {import('../table/reader.mjs').Reader} */ (readers.all[index * stride + Math.floor(stride / 2)]),
    );
    readers.answered = (reader, id, result) => this.#answered(reader, id, result);
  }

  /** Calls for so long; resolves when all are answered. @param {number} durationMs */
  async run(durationMs) {
    const startMs = steadyMs();
    let next = 0;
    while (next * this.#paceMs < durationMs || this.#open.size > 0) {
      const nowMs = steadyMs();
      for (; next * this.#paceMs < Math.min(durationMs, nowMs - startMs); next += 1) {
        this.#call(startMs + next * this.#paceMs);
      }
      if (nowMs > startMs + durationMs + STALL_MS)
        this.#readers.fail(new Error(`${this.#open.size} calls have no answer`));
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
  }

  /** @param {number} dueMs */
  #call(dueMs) {
    this.#id += 1;
    const id = this.#id;
    const caller = /** @type {import('../table/reader.mjs').Reader} */ (this.#callers[id % this.#callers.length]);
    const order = { symbol: /** @type {string} */ (SYMBOL_NAMES[id % SYMBOL_NAMES.length]), quantity: id };
    this.#open.set(id, { caller, order, dueMs });
    caller.send(this.#readers.dialect.call(id, order));
  }

  /** @param {import('../table/reader.mjs').Reader} reader @param {number} id @param {unknown} result */
  #answered(reader, id, result) {
    const call = this.#open.get(id);
    const { symbol, quantity, price } = /** @type {Order & { price: number }} */ (result);
    const isRight = call?.caller === reader && symbol === call.order.symbol && quantity === id && price > 0;
    if (call === undefined || !isRight) {
      return this.#readers.fail(new Error(`a wrong answer to call ${id}: ${JSON.stringify(result)}`));
    }
    this.#open.delete(id);
    this.latencies.push(steadyMs() - call.dueMs);
  }
}
