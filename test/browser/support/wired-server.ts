// The demo's pages and its Wire before an app of the test's own, with a table and a procedure. It runs in the test's process, so that the test
// can change the table.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { memoryBroker } from '@trunkline/broker';
import { type ServedTrunk, serve, trunkline } from '@trunkline/server';
import * as z from 'zod';
import type { pages } from '../../../apps/demo/server/pages.js';
import type { WireRoute } from '../../../apps/demo/server/wire/route.js';
import type { WireTabs } from '../../../apps/demo/server/wire/tabs.js';

const DIST = new URL('../../../apps/demo/dist/', import.meta.url);
const built = (path: string): Promise<unknown> => import(new URL(path, DIST).href);

const t = trunkline({ authenticate: ({ token }) => (token ? { id: token, name: token } : null) });
const quotes = t.table(['market'], { row: z.object({ bid: z.number(), name: z.string().optional() }), keep: 'memory' });
const desk = t.table(['user'], { row: z.object({ note: z.string() }), write: 'client', keep: 'memory' });
const placeOrder = t.procedure({
  input: z.object({ quantity: z.number() }),
  run: ({ input, progress }) => {
    progress('checking');
    return { price: input.quantity * 10.5 };
  },
});
const app = t.app({
  channels: { chat: t.log(['room'], { entry: z.object({ text: z.string() }) }), quotes, desk },
  procedures: { placeOrder },
});
export type WiredApp = typeof app;

export interface WiredServer {
  readonly trunk: ServedTrunk<typeof app.channels>;
  readonly url: string;
  close(): Promise<void>;
}

export async function startWiredServer(): Promise<WiredServer> {
  const page = ((await built('server/pages.js')) as { pages: typeof pages }).pages(
    fileURLToPath(new URL('client', DIST)),
  );
  const tabs = new ((await built('server/wire/tabs.js')) as { WireTabs: typeof WireTabs }).WireTabs();
  const wire = new ((await built('server/wire/route.js')) as { WireRoute: typeof WireRoute }).WireRoute(tabs);
  const trunk = await serve(app, {
    port: 0,
    broker: memoryBroker(),
    observe: ({ url }) => tabs.tap(url),
    request: async (request, response) => {
      const path = request.url?.split('?')[0];
      if (path === '/wire') return wire.answer(request, response);
      if (path !== '/guest') return page(request, response);
      request.resume();
      await once(request, 'end');
      const pass = { id: 'ada', name: 'Ada', token: 'ada', expiresAt: Date.now() + 3_600_000 };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(pass));
    },
  });
  return {
    trunk,
    url: trunk.url.replace('127.0.0.1', 'localhost'),
    close: async () => {
      wire.close();
      await trunk.close();
    },
  };
}
