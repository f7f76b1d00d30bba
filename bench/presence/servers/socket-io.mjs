// Presence written by hand on Socket.IO, as guides show it: a map of who is there and in how many tabs, and an event to those who
// look for each who comes or goes.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { Server } from 'socket.io';
import { serveControl } from '../../lib/control.mjs';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], serveClient: false });
/** Connections of each user who is there. @type {Map<string, number>} */
const present = new Map();

io.on('connection', (socket) => {
  /** @type {string | null} */
  let user = null;
  const leave = () => {
    if (user === null) return;
    const left = (present.get(user) ?? 1) - 1;
    if (left > 0) present.set(user, left);
    else {
      present.delete(user);
      io.to('watchers').emit('left', user);
    }
    user = null;
    void socket.leave('lounge');
  };
  socket.on('watch', () => {
    void socket.join('watchers');
    socket.emit('present', [...present.keys()]);
  });
  socket.on('join', (/** @type {string} */ name) => {
    user = name;
    void socket.join('lounge');
    const tabs = (present.get(name) ?? 0) + 1;
    present.set(name, tabs);
    if (tabs === 1) io.to('watchers').emit('joined', name);
    socket.emit('welcome');
  });
  socket.on('leave', () => {
    leave();
    socket.emit('bye');
  });
  socket.on('disconnect', leave);
});
await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)));

const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
const { version } = createRequire(import.meta.url)('socket.io/package.json');
serveControl({ port, versions: { 'socket.io': version, node: process.version } }, {});
