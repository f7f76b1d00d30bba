// Beside Hono on Node: its adapter makes the http.Server, and `attach` joins it.

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { memoryBroker } from '@trunkline/broker';
import { attach } from '@trunkline/server';
import { Hono } from 'hono';
import { app } from './chat-app.js';
import { live, port } from './life.js';

const site = new Hono();
const server = createServer(getRequestListener(site.fetch));
const trunk = await attach(app, server, { broker: memoryBroker() });

site.get('/', (context) => context.text('Hono is here, and a Trunkline at /line.\n'));
site.post('/announce/:text', async (context) => {
  const { offset } = await trunk.channel.chat('lobby').publish({ text: context.req.param('text') });
  return context.json({ offset });
});

server.listen(port, '127.0.0.1', () =>
  live(server.address(), async () => {
    server.close();
    await trunk.close();
  }),
);
