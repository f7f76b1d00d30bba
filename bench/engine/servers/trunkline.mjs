// The engine as its README shows it: on the upgrades of node:http, one handler for all connections, a prepared frame for everybody.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';
import { burstOf, largePayloadOf, payloadOf } from '../../fanout/payload.mjs';
import { serveControl } from '../../lib/control.mjs';
import { serverOptions } from './options.mjs';

const { engine, compression = false } = serverOptions();
const entry = engine === undefined ? '@trunkline/websocket' : pathToFileURL(`${engine}/dist/index.js`).href;
/** @type {typeof import('@trunkline/websocket')} */
const { createWebSocketServer, prepareText } = await import(entry);

const server = createWebSocketServer({
  compression: compression ? { level: 1 } : false,
  handler: { message: (socket, data) => void socket.send(data) },
});
const http = createServer();
server.attach(http);
await new Promise((resolve) => http.listen(0, '127.0.0.1', () => resolve(undefined)));

const burst = burstOf(
  (payload) => {
    const frame = prepareText(JSON.stringify(payload));
    for (const socket of server.connections) socket.sendFrame(frame);
  },
  /** @type {(seq: number) => unknown} */ (compression ? largePayloadOf : payloadOf),
);

const { port } = /** @type {import('node:net').AddressInfo} */ (http.address());
const { version } = JSON.parse(
  readFileSync(new URL('../../../packages/websocket/package.json', import.meta.url), 'utf8'),
);
serveControl({ port, versions: { '@trunkline/websocket': version, node: process.version } }, { burst });
