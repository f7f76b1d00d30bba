// Socket.IO as its documentation shows a broadcast: everyone joins a room, and the room is emitted to.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import { serveControl } from '../../lib/control.mjs';
import { burstOf, payloadOf } from '../payload.mjs';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });
io.on('connection', (socket) => socket.join('feed'));
await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)));

const burst = burstOf((payload) => {
  io.to('feed').emit('m', payload);
}, payloadOf);

const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
const { version } = createRequire(import.meta.url)('socket.io/package.json');
serveControl({ port, versions: { 'socket.io': version, node: process.version } }, { burst });
