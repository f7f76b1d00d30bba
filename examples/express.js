// Beside Express: `attach` joins the http.Server that serves the Express app, and answers the WebSocket handshakes on /line.

import { createServer } from 'node:http';
import { memoryBroker } from '@trunkline/broker';
import { attach } from '@trunkline/server';
import express from 'express';
import { app } from './chat-app.js';
import { live, port } from './life.js';

const site = express();
site.get('/', (_request, response) => {
  response.send('Express is here, and a Trunkline at /line.\n');
});

const server = createServer(site);
const trunk = await attach(app, server, { broker: memoryBroker() });

// The server may speak, too: from any route.
site.post('/announce/:text', async (request, response) => {
  const { offset } = await trunk.channel.chat('lobby').publish({ text: request.params.text });
  response.json({ offset });
});

server.listen(port, '127.0.0.1', () =>
  live(server.address(), async () => {
    server.close();
    await trunk.close();
  }),
);
