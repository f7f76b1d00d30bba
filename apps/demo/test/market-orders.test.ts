// Orders over the line: executed once each, one after the other, seen by who placed them and by nobody else.

import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { serve } from '@trunkline/server';
import { afterEach, expect, it } from 'vitest';
import { type App, demoApp } from '../server/app.js';
import { Guests } from '../server/guests.js';
import { Exchange } from '../server/market/exchange.js';
import { PlainFeed } from '../server/market/plain-feed.js';
import { CASH_KEY, CLOCK_KEY, microsOf, START_CASH_MICROS } from '../shared/market.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  while (stops.length > 0) await stops.pop()?.();
});

async function start() {
  const guests = new Guests(new Uint8Array(32).fill(7));
  // It stands still: what is right can be told beforehand.
  const clock = { nowMs: Date.UTC(2026, 10, 21, 12) };
  const exchange = new Exchange({ seed: 'test', nowMs: () => clock.nowMs });
  const trunk = await serve(demoApp(guests, exchange), { port: 0, broker: memoryBroker() });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  const { listings, quotes, trends, trading } = trunk.channel;
  const plain = new PlainFeed();
  await exchange.open({
    listings: listings(),
    quotes: quotes(),
    trends: trends(),
    trading: trading(),
    plain,
  });
  const enter = async (name: string, token?: string) => {
    const pass = token === undefined ? await guests.issue(name, undefined) : { token, id: '' };
    const line = connect<App>(`${trunk.url}/line`, { token: pass.token });
    stops.push(() => line.close());
    return { line, id: pass.id, token: pass.token };
  };
  return { exchange, clock, trunk, enter };
}

it('cost what the exchange quotes, and make one step of money and position', async () => {
  const { exchange, trunk, enter } = await start();
  const { line, id } = await enter('Ada');
  const price = exchange.quote('AMFO') ?? 0;
  expect(await line.call.placeOrder({ symbol: 'AMFO', side: 'buy', quantity: 10 }, { once: true })).toEqual({
    side: 'buy',
    symbol: 'AMFO',
    quantity: 10,
    price,
    valueMicros: 10 * microsOf(price),
  });
  const rows = await trunk.channel.accounts(id).rows();
  expect(Object.fromEntries(rows.map(({ key, data }) => [key, data]))).toEqual({
    [CASH_KEY]: { cashMicros: START_CASH_MICROS - 10 * microsOf(price) },
    AMFO: { quantity: 10, costMicros: 10 * microsOf(price) },
  });
  // One step: both rows were changed at the same offset.
  expect(new Set(rows.map(({ offset }) => offset)).size).toBe(1);
  await line.call.placeOrder({ symbol: 'AMFO', side: 'sell', quantity: 10 }, { once: true });
  const after = await trunk.channel.accounts(id).rows();
  expect(after.map(({ key, data }) => [key, data])).toEqual([[CASH_KEY, { cashMicros: START_CASH_MICROS }]]);
});

it('that come at once from two connections are executed one after the other, and none on money that is spent', async () => {
  const { exchange, trunk, enter } = await start();
  const one = await enter('Ada');
  const two = await enter('Ada', one.token);
  const price = microsOf(exchange.quote('AMFO') ?? 0);
  const affordable = Math.floor(START_CASH_MICROS / price);
  const quantity = Math.floor(affordable / 5);
  const orders = [one, two, one, two, one, two, one, two].map(({ line }) =>
    line.call.placeOrder({ symbol: 'AMFO', side: 'buy', quantity }, { once: true }).then(
      () => 'done',
      (error: { refusal: string }) => error.refusal,
    ),
  );
  const outcomes = await Promise.all(orders);
  const done = outcomes.filter((outcome) => outcome === 'done').length;
  expect(done).toBeGreaterThan(0);
  expect(done).toBeLessThanOrEqual(5);
  expect(outcomes.every((outcome) => ['done', 'insufficient_funds', 'busy'].includes(outcome))).toBe(true);
  const account = trunk.channel.accounts(one.id);
  expect((await account.get(CASH_KEY))?.data).toEqual({ cashMicros: START_CASH_MICROS - done * quantity * price });
  expect((await account.get('AMFO'))?.data).toEqual({
    quantity: done * quantity,
    costMicros: done * quantity * price,
  });
});

it.each([
  [{ symbol: 'NOPE', side: 'buy', quantity: 1 }, 'unknown_symbol', 'NOPE is not listed here.'],
  [{ symbol: CLOCK_KEY, side: 'buy', quantity: 1 }, 'unknown_symbol', '# is not listed here.'],
  [{ symbol: 'AMFO', side: 'buy', quantity: 1_000_000_000 }, 'too_large', 'at most 100,000'],
  [{ symbol: 'AMFO', side: 'buy', quantity: 99_999 }, 'insufficient_funds', 'you have 100,000.00 USD'],
  [{ symbol: 'AMFO', side: 'sell', quantity: 1 }, 'no_position', 'You have no AMFO to sell.'],
] as const)('%j is refused: %s', async (order, refusal, words) => {
  const { trunk, enter } = await start();
  const { line, id } = await enter('Ada');
  await expect(line.call.placeOrder(order, { once: true })).rejects.toMatchObject({
    code: 'refused',
    refusal,
    message: expect.stringContaining(words),
    outcome: 'refused',
  });
  expect(await trunk.channel.accounts(id).rows()).toEqual([]);
});

it.each([0, -1, 1.5, '10', null])('a quantity of %j is no order', async (quantity) => {
  const { enter } = await start();
  const { line } = await enter('Ada');
  const order = { symbol: 'AMFO', side: 'buy', quantity: quantity as number } as const;
  await expect(line.call.placeOrder(order, { once: true })).rejects.toMatchObject({ code: 'invalid' });
});

it('are refused while trading is halted, and taken again when it goes on', async () => {
  const { exchange, enter } = await start();
  const [ada, bob] = [await enter('Ada'), await enter('Bob')];
  expect(await ada.line.call.haltTrading({})).toMatchObject({ state: 'halted', by: 'Ada' });
  await expect(bob.line.call.haltTrading({})).rejects.toMatchObject({ refusal: 'halted' });
  const order = { symbol: 'AMFO', side: 'buy', quantity: 1 } as const;
  await expect(bob.line.call.placeOrder(order)).rejects.toMatchObject({ refusal: 'halted' });
  expect(await bob.line.call.resumeTrading({})).toMatchObject({ state: 'open' });
  await expect(ada.line.call.resumeTrading({})).rejects.toMatchObject({ refusal: 'open' });
  expect((await bob.line.call.placeOrder(order)).price).toBe(exchange.quote('AMFO'));
});

it('are nobody else’s business: an account is shown to its owner, who cannot write it', async () => {
  const { enter } = await start();
  const [ada, bob] = [await enter('Ada'), await enter('Bob')];
  await ada.line.call.placeOrder({ symbol: 'AMFO', side: 'buy', quantity: 1 }, { once: true });
  const state = (of: typeof ada, id: string) =>
    new Promise((resolve) => {
      const table = of.line.channel.accounts(id);
      stops.push(
        table.subscribe(() => {
          const now = table.snapshot();
          if (now.state !== 'connecting' && now.state !== 'catching up') resolve([now.state, now.error?.code]);
        }),
      );
    });
  expect(await state(bob, ada.id)).toEqual(['refused', 'forbidden']);
  expect(await state(ada, ada.id)).toEqual(['live', undefined]);
  expect('set' in ada.line.channel.accounts(ada.id)).toBe(true);
  const open = ada.line.channel.accounts(ada.id) as unknown as { set(key: string, row: object): Promise<unknown> };
  await expect(open.set(CASH_KEY, { cashMicros: 1e15 })).rejects.toMatchObject({ code: 'forbidden' });
});

it('history is told for what is listed, in spans that there are', async () => {
  const { exchange, enter } = await start();
  const { line } = await enter('Ada');
  expect(await line.call.priceHistory({ symbol: 'EUR/USD', minutes: 60 })).toEqual(exchange.history('EUR/USD', 60));
  await expect(line.call.priceHistory({ symbol: 'NOPE', minutes: 60 })).rejects.toMatchObject({
    refusal: 'unknown_symbol',
  });
  await expect(line.call.priceHistory({ symbol: 'EUR/USD', minutes: 7 as 60 })).rejects.toMatchObject({
    code: 'invalid',
  });
});
