// Socket.IO as its users would write it well: whoever connects gets the table; each batch of changes is one event to everybody; a request is
// an event with an acknowledgement. With the argument `each` every change is an event of its own, which is the shortest way to write it.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import { serveControl } from '../../lib/control.mjs';
import { marketFeed, placed } from '../feed.mjs';

const isEach = process.argv[2] === 'each';
const http = createServer();
// A slow reader answers a ping when it has read all that came before it, and between turns stands still: it would be cut off.
const PING_MS = 600_000;
const io = new Server(http, { transports: ['websocket'], serveClient: false, pingInterval: PING_MS });

const { market, orders, counted } = marketFeed((changes, { batches }) => {
  if (!isEach) io.emit('rows', { n: batches, rows: changes });
  else
    for (const [symbol, fields] of Object.entries(changes)) io.emit('rows', { n: batches, rows: { [symbol]: fields } });
});

io.on('connection', (socket) => {
  socket.emit('table', { n: market.batches, table: market.rows });
  socket.on('placeOrder', (order, answer) => answer(placed(market, order)));
});
await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)));

const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
const { version } = createRequire(import.meta.url)('socket.io/package.json');
serveControl({ port, versions: { 'socket.io': version, node: process.version } }, orders, counted);
