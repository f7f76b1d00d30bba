// Beside Fastify: it owns its http.Server, so `attach` joins that one, and Fastify's close ends the lines first.

import { memoryBroker } from '@trunkline/broker';
import { attach } from '@trunkline/server';
import fastify from 'fastify';
import { app } from './chat-app.js';
import { live, port } from './life.js';

const site = fastify();
const trunk = await attach(app, site.server, { broker: memoryBroker() });
// `preClose` comes before Fastify waits for its connections, which a WebSocket would hold open.
site.addHook('preClose', () => trunk.close());

site.get('/', async () => 'Fastify is here, and a Trunkline at /line.\n');

/** @type {import('fastify').RouteHandlerMethod} */
const announce = async (request) => {
  const { text } = /** @type {{ text: string }} */ (request.params);
  const { offset } = await trunk.channel.chat('lobby').publish({ text });
  return { offset };
};
site.post('/announce/:text', announce);

await site.listen({ port, host: '127.0.0.1' });
live(site.server.address(), () => site.close());
