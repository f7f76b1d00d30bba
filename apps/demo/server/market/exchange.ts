// The simulated exchange: reads the walk's prices at the ticks of its clock and puts them on the boards. It ticks only while somebody looks, as the
// walk goes on without being watched. A halt lets every price stand, so that what a page shows can be compared with the table.

import {
  CLOCK_KEY,
  HALT_MS,
  type HistoryMinutes,
  type Listing,
  type PlainTick,
  type Quote,
  type QuoteClock,
  SESSION_KEY,
  type Session,
  TREND_POINTS,
} from '../../shared/market.js';
import { INSTRUMENT_BY_SYMBOL, INSTRUMENTS, type Instrument } from './instruments.js';
import { TICK_MS, Walk } from './walk.js';

/** A table, as much as the exchange needs of one. */
export interface Board<Row> {
  /** Who follows it now. */
  readonly subscribers: number;
  change(step: readonly { readonly key: string; readonly set: Row }[]): Promise<unknown>;
  get(key: string): Promise<{ readonly data: Row } | null>;
}

/** Where the exchange shows what it knows. */
export interface Boards {
  readonly listings: Board<Listing>;
  readonly quotes: Board<Quote | QuoteClock>;
  /** Small charts: a price a minute. */
  readonly trends: Board<{ readonly prices: readonly number[] }>;
  readonly trading: Board<Session>;
  /** The same ticks for those who take them as they come. */
  readonly plain: { readonly readers: number; send(tick: PlainTick): void };
}

export interface ExchangeOptions {
  /** Another text is another market. Default `trunkline`. */
  readonly seed?: string;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly nowMs?: () => number;
}

/** Prices of equal distance. */
export interface History {
  /** When it was told, by the exchange's clock, which need not be that of who reads it. */
  readonly nowMs: number;
  /** When the first one was, in milliseconds since 1970. */
  readonly fromMs: number;
  readonly stepMs: number;
  readonly prices: readonly number[];
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const HISTORY_POINTS = 300;
/** Halts that the chart knows of. */
const HALTS_MAX = 50;
/** After a longer rest every symbol is quoted anew, not only those that trade. */
const REST_TICKS = 50;

export class Exchange {
  readonly #walk: Walk;
  readonly #nowMs: () => number;
  readonly #prices = new Map<string, number>();
  #session: Session = { state: 'open', sinceMs: 0, halts: [] };
  #boards: Boards | undefined;
  #tick = 0;
  #minute = 0;
  #day = 0;
  #timer: NodeJS.Timeout | undefined;
  /** What the boards are being told: one thing at a time. */
  #work: Promise<unknown> = Promise.resolve();
  #isBusy = false;

  constructor({ seed = 'trunkline', nowMs = Date.now }: ExchangeOptions = {}) {
    this.#walk = new Walk(seed);
    this.#nowMs = nowMs;
  }

  get session(): Session {
    return this.#session;
  }

  /** Fills the boards. Resolves when they are stored. */
  async open(boards: Boards): Promise<void> {
    this.#boards = boards;
    this.#session = (await boards.trading.get(SESSION_KEY))?.data ?? { ...this.#session, sinceMs: this.#nowMs() };
    await boards.trading.change([{ key: SESSION_KEY, set: this.#session }]);
    await this.#enqueue(() => this.#show(this.#now(), INSTRUMENTS));
  }

  /** Ticks by the system's timer, until `close`. A step that fails is told to `onProblem`, and the next one is made all the same. */
  start(onProblem: (error: unknown) => void): void {
    this.#timer = setInterval(() => this.step().catch(onProblem), TICK_MS);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#work.catch(() => {});
  }

  /** What is due at this moment: the end of a halt, and a tick if somebody looks. */
  async step(): Promise<void> {
    const boards = this.#boards;
    if (boards === undefined || this.#isBusy) return;
    const { state, untilMs = 0 } = this.#session;
    if (state === 'halted') {
      if (this.#nowMs() >= untilMs) await this.resume();
      return;
    }
    if (boards.quotes.subscribers + boards.trends.subscribers + boards.plain.readers === 0) return;
    const tick = this.#now();
    const passed = tick - this.#tick;
    if (passed === 0) return;
    // Also when the clock was put back.
    const isRested = passed < 0 || passed > REST_TICKS;
    await this.#enqueue(() => this.#show(tick, isRested ? INSTRUMENTS : this.#traded(this.#tick, tick)));
  }

  /** What an order is executed at; `undefined` for what is not listed. */
  quote(symbol: string): number | undefined {
    const instrument = INSTRUMENT_BY_SYMBOL.get(symbol);
    if (instrument === undefined) return undefined;
    const isFresh = this.#session.state === 'halted' || Math.abs(this.#now() - this.#tick) <= REST_TICKS;
    return (isFresh ? this.#prices.get(symbol) : undefined) ?? this.#walk.price(instrument, this.#now());
  }

  /** The last minutes of a symbol, up to now; `undefined` for what is not listed. */
  history(symbol: string, minutes: HistoryMinutes): History | undefined {
    const instrument = INSTRUMENT_BY_SYMBOL.get(symbol);
    if (instrument === undefined) return undefined;
    const stepMs = (minutes * MINUTE_MS) / HISTORY_POINTS;
    const nowMs = this.#nowMs();
    const last = Math.floor(nowMs / stepMs);
    return {
      nowMs,
      fromMs: (last - HISTORY_POINTS) * stepMs,
      stepMs,
      prices: this.#series(instrument, last, HISTORY_POINTS + 1, stepMs),
    };
  }

  /** Lets all prices stand for `HALT_MS`, or until `resume`. False if they stand already. */
  async halt(by: string): Promise<boolean> {
    if (this.#session.state === 'halted') return false;
    const sinceMs = this.#nowMs();
    // At once: no order is executed from here on.
    this.#session = { ...this.#session, state: 'halted', by, sinceMs, untilMs: sinceMs + HALT_MS };
    const session = this.#session;
    await this.#enqueue(async (boards) => {
      // Every symbol's price of that moment, as the chart has it.
      await this.#show(this.#now(), INSTRUMENTS);
      await boards.trading.change([{ key: SESSION_KEY, set: session }]);
    });
    return true;
  }

  /** Ends a halt. False if there is none. */
  async resume(): Promise<boolean> {
    const { state, sinceMs, halts } = this.#session;
    if (state === 'open') return false;
    const nowMs = this.#nowMs();
    this.#session = {
      state: 'open',
      sinceMs: nowMs,
      halts: [...halts, { fromMs: sinceMs, toMs: nowMs }].slice(-HALTS_MAX),
    };
    const session = this.#session;
    await this.#enqueue(async (boards) => {
      await boards.trading.change([{ key: SESSION_KEY, set: session }]);
      await this.#show(this.#now(), INSTRUMENTS);
    });
    return true;
  }

  /** The tick that prices are of now. */
  #now(): number {
    return this.#tickAt(this.#nowMs());
  }

  /** The tick whose price holds at a moment: in a halt that of its beginning. */
  #tickAt(ms: number): number {
    const { state, sinceMs, halts } = this.#session;
    const halt = halts.find(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
    const heldSinceMs = state === 'halted' && ms >= sinceMs ? sinceMs : halt?.fromMs;
    return Math.floor((heldSinceMs ?? ms) / TICK_MS);
  }

  #series(instrument: Instrument, last: number, count: number, stepMs: number): number[] {
    return Array.from({ length: count }, (_, i) =>
      this.#walk.price(instrument, this.#tickAt((last - (count - 1 - i)) * stepMs)),
    );
  }

  /** What trades in a tick after `from`, up to `to`. */
  #traded(from: number, to: number): readonly Instrument[] {
    return INSTRUMENTS.filter((instrument) => {
      for (let tick = from + 1; tick <= to; tick += 1) if (this.#walk.trades(instrument, tick)) return true;
      return false;
    });
  }

  /** Puts the prices of a tick on the boards: all of them as one step. */
  async #show(tick: number, instruments: readonly Instrument[]): Promise<void> {
    const boards = this.#boards;
    if (boards === undefined) return;
    const at = tick * TICK_MS;
    const prices: Record<string, number> = {};
    for (const instrument of instruments) {
      const price = this.#walk.price(instrument, tick);
      if (this.#prices.get(instrument.symbol) === price) continue;
      this.#prices.set(instrument.symbol, price);
      prices[instrument.symbol] = price;
    }
    this.#tick = tick;
    boards.plain.send({ at, prices });
    const rows = Object.entries(prices).map(([key, price]) => ({ key, set: { price } }));
    await boards.quotes.change([...rows, { key: CLOCK_KEY, set: { at } }]);
    await this.#showSlowOnes(boards, at);
  }

  /** What changes once a minute and once a day. */
  async #showSlowOnes({ trends, listings }: Boards, at: number): Promise<void> {
    const minute = Math.floor(at / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      const rows = INSTRUMENTS.map((one) => ({
        key: one.symbol,
        set: { prices: this.#series(one, minute, TREND_POINTS, MINUTE_MS) },
      }));
      await trends.change(rows);
    }
    const day = Math.floor(at / DAY_MS);
    if (day === this.#day) return;
    this.#day = day;
    const close = (one: Instrument) => this.#walk.price(one, this.#tickAt(day * DAY_MS));
    await listings.change(
      INSTRUMENTS.map((one) => ({
        key: one.symbol,
        set: { name: one.name, kind: one.kind, digits: one.digits, close: close(one) },
      })),
    );
  }

  async #enqueue(task: (boards: Boards) => Promise<void>): Promise<void> {
    const boards = this.#boards;
    if (boards === undefined) throw new Error('the exchange is not open yet');
    const work = this.#work.catch(() => {}).then(() => task(boards));
    this.#work = work;
    this.#isBusy = true;
    try {
      await work;
    } finally {
      if (this.#work === work) this.#isBusy = false;
    }
  }
}
