// Orders: money and position change as one step, which happens only if both are still as they were read. So two orders at once, from two tabs or
// over HTTP, are executed one after the other, and none of them on what the other has spent.

import { refuse, type TableServerHandle } from '@trunkline/server';
import { CASH_KEY, type Cash, type Position, type Side, START_CASH_MICROS } from '../../shared/market.js';
import { fill, type Holdings, type Order } from './account.js';
import type { Exchange } from './exchange.js';

/** What became of an order. */
export interface Execution {
  readonly side: Side;
  readonly symbol: string;
  readonly quantity: number;
  /** In dollars. */
  readonly price: number;
  readonly valueMicros: number;
}

/** An account's table, as much as an order needs of it. */
export type Account = Pick<TableServerHandle<AccountContract>, 'get' | 'change'>;

interface AccountContract {
  readonly kind: 'table';
  readonly params: readonly ['user'];
  readonly input: Cash | Position;
  readonly row: Cash | Position;
  readonly write: 'server';
}

/** How often an order that met another one is tried again. */
const TRIES = 8;

export async function execute(exchange: Exchange, account: Account, order: Order) {
  const { symbol, side, quantity } = order;
  for (let tries = 0; tries < TRIES; tries += 1) {
    if (exchange.session.state === 'halted') {
      return refuse('halted', 'Trading is halted: orders are taken again when it goes on.');
    }
    const [cash, position] = await Promise.all([account.get(CASH_KEY), account.get(symbol)]);
    const price = exchange.quote(symbol);
    if (price === undefined) return refuse('unknown_symbol', `${symbol} is not listed here.`);
    const filled = fill(holdingsOf(cash?.data, position?.data), order, price);
    if ('problem' in filled) return refuse(filled.problem, filled.words);
    const { cashMicros, quantity: held, costMicros } = filled.holdings;
    const then = { if: position?.offset ?? 0 };
    try {
      await account.change([
        { key: CASH_KEY, set: { cashMicros }, if: cash?.offset ?? 0 },
        held === 0
          ? { key: symbol, delete: true, ...then }
          : { key: symbol, set: { quantity: held, costMicros }, ...then },
      ]);
      return { side, symbol, quantity, price, valueMicros: filled.valueMicros } satisfies Execution;
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
  }
  return refuse('busy', 'Too many of your orders came at once. This one was not executed: send it again.');
}

function holdingsOf(cash: Cash | Position | undefined, position: Cash | Position | undefined): Holdings {
  return {
    cashMicros: cash !== undefined && 'cashMicros' in cash ? cash.cashMicros : START_CASH_MICROS,
    quantity: position !== undefined && 'quantity' in position ? position.quantity : 0,
    costMicros: position !== undefined && 'quantity' in position ? position.costMicros : 0,
  };
}

function isConflict(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'conflict';
}
