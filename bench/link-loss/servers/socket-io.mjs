// Socket.IO with a room per room; `recovery` as its only argument adds connection state recovery, as its documentation shows it.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import { serveControl } from '../../lib/control.mjs';
import { publishing } from '../publishing.mjs';

const recovery = process.argv[2] === 'recovery';
const http = createServer();
const io = new Server(http, {
  transports: ['websocket'],
  serveClient: false,
  ...(recovery ? { connectionStateRecovery: { maxDisconnectionDuration: 120_000, skipMiddlewares: true } } : {}),
});
io.on('connection', (socket) => {
  if (!socket.recovered) void socket.join(String(socket.handshake.auth.room));
});
await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)));

const orders = publishing((room, message) => void io.to(String(room)).emit('m', message));

const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
const { version } = createRequire(import.meta.url)('socket.io/package.json');
serveControl({ port, versions: { 'socket.io': version, node: process.version } }, orders);
