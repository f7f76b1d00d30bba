// Trunkline as an application uses it: a table in memory that the server feeds, a step for each batch, and a procedure.

import { readFileSync } from 'node:fs';
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { serveControl } from '../../lib/control.mjs';
import { marketFeed, placed } from '../feed.mjs';

/**
 * The shape of an order, checked by hand: what a schema library takes belongs to the library.
 * @type {import('@standard-schema/spec').StandardSchemaV1<{ symbol: string, quantity: number }>}
 */
const order = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) => (isOrder(value) ? { value } : { issues: [{ message: 'not an order' }] }),
  },
};

/** What the server itself writes is not validated. @type {import('@standard-schema/spec').StandardSchemaV1<Record<string, number>>} */
const row = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) => ({ value: /** @type {Record<string, number>} */ (value) }),
  },
};

const t = trunkline({ authenticate: () => ({ id: 'trader' }) });
const quotes = t.table(['market'], { row, keep: 'memory' });
const placeOrder = t.procedure({ input: order, run: ({ input }) => placed(market, input) });
const app = t.app({ channels: { quotes }, procedures: { placeOrder } });
const trunk = await serve(app, {
  port: 0,
  broker: memoryBroker(),
  // One connection may have 16 calls in work by default: those that a crowded machine delays are to count as late.
  limits: { maxCallsInWork: 1_000, maxRequestsInWork: 1_000 },
});
const table = trunk.channel.quotes('all');

const { market, orders, counted } = marketFeed((changes) => {
  const step = Object.entries(changes).map(([key, patch]) => ({ key, patch }));
  table.change(step).catch((error) => {
    process.stderr.write(`trunkline: ${error.stack}\n`);
    process.exit(1);
  });
});
await table.change(Object.entries(market.rows).map(([key, set]) => ({ key, set })));

const { version } = JSON.parse(readFileSync(new URL('../../../packages/server/package.json', import.meta.url), 'utf8'));
serveControl({ port: trunk.port, versions: { trunkline: version, node: process.version } }, orders, counted);

/** @param {unknown} value @returns {value is { symbol: string, quantity: number }} */
function isOrder(value) {
  if (typeof value !== 'object' || value === null || !('symbol' in value) || !('quantity' in value)) return false;
  return typeof value.symbol === 'string' && typeof value.quantity === 'number';
}
