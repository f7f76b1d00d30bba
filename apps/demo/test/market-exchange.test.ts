// The simulated exchange on a clock of the test's: what it shows is a function of seed and time, and nothing moves unless somebody looks.

import { describe, expect, it } from 'vitest';
import { type Boards, Exchange } from '../server/market/exchange.js';
import { INSTRUMENT_BY_SYMBOL, INSTRUMENTS } from '../server/market/instruments.js';
import { TICK_MS, Walk } from '../server/market/walk.js';
import {
  CLOCK_KEY,
  HALT_MS,
  HISTORY_MINUTES,
  type Listing,
  type PlainTick,
  priceOf,
  type Quote,
  type QuoteClock,
  SESSION_KEY,
  type Session,
  TREND_POINTS,
} from '../shared/market.js';

const BEGIN_MS = Date.UTC(2026, 10, 21, 12, 0, 0);

/** A table in memory that remembers its steps. */
class FakeBoard<Row> {
  subscribers = 0;
  readonly rows = new Map<string, Row>();
  readonly steps: (readonly string[])[] = [];

  async change(step: readonly { readonly key: string; readonly set: Row }[]): Promise<void> {
    this.steps.push(step.map(({ key }) => key));
    for (const { key, set } of step) this.rows.set(key, set);
  }
  async get(key: string): Promise<{ readonly data: Row } | null> {
    const data = this.rows.get(key);
    return data === undefined ? null : { data };
  }
}

function fakeBoards() {
  const sent: PlainTick[] = [];
  const quotes = new FakeBoard<Quote | QuoteClock>();
  return {
    listings: new FakeBoard<Listing>(),
    trends: new FakeBoard<{ readonly prices: readonly number[] }>(),
    trading: new FakeBoard<Session>(),
    quotes,
    plain: { readers: 0, sent, send: (tick: PlainTick) => sent.push(tick) },
    pricesNow: () => Object.fromEntries([...quotes.rows].map(([key, row]) => [key, priceOf(row)])),
  };
}

async function opened(seed = 'test', nowMs = BEGIN_MS) {
  const clock = { nowMs };
  const boards = fakeBoards();
  const exchange = new Exchange({ seed, nowMs: () => clock.nowMs });
  await exchange.open(boards satisfies Boards);
  return {
    boards,
    exchange,
    clock,
    /** So many ticks pass, one by one. */
    async pass(ticks: number) {
      for (let i = 0; i < ticks; i += 1) {
        clock.nowMs += TICK_MS;
        await exchange.step();
      }
    },
  };
}

describe('what is listed', () => {
  it('are 500 symbols, each once, stocks and pairs', () => {
    expect(INSTRUMENTS).toHaveLength(500);
    expect(INSTRUMENT_BY_SYMBOL.size).toBe(500);
    expect(INSTRUMENTS.filter(({ kind }) => kind === 'pair')).toHaveLength(40);
    for (const { symbol, base, digits } of INSTRUMENTS) {
      expect(symbol).toMatch(/^([A-Z]{4}|[A-Z]{3}\/USD)$/);
      // A price has at least three figures that can move.
      expect(base * 10 ** digits).toBeGreaterThan(100);
    }
  });
});

describe('the walk', () => {
  it('is the same for the same seed, in whatever order it is asked, and another for another seed', () => {
    const tick = Math.floor(BEGIN_MS / TICK_MS);
    const ticks = Array.from({ length: 200 }, (_, i) => tick + i * 7);
    const prices = (seed: string, order: readonly number[]) => {
      const walk = new Walk(seed);
      return INSTRUMENTS.slice(30, 60).map((one) => new Map(order.map((at) => [at, walk.price(one, at)])));
    };
    expect(prices('a', ticks)).toEqual(prices('a', [...ticks].reverse()).map((map) => new Map([...map].reverse())));
    expect(prices('b', ticks)).not.toEqual(prices('a', ticks));
  });

  it('has no jump where two spans, or two halves of one, meet', () => {
    const walk = new Walk('test');
    const span = 2 ** 20;
    const meeting = Math.floor(BEGIN_MS / TICK_MS / span) * span;
    for (const instrument of INSTRUMENTS) {
      for (const at of [meeting, meeting + span / 2, meeting + span / 4, meeting + span]) {
        const [before, after] = [walk.price(instrument, at - 1), walk.price(instrument, at)];
        const rounding = 10 ** -instrument.digits;
        // Two chances of a tick, neither beyond 3.5 deviations.
        expect(Math.abs(after - before)).toBeLessThan(before * instrument.volatility * 8 + 2 * rounding);
      }
    }
  });

  it('moves, stays above zero and near its base for years', () => {
    const walk = new Walk('test');
    for (const instrument of INSTRUMENTS) {
      const prices = Array.from({ length: 100 }, (_, day) => walk.price(instrument, day * 2_600_001));
      expect(new Set(prices).size).toBeGreaterThan(30);
      expect(Math.min(...prices)).toBeGreaterThan(instrument.base / 4);
      expect(Math.max(...prices)).toBeLessThan(instrument.base * 4);
    }
  });
});

describe('the exchange', () => {
  it('shows every symbol when it opens, with a trend and a close', async () => {
    const { boards } = await opened();
    expect(boards.quotes.rows.size).toBe(501);
    expect(boards.quotes.rows.get(CLOCK_KEY)).toEqual({ at: BEGIN_MS });
    expect(boards.listings.rows.get('EUR/USD')).toMatchObject({ kind: 'pair', name: 'Euro' });
    expect([...boards.trends.rows.values()]).toHaveLength(500);
    for (const { prices } of boards.trends.rows.values()) expect(prices).toHaveLength(TREND_POINTS);
  });

  it('does nothing while nobody looks, and goes on with what is right by then', async () => {
    const { boards, clock, exchange, pass } = await opened();
    await pass(600);
    expect(boards.quotes.steps).toHaveLength(1);
    boards.quotes.subscribers = 1;
    await exchange.step();
    expect(boards.quotes.rows.get(CLOCK_KEY)).toEqual({ at: clock.nowMs });
    // Another server that never rested shows the same.
    const other = await opened('test', clock.nowMs);
    expect(boards.pricesNow()).toEqual(other.boards.pricesNow());
  });

  it.each(['trends', 'plain'] as const)('ticks for who looks at %s too', async (board) => {
    const { boards, pass } = await opened();
    if (board === 'plain') boards.plain.readers = 1;
    else boards.trends.subscribers = 1;
    await pass(3);
    expect(boards.quotes.steps).toHaveLength(4);
  });

  it('tells a part of the symbols at each tick, and the plain feed the same', async () => {
    const { boards, pass } = await opened();
    boards.quotes.subscribers = 1;
    boards.plain.sent.length = 0;
    await pass(100);
    const counts = boards.quotes.steps.slice(1).map((keys) => keys.length - 1);
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(mean).toBeGreaterThan(60);
    expect(mean).toBeLessThan(160);
    expect(boards.plain.sent.map(({ prices }) => Object.keys(prices))).toEqual(
      boards.quotes.steps.slice(1).map((keys) => keys.filter((key) => key !== CLOCK_KEY)),
    );
  });

  it('two of the same seed and clock show the same, tick by tick', async () => {
    const [one, two] = [await opened(), await opened()];
    for (const each of [one, two]) {
      each.boards.quotes.subscribers = 1;
      await each.pass(50);
    }
    expect(one.boards.plain.sent).toEqual(two.boards.plain.sent);
  });

  it.each(HISTORY_MINUTES)('tells the last %i minutes, which end with what is quoted', async (minutes) => {
    const { boards, clock, exchange, pass } = await opened();
    boards.quotes.subscribers = 1;
    await pass(1_200);
    const history = exchange.history('EUR/USD', minutes);
    expect(history?.prices).toHaveLength(301);
    const { fromMs = 0, stepMs = 0, prices = [] } = history ?? {};
    expect(history?.nowMs).toBe(clock.nowMs);
    expect(fromMs + 300 * stepMs).toBeLessThanOrEqual(clock.nowMs);
    expect(fromMs + 301 * stepMs).toBeGreaterThan(clock.nowMs);
    // What was sent at those moments is what it says.
    let met = 0;
    for (const tick of boards.plain.sent) {
      const quoted = tick.prices['EUR/USD'];
      const index = (tick.at - fromMs) / stepMs;
      if (quoted === undefined || !Number.isInteger(index) || index < 0) continue;
      met += 1;
      expect(prices[index]).toBe(quoted);
    }
    if (minutes === 5) expect(met).toBeGreaterThan(10);
    expect(exchange.history('NOPE', minutes)).toBeUndefined();
  });

  it('lets every price stand while it is halted: on the boards, for orders and in the chart', async () => {
    const { boards, clock, exchange, pass } = await opened();
    boards.quotes.subscribers = 1;
    await pass(10);
    expect(await exchange.halt('Ada')).toBe(true);
    expect(await exchange.halt('Bob')).toBe(false);
    const halted = boards.pricesNow();
    const haltedMs = clock.nowMs;
    expect(boards.trading.rows.get(SESSION_KEY)).toMatchObject({
      state: 'halted',
      by: 'Ada',
      untilMs: haltedMs + HALT_MS,
    });
    await pass(HALT_MS / TICK_MS - 1);
    expect(boards.pricesNow()).toEqual(halted);
    expect(exchange.quote('AMFO')).toBe(halted.AMFO);
    await pass(1);
    expect(exchange.session.state).toBe('open');
    expect(boards.pricesNow()).not.toEqual(halted);
    const { fromMs = 0, stepMs = 1, prices = [] } = exchange.history('AMFO', 5) ?? {};
    const during = prices.filter((_, i) => fromMs + i * stepMs >= haltedMs && fromMs + i * stepMs < clock.nowMs);
    expect(during.length).toBeGreaterThan(50);
    expect(new Set(during)).toEqual(new Set([halted.AMFO]));
  });

  it('goes on when somebody ends the halt, and remembers it over a restart', async () => {
    const { boards, clock, exchange, pass } = await opened();
    expect(await exchange.resume()).toBe(false);
    await pass(10);
    await exchange.halt('Ada');
    await pass(50);
    const again = new Exchange({ seed: 'test', nowMs: () => clock.nowMs });
    await again.open(boards);
    expect(again.session).toMatchObject({ state: 'halted', by: 'Ada' });
    expect(again.quote('AMFO')).toBe(boards.pricesNow().AMFO);
    expect(await again.resume()).toBe(true);
    expect(again.session.halts).toHaveLength(1);
    expect(boards.trading.rows.get(SESSION_KEY)).toEqual(again.session);
  });

  it('quotes what is right now to who asks while it rests, and nothing for what is not listed', async () => {
    const { clock, exchange } = await opened();
    clock.nowMs += 3_600_000;
    const other = await opened('test', clock.nowMs);
    expect(exchange.quote('AMFO')).toBe(other.exchange.quote('AMFO'));
    expect(exchange.quote('NOPE')).toBeUndefined();
  });
});
