// The arithmetic of orders: what one has is worth the same before and after, and nothing is ever below zero.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Filled, fill, type Holdings, type Order } from '../server/market/account.js';
import { microsOf, ORDER_QUANTITY_MAX, POSITION_QUANTITY_MAX, START_CASH_MICROS } from '../shared/market.js';

const NOTHING: Holdings = { cashMicros: START_CASH_MICROS, quantity: 0, costMicros: 0 };
const order = (side: Order['side'], quantity: number): Order => ({ symbol: 'ACME', side, quantity });

function filled(holdings: Holdings, given: Order, price: number): Holdings {
  const result = fill(holdings, given, price);
  if ('problem' in result) throw new Error(result.words);
  return result.holdings;
}

const price = fc.oneof(
  fc.integer({ min: 1, max: 80_000 }).map((cents) => cents / 100),
  fc.integer({ min: 1, max: 4_000_000 }).map((micros) => micros / 1_000_000),
);
const orders = fc.array(
  fc.record({
    side: fc.constantFrom<Order['side']>('buy', 'sell'),
    quantity: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: ORDER_QUANTITY_MAX + 1 })),
    price,
  }),
  { maxLength: 40 },
);

describe('orders', () => {
  it('leave money and position together worth the same at the price, exactly, and neither below zero', () => {
    let executed = 0;
    fc.assert(
      fc.property(orders, (given) => {
        let now = NOTHING;
        for (const one of given) {
          const result = fill(now, order(one.side, one.quantity), one.price);
          if ('problem' in result) continue;
          executed += 1;
          const { holdings, valueMicros } = result as Filled;
          const worth = (of: Holdings) => BigInt(of.cashMicros) + BigInt(of.quantity) * BigInt(microsOf(one.price));
          expect(worth(holdings)).toBe(worth(now));
          expect(valueMicros).toBe(one.quantity * microsOf(one.price));
          for (const amount of Object.values(holdings)) {
            expect(Number.isSafeInteger(amount)).toBe(true);
            expect(amount).toBeGreaterThanOrEqual(0);
          }
          // Nothing was paid for what one does not have.
          if (holdings.quantity === 0) expect(holdings.costMicros).toBe(0);
          now = holdings;
        }
      }),
      { numRuns: 500 },
    );
    expect(executed).toBeGreaterThan(500);
  });

  it('sold for what they were bought for leave the account as it was', () => {
    fc.assert(
      fc.property(price, fc.integer({ min: 1, max: 100 }), (at, quantity) => {
        const bought = filled(NOTHING, order('buy', quantity), at);
        expect(filled(bought, order('sell', quantity), at)).toEqual(NOTHING);
      }),
    );
  });

  it('spend the last cent, and not one more', () => {
    const exact = { ...NOTHING, cashMicros: 10 * microsOf(12.34) };
    expect(filled(exact, order('buy', 10), 12.34)).toEqual({ cashMicros: 0, quantity: 10, costMicros: 123_400_000 });
    const short = { ...exact, cashMicros: exact.cashMicros - 1 };
    expect(fill(short, order('buy', 10), 12.34)).toEqual({
      problem: 'insufficient_funds',
      words: '10 ACME cost 123.40 USD; you have 123.40 USD.',
    });
  });

  it('sell what is there, and not one more', () => {
    const held = { cashMicros: 0, quantity: 3, costMicros: 10 };
    expect(filled(held, order('sell', 3), 1)).toEqual({ cashMicros: 3_000_000, quantity: 0, costMicros: 0 });
    expect(filled(held, order('sell', 1), 1)).toEqual({ cashMicros: 1_000_000, quantity: 2, costMicros: 6 });
    expect(fill(held, order('sell', 4), 1)).toEqual({
      problem: 'no_position',
      words: 'You have 3 ACME. That is less than 4.',
    });
    expect(fill(NOTHING, order('sell', 1), 1)).toEqual({
      problem: 'no_position',
      words: 'You have no ACME to sell.',
    });
  });

  it('have a largest size, and so have positions', () => {
    const rich = { ...NOTHING, cashMicros: Number.MAX_SAFE_INTEGER };
    expect(filled(rich, order('buy', ORDER_QUANTITY_MAX), 0.01).quantity).toBe(ORDER_QUANTITY_MAX);
    expect(fill(rich, order('buy', ORDER_QUANTITY_MAX + 1), 0.01)).toMatchObject({ problem: 'too_large' });
    const full = { ...rich, quantity: POSITION_QUANTITY_MAX - 1 };
    expect(filled(full, order('buy', 1), 0.01).quantity).toBe(POSITION_QUANTITY_MAX);
    expect(fill(full, order('buy', 2), 0.01)).toMatchObject({ problem: 'too_large' });
  });
});
