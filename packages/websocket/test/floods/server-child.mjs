/**
 * A server on the built engine in a process of its own. It tells its resident memory, after a collection, when asked.
 * `maxBufferedBytes` is the default: what is held for peers that never read has to follow from it.
 */
import { createServer } from 'node:http';
import { createWebSocketServer, DEFAULT_LIMITS } from '../../dist/index.js';

const http = createServer();
const open = new Set();
let messageBytes = 0;

/** More than what may wait and what the two kernels' buffers take. */
const FLOOD_MESSAGES = 100_000;

const server = createWebSocketServer({
  compression: true,
  limits: { maxControlFramesPerSecond: 1_000_000_000, maxFragments: 1_000_000 },
  handler: {
    open(socket, { path }) {
      open.add(socket);
      socket.data = { isHolding: path === '/holding', fill: null };
    },
    message(socket, data) {
      messageBytes += data.length;
      const filled = /^fill (\d+)$/.exec(data);
      if (filled !== null) {
        socket.data.fill = 'x'.repeat(Number(filled[1]));
        fill(socket);
      } else if (data === 'flood me') {
        for (let n = 0; n < FLOOD_MESSAGES && socket.send('x'.repeat(1_000)) !== 'dropped'; n++);
      } else if (socket.send(data) === 'queued' && socket.data.isHolding) {
        socket.pause();
      }
    },
    drain(socket) {
      if (socket.data.fill === null) socket.resume();
      else fill(socket);
    },
    close: (socket) => open.delete(socket),
    error() {},
  },
});

/** Sends until one more might not wait, also behind what the kernel does not take at once. */
function fill(socket) {
  const { fill } = socket.data;
  const hasRoom = () => socket.bufferedBytes + fill.length + 14 <= DEFAULT_LIMITS.maxBufferedBytes;
  while (hasRoom()) {
    for (let bytes = 0; bytes < 65_536 && hasRoom(); bytes += fill.length) socket.send(fill);
    socket.flush();
  }
}

server.attach(http);
process.on('message', () => {
  globalThis.gc?.();
  globalThis.gc?.();
  let bufferedBytes = 0;
  for (const socket of open) bufferedBytes += socket.bufferedBytes;
  http.getConnections((_error, sockets) => {
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send?.({ rss, liveBytes: heapUsed + external, sockets, messageBytes, bufferedBytes });
  });
});
process.on('disconnect', () => process.exit());
http.listen(0, '127.0.0.1', () => process.send?.({ port: http.address().port }));
