// A server of one log in a process of its own, on the built packages. It publishes when told to, and tells its resident memory
// after a collection when asked.
import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '../../dist/index.js';

const entry = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };
const t = trunkline({ authenticate: ({ token }) => ({ id: token ?? 'nobody' }) });
const feed = t.log([], { entry, authorize: () => true });
const trunk = await serve(t.app({ channels: { feed } }), { port: 0, broker: memoryBroker() });

process.on('message', async ({ publish, bytes }) => {
  if (publish !== undefined) {
    for (let n = 0; n < publish; n++) await trunk.channel.feed().publish('x'.repeat(bytes));
    return;
  }
  globalThis.gc?.();
  globalThis.gc?.();
  process.send?.({ rss: process.memoryUsage().rss });
});
process.on('disconnect', () => process.exit());
process.send?.({ port: trunk.port });
