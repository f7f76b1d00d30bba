// What both sides of the market must agree on: its rows, its limits, and how money is counted.

/** Money is counted in whole millionths of a dollar, so that every price times every quantity is exact. */
export const MICROS = 1_000_000;

/** What an account begins with. */
export const START_CASH_MICROS = 100_000 * MICROS;

/** Most shares, or units of a currency, of one order. */
export const ORDER_QUANTITY_MAX = 100_000;

/** Most that an account may hold of one symbol. Keeps a position's worth below 2^53 millionths. */
export const POSITION_QUANTITY_MAX = 1_000_000;

/** How long a halt lasts unless somebody ends it, in milliseconds. */
export const HALT_MS = 60_000;

/** Points of a symbol's small chart, one a minute. */
export const TREND_POINTS = 30;

/** What is listed: says what a symbol is, and changes once a day. */
export interface Listing {
  readonly name: string;
  readonly kind: 'stock' | 'pair';
  /** Decimal places of its price. */
  readonly digits: number;
  /** The price at the last midnight, UTC: what today's change is measured from. */
  readonly close: number;
}

/** The row of a symbol in `quotes`, in dollars. */
export interface Quote {
  readonly price: number;
}

/** The row that each step of `quotes` changes, under `CLOCK_KEY`: how old a replica is can be read from it. */
export interface QuoteClock {
  /** When the exchange made the step, in milliseconds since 1970. */
  readonly at: number;
}

/** No symbol is called that. */
export const CLOCK_KEY = '#';

/** The price in a row of `quotes`; `undefined` in the clock's. */
export function priceOf(row: Quote | QuoteClock): number | undefined {
  return 'price' in row ? row.price : undefined;
}

/** The row of an account's money, under `CASH_KEY`. Until the first order there is none: the account has `START_CASH_MICROS`. */
export interface Cash {
  readonly cashMicros: number;
}

/** The row of what an account holds of a symbol. There is none for what it does not hold. */
export interface Position {
  /** At least 1. */
  readonly quantity: number;
  /** What was paid for it. */
  readonly costMicros: number;
}

/** No symbol is called that. */
export const CASH_KEY = '$';

export type Side = 'buy' | 'sell';

/** A price in dollars as money of one share. */
export function microsOf(price: number): number {
  return Math.round(price * MICROS);
}

/** Whether the exchange is open: the one row of `trading`, under `SESSION_KEY`. While it is halted prices stand and orders are refused. */
export interface Session {
  readonly state: 'open' | 'halted';
  /** Since when, in milliseconds since 1970. */
  readonly sinceMs: number;
  /** Of a halt: who asked for it. */
  readonly by?: string | undefined;
  /** Of a halt: when it ends by itself, in milliseconds since 1970. */
  readonly untilMs?: number | undefined;
  /** The last halts that are over, oldest first: the chart is flat there. */
  readonly halts: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export const SESSION_KEY = 'session';

/** Spans of the chart, in minutes. */
export const HISTORY_MINUTES = [5, 60, 1_440] as const;
export type HistoryMinutes = (typeof HISTORY_MINUTES)[number];

/** Where the same ticks come as a plain stream, each as a line, whoever reads how slowly. */
export const PLAIN_FEED_PATH = '/market/feed';

/** A line of the plain feed. */
export interface PlainTick {
  readonly at: number;
  readonly prices: Readonly<Record<string, number>>;
}
