// Runs in the servers of `table` and `call`: changes the market at moments that the load names, and hands each batch over to be told.

import { steadyMs } from '../lib/steady.mjs';
import { BATCH_EVERY_MS, Market } from './market.mjs';

/**
 * One batch per turn of the event loop. A server that is too slow for the pace comes to its batches late, as with a feed that does not
 * wait; what it has not begun when the time is over is left out, and the next feed goes on from there.
 * @param {(changes: import('./market.mjs').Rows, market: Market) => void} tell
 */
export function marketFeed(tell) {
  const market = new Market();
  let running = 0;

  /** @param {number} startMs By the steady clock: the first batch is due. @param {number} durationMs */
  const feed = (startMs, durationMs) => {
    running += 1;
    let next = 0;
    const step = () => {
      const nowMs = steadyMs();
      const dueMs = startMs + next * BATCH_EVERY_MS;
      if (dueMs >= startMs + durationMs || nowMs >= startMs + durationMs) {
        running -= 1;
      } else if (nowMs < dueMs) {
        setTimeout(step, dueMs - nowMs);
      } else {
        next += 1;
        tell(market.change(), market);
        setImmediate(step);
      }
    };
    step();
  };

  return { market, orders: { feed }, counted: () => ({ batches: market.batches, running }) };
}

/**
 * What the procedure of `call` does, for every system: it is told the price of an order.
 * @param {Market} market
 * @param {{ symbol: string, quantity: number }} order
 */
export function placed(market, { symbol, quantity }) {
  const row = market.rows[symbol];
  if (row === undefined) throw new RangeError(`no such symbol: ${symbol}`);
  return { symbol, quantity, price: /** @type {number} */ (row.ask) };
}
