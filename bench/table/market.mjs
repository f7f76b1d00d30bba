// The market of `table` and `call`: 200 symbols of eight fields, of which every 10 ms ten change, two fields each. It is drawn from one
// seed, so that server and load each know what it is after any number of changes, without telling each other.

export const SYMBOLS = 200;
/** Of them change in each batch … */
export const PER_BATCH = 10;
/** … and of each of those so many fields. */
export const FIELDS_PER_CHANGE = 2;
/** A batch each so many milliseconds. */
export const BATCH_EVERY_MS = 10;

const FIELDS = ['bid', 'ask', 'bidSize', 'askSize', 'last', 'lastSize', 'volume', 'changePercent'];
const SEED = 0x5eed;

/** @typedef {Record<string, number>} Row */
/** @typedef {Record<string, Row>} Rows By symbol: whole rows, or what changed in them. */

/** @type {readonly string[]} */
export const SYMBOL_NAMES = Array.from({ length: SYMBOLS }, (_, index) => `SYM${String(index).padStart(3, '0')}`);

export class Market {
  /** Batches so far. */
  batches = 0;
  /** @type {Rows} */
  rows = {};
  #random = randomOf(SEED);

  constructor() {
    for (const symbol of SYMBOL_NAMES) {
      this.rows[symbol] = Object.fromEntries(FIELDS.map((field) => [field, this.#valueOf(field)]));
    }
  }

  /** The next ten changes, each of which is one: no field gets the value that it has. @returns {Rows} */
  change() {
    this.batches += 1;
    /** @type {Rows} */
    const changes = {};
    for (const symbol of this.#some(SYMBOL_NAMES, PER_BATCH)) {
      const row = /** @type {Row} */ (this.rows[symbol]);
      /** @type {Row} */
      const changed = {};
      for (const field of this.#some(FIELDS, FIELDS_PER_CHANGE)) {
        let value = this.#valueOf(field);
        while (value === row[field]) value = this.#valueOf(field);
        changed[field] = value;
      }
      Object.assign(row, changed);
      changes[symbol] = changed;
    }
    return changes;
  }

  /** @param {string} field */
  #valueOf(field) {
    if (field === 'volume') return 1_000_000 + this.#below(9_000_000);
    if (field.endsWith('Size')) return 100 * (1 + this.#below(99));
    if (field === 'changePercent') return (this.#below(1_000) - 500) / 100;
    return (10_000 + this.#below(10_000)) / 100;
  }

  /** @param {readonly string[]} of @param {number} count */
  #some(of, count) {
    /** @type {Set<string>} */
    const some = new Set();
    while (some.size < count) some.add(/** @type {string} */ (of[this.#below(of.length)]));
    return some;
  }

  /** @param {number} limit */
  #below(limit) {
    return Math.floor(this.#random() * limit);
  }
}

/** The market after so many batches. @param {number} batches */
export function marketAfter(batches) {
  const market = new Market();
  while (market.batches < batches) market.change();
  return market;
}

/** The symbols that a subscriber watches, others for each. @param {number} subscriber @param {number} count @returns {string[]} */
export function watchListOf(subscriber, count) {
  const random = randomOf(subscriber);
  /** @type {Set<string>} */
  const list = new Set();
  while (list.size < count) list.add(/** @type {string} */ (SYMBOL_NAMES[Math.floor(random() * SYMBOLS)]));
  return [...list];
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). @param {number} seed */
function randomOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
