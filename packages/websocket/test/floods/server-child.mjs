/** A server on the built engine in a process of its own. It tells its resident memory, after a collection, when asked. */
import { createServer } from 'node:http';
import { createWebSocketServer } from '../../dist/index.js';

const http = createServer();
const server = createWebSocketServer({
  compression: true,
  limits: { maxControlFramesPerSecond: 1_000_000_000, maxFragments: 1_000_000 },
  handler: {
    message(socket, data) {
      if (data === 'flood me') for (let n = 0; n < 10_000; n++) socket.send('x'.repeat(1_000));
    },
    error() {},
  },
});
server.attach(http);
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  http.getConnections((_error, sockets) => {
    process.send?.({ rss: process.memoryUsage().rss, sockets });
  });
});
process.on('disconnect', () => process.exit());
http.listen(0, '127.0.0.1', () => process.send?.({ port: http.address().port }));
