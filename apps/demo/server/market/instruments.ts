// What is listed: 460 companies that do not exist and 40 currencies that do, all against the dollar. The same on every server.

import { hash, uniform } from './noise.js';

export interface Instrument {
  readonly symbol: string;
  readonly name: string;
  readonly kind: 'stock' | 'pair';
  /** Decimal places of its price. */
  readonly digits: number;
  /** The price that it moves around, in dollars. */
  readonly base: number;
  /** Standard deviation of a tick's change, as a fraction of the price. */
  readonly volatility: number;
  /** Trades once in so many ticks, on average. */
  readonly period: number;
}

// The first two letters of each are its own: two words make a symbol of four letters that no other two words make.
const FIRST =
  'Amber Birch Cedar Delta Ember Fjord Garnet Harbor Indigo Juniper Kestrel Lumen Maple Nova Onyx Pioneer Quartz Raven Summit Tundra Umber Vertex Willow';
const SECOND =
  'Air Bank Cement Energy Foods Glass Health Labs Marine Media Mining Motors Optics Paper Power Rail Steel Textiles Timber Water';

/** Roughly what one unit was worth in dollars in some year; prices here move around that and mean nothing. */
const CURRENCIES: Readonly<Record<string, readonly [name: string, dollars: number]>> = {
  AED: ['UAE dirham', 0.2723],
  AUD: ['Australian dollar', 0.66],
  BGN: ['Bulgarian lev', 0.553],
  BRL: ['Brazilian real', 0.2],
  CAD: ['Canadian dollar', 0.735],
  CHF: ['Swiss franc', 1.12],
  CLP: ['Chilean peso', 0.00107],
  CNY: ['Chinese yuan', 0.1385],
  CZK: ['Czech koruna', 0.0432],
  DKK: ['Danish krone', 0.145],
  EGP: ['Egyptian pound', 0.0208],
  EUR: ['Euro', 1.085],
  GBP: ['Pound sterling', 1.27],
  GEL: ['Georgian lari', 0.3705],
  HKD: ['Hong Kong dollar', 0.128],
  HUF: ['Hungarian forint', 0.00277],
  ILS: ['Israeli shekel', 0.27],
  INR: ['Indian rupee', 0.01195],
  ISK: ['Icelandic króna', 0.00725],
  JOD: ['Jordanian dinar', 1.4104],
  JPY: ['Japanese yen', 0.00655],
  KES: ['Kenyan shilling', 0.0076],
  KRW: ['South Korean won', 0.000735],
  KWD: ['Kuwaiti dinar', 3.255],
  MAD: ['Moroccan dirham', 0.1005],
  MXN: ['Mexican peso', 0.055],
  MYR: ['Malaysian ringgit', 0.2135],
  NOK: ['Norwegian krone', 0.0935],
  NZD: ['New Zealand dollar', 0.605],
  PEN: ['Peruvian sol', 0.267],
  PHP: ['Philippine peso', 0.0173],
  PLN: ['Polish złoty', 0.253],
  RON: ['Romanian leu', 0.218],
  SAR: ['Saudi riyal', 0.2666],
  SEK: ['Swedish krona', 0.0945],
  SGD: ['Singapore dollar', 0.745],
  THB: ['Thai baht', 0.0277],
  TRY: ['Turkish lira', 0.0308],
  UAH: ['Ukrainian hryvnia', 0.0245],
  ZAR: ['South African rand', 0.0542],
};

const stocks = FIRST.split(' ').flatMap((first, i) =>
  SECOND.split(' ').map((second, j): Instrument => {
    const chance = (what: number) => uniform(hash(what, i, j));
    return {
      symbol: (first.slice(0, 2) + second.slice(0, 2)).toUpperCase(),
      name: `${first} ${second}`,
      kind: 'stock',
      digits: 2,
      // Between 8 and 800, as many of them below 80 as above.
      base: Math.round(800 * 100 ** chance(1)) / 100,
      volatility: 0.00006 + 0.00012 * chance(2),
      period: 2 + Math.floor(9 * chance(3)),
    };
  }),
);

const pairs = Object.entries(CURRENCIES).map(
  ([code, [name, dollars]], i): Instrument => ({
    symbol: `${code}/USD`,
    name,
    kind: 'pair',
    // Five places, or six; what is nearly nothing is quoted to a millionth, as money is counted here.
    digits: Math.min(6, Math.max(5, 4 - Math.floor(Math.log10(dollars)))),
    base: dollars,
    volatility: 0.00002 + 0.00003 * uniform(hash(4, i, 0)),
    period: 2 + Math.floor(4 * uniform(hash(5, i, 0))),
  }),
);

/** All of them: pairs first, each kind by its symbol. */
export const INSTRUMENTS: readonly Instrument[] = [...pairs, ...stocks];

export const INSTRUMENT_BY_SYMBOL: ReadonlyMap<string, Instrument> = new Map(
  INSTRUMENTS.map((instrument) => [instrument.symbol, instrument]),
);
