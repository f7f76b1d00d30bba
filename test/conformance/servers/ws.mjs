// @ts-check
// An echo server on `ws`, as its documentation shows one. permessage-deflate is off by default there and on here, and the
// limit of fragments (16,384 by default) is raised as far as the catalogue needs.

import { createRequire } from 'node:module';

// The peers are dependencies of the benchmarks and of nothing else.
const require = createRequire(new URL('../../../bench/package.json', import.meta.url));
const { WebSocketServer } = require('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 0),
  perMessageDeflate: true,
  maxFragments: 70_000,
});
server.on('connection', (/** @type {any} */ socket) => {
  socket.on('error', () => {});
  socket.on('message', (/** @type {Buffer} */ data, /** @type {boolean} */ isBinary) =>
    socket.send(data, { binary: isBinary }),
  );
});
server.on('listening', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.stdout.write(`${JSON.stringify({ port, version: require('ws/package.json').version })}\n`);
});
