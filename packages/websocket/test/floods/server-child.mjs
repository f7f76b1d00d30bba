/** A server on the built engine in a process of its own. It tells its resident memory, after a collection, when asked. */
import { createServer } from 'node:http';
import { createWebSocketServer } from '../../dist/index.js';

const http = createServer();
let messageBytes = 0;
const server = createWebSocketServer({
  compression: true,
  limits: { maxControlFramesPerSecond: 1_000_000_000, maxFragments: 1_000_000, maxBufferedBytes: 1_048_576 },
  handler: {
    open(socket, { path }) {
      socket.data = path === '/holding';
    },
    message(socket, data) {
      messageBytes += data.length;
      if (data === 'flood me') for (let n = 0; n < 10_000; n++) socket.send('x'.repeat(1_000));
      else if (socket.send(data) === 'queued' && socket.data) socket.pause();
    },
    drain: (socket) => socket.resume(),
    error() {},
  },
});
server.attach(http);
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  http.getConnections((_error, sockets) => {
    process.send?.({ rss: process.memoryUsage().rss, sockets, messageBytes });
  });
});
process.on('disconnect', () => process.exit());
http.listen(0, '127.0.0.1', () => process.send?.({ port: http.address().port }));
