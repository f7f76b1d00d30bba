// Prices as a function of seed and time: a random walk made from above. Every 29 hours a value near the base price stands fixed; between two of them
// the middle is their mean and some chance, and so on halving down to a tick (Lévy's construction of Brownian motion). So a price of any moment
// costs 20 steps, nothing has to be kept or caught up with, and history is there from the start.

import type { Instrument } from './instruments.js';
import { hash, hashText, normal } from './noise.js';

/** A tick of the exchange, in milliseconds. */
export const TICK_MS = 100;

const LEVELS = 20;
/** 2^20 ticks: 29 hours. */
const SPAN_TICKS = 2 ** LEVELS;

export class Walk {
  readonly #seed: number;
  readonly #salts = new Map<string, number>();

  /** @param seed any text: another one is another market. */
  constructor(seed: string) {
    this.#seed = hashText(seed);
  }

  /** The price in dollars at a tick (whole ticks since 1970), rounded to the instrument's digits. Never 0 or less. */
  price(instrument: Instrument, tick: number): number {
    const { base, digits, volatility } = instrument;
    const scale = 10 ** digits;
    const price = Math.round(base * Math.exp(this.#value(instrument.symbol, volatility, tick)) * scale) / scale;
    return Math.max(price, 1 / scale);
  }

  /** Whether it trades at that tick. */
  trades({ symbol, period }: Instrument, tick: number): boolean {
    return hash(this.#salt(symbol), 2, tick) % period === 0;
  }

  #value(symbol: string, volatility: number, tick: number): number {
    const salt = this.#salt(symbol);
    const span = Math.floor(tick / SPAN_TICKS);
    const far = volatility * 2 ** (LEVELS / 2);
    let from = span * SPAN_TICKS;
    let to = from + SPAN_TICKS;
    let low = far * normal(hash(salt, 0, span));
    let high = far * normal(hash(salt, 0, span + 1));
    while (to - from > 1) {
      const middle = from + (to - from) / 2;
      const between = (low + high) / 2 + (volatility * Math.sqrt(to - from) * normal(hash(salt, 1, middle))) / 2;
      if (tick >= middle) [from, low] = [middle, between];
      else [to, high] = [middle, between];
    }
    return low;
  }

  #salt(symbol: string): number {
    const known = this.#salts.get(symbol);
    if (known !== undefined) return known;
    const salt = hash(this.#seed, hashText(symbol), 0);
    this.#salts.set(symbol, salt);
    return salt;
  }
}
