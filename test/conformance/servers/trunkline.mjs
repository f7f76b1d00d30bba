// @ts-check
// An echo server on our engine. Its limits are raised as far as the catalogue needs: messages of 16 MiB, 65,536 fragments.

import { createServer } from 'node:http';
import { createWebSocketServer } from '@trunkline/websocket';

const MIB = 1_048_576;

const server = createServer((_request, response) => response.writeHead(426).end('A WebSocket is spoken here.\n'));
createWebSocketServer({
  handler: { message: (socket, data) => void socket.send(data) },
  compression: true,
  limits: { maxMessageBytes: 16 * MIB, maxFragments: 70_000 },
}).attach(server);
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
