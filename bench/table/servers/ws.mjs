// `ws`: whoever connects gets the table; each batch of changes is one JSON, encoded once into a Buffer, to all clients in a loop; a request has an
// id, and so has its answer. With the argument `each` every change is a message of its own.

import { createRequire } from 'node:module';
import { WebSocket, WebSocketServer } from 'ws';
import { serveControl } from '../../lib/control.mjs';
import { marketFeed, placed } from '../feed.mjs';

const isEach = process.argv[2] === 'each';
const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await new Promise((resolve) => server.once('listening', resolve));

const { market, orders, counted } = marketFeed((changes, { batches }) => {
  if (!isEach) broadcast({ n: batches, rows: changes });
  else for (const [symbol, fields] of Object.entries(changes)) broadcast({ n: batches, rows: { [symbol]: fields } });
});

/** @param {object} told */
function broadcast(told) {
  const message = Buffer.from(JSON.stringify(told));
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
  }
}

server.on('connection', (socket) => {
  socket.send(JSON.stringify({ n: market.batches, table: market.rows }));
  socket.on('message', (data) => {
    const { id, order } = JSON.parse(String(data));
    socket.send(JSON.stringify({ id, result: placed(market, order) }));
  });
});

const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const { version } = createRequire(import.meta.url)('ws/package.json');
serveControl({ port, versions: { ws: version, node: process.version } }, orders, counted);
