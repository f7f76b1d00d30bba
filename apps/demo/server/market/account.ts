// The arithmetic of an order, without a store: what becomes of the money and of the position. Nothing is borrowed, so neither is ever below zero.

import { microsOf, ORDER_QUANTITY_MAX, POSITION_QUANTITY_MAX, type Side } from '../../shared/market.js';

export interface Order {
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: number;
}

/** What of an account an order is about. */
export interface Holdings {
  readonly cashMicros: number;
  /** Of the order's symbol; 0: none. */
  readonly quantity: number;
  /** What was paid for it. */
  readonly costMicros: number;
}

export interface Filled {
  readonly holdings: Holdings;
  readonly valueMicros: number;
}

export type OrderProblem = 'too_large' | 'insufficient_funds' | 'no_position';

export interface Refused {
  readonly problem: OrderProblem;
  readonly words: string;
}

/** Executes an order at a price: the worth of money and position together, at that price, is the same before and after. */
export function fill(holdings: Holdings, { symbol, side, quantity }: Order, price: number): Filled | Refused {
  if (quantity > ORDER_QUANTITY_MAX) {
    return refused(
      'too_large',
      `An order is for at most ${count(ORDER_QUANTITY_MAX)}; this one is for ${count(quantity)}.`,
    );
  }
  const valueMicros = quantity * microsOf(price);
  return side === 'buy' ? buy(holdings, symbol, quantity, valueMicros) : sell(holdings, symbol, quantity, valueMicros);
}

function buy(holdings: Holdings, symbol: string, quantity: number, valueMicros: number): Filled | Refused {
  if (valueMicros > holdings.cashMicros) {
    const have = dollars(holdings.cashMicros);
    return refused(
      'insufficient_funds',
      `${count(quantity)} ${symbol} cost ${dollars(valueMicros)}; you have ${have}.`,
    );
  }
  if (holdings.quantity + quantity > POSITION_QUANTITY_MAX) {
    return refused('too_large', `You may hold at most ${count(POSITION_QUANTITY_MAX)} ${symbol}.`);
  }
  return {
    valueMicros,
    holdings: {
      cashMicros: holdings.cashMicros - valueMicros,
      quantity: holdings.quantity + quantity,
      costMicros: holdings.costMicros + valueMicros,
    },
  };
}

function sell(holdings: Holdings, symbol: string, quantity: number, valueMicros: number): Filled | Refused {
  if (quantity > holdings.quantity) {
    const have =
      holdings.quantity === 0 ? `You have no ${symbol} to sell.` : `You have ${count(holdings.quantity)} ${symbol}.`;
    return refused('no_position', holdings.quantity === 0 ? have : `${have} That is less than ${count(quantity)}.`);
  }
  const left = holdings.quantity - quantity;
  // The share of the cost that stays, rounded down: in whole numbers, as the product is beyond what a double holds exactly.
  const costMicros = Number((BigInt(holdings.costMicros) * BigInt(left)) / BigInt(holdings.quantity));
  return {
    valueMicros,
    holdings: { cashMicros: holdings.cashMicros + valueMicros, quantity: left, costMicros },
  };
}

function refused(problem: OrderProblem, words: string): Refused {
  return { problem, words };
}

function count(quantity: number): string {
  return quantity.toLocaleString('en');
}

function dollars(micros: number): string {
  return `${(micros / 1_000_000).toLocaleString('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 })} USD`;
}
