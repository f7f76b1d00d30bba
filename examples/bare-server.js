// A WebSocket server and nothing else: whatever one says, all hear, framed once. `@trunkline/websocket` alone.
//   node examples/bare-server.js, then: npx trunkline tap ws://127.0.0.1:3000/chat

import { createServer } from 'node:http';
import { createWebSocketServer, prepareText } from '@trunkline/websocket';
import { live, port } from './life.js';

/** @type {import('@trunkline/websocket').WebSocketServer<{ name: string }>} */
const server = createWebSocketServer({
  path: '/chat',
  limits: { maxMessageBytes: 65_536 },
  handler: {
    open(socket, handshake) {
      socket.data = { name: new URL(handshake.url, 'http://x').searchParams.get('name') ?? 'somebody' };
      socket.send(`welcome, ${socket.data.name}`);
    },
    message(socket, data) {
      if (typeof data !== 'string') {
        socket.close(1003, 'text only');
        return;
      }
      const frame = prepareText(`${socket.data.name}: ${data}`);
      // One that does not keep up is skipped rather than waited for.
      for (const other of server.connections) if (other.bufferedBytes < 262_144) other.sendFrame(frame);
    },
    error: (_socket, error) => console.error(error.code, error.message),
  },
});

const http = createServer((_request, response) => response.end('There is a WebSocket at /chat.\n'));
server.attach(http);
http.listen(port, '127.0.0.1', () =>
  live(http.address(), async () => {
    http.close();
    await server.drain({ deadlineMs: 2_000 });
  }),
);
