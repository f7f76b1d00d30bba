// `ws` as its documentation shows it. One listener serves all connections, and a broadcast encodes its message once: both are
// faster than what most programs do.

import { createRequire } from 'node:module';
import { burstOf, largePayloadOf, payloadOf } from '../../fanout/payload.mjs';
import { serveControl } from '../../lib/control.mjs';
import { serverOptions } from './options.mjs';

const { addon = false, compression = false } = serverOptions();
// It takes the addon wherever it finds it.
if (!addon) process.env.WS_NO_BUFFER_UTIL = '1';
const { WebSocket, WebSocketServer } = await import('ws');

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: compression ? { zlibDeflateOptions: { level: 1 } } : false,
});
server.on('connection', (socket) => socket.on('message', echo));
await new Promise((resolve) => server.once('listening', () => resolve(undefined)));

/**
 * @this {import('ws').WebSocket}
 * @param {import('ws').RawData} data
 * @param {boolean} isBinary
 */
function echo(data, isBinary) {
  this.send(data, { binary: isBinary });
}

const burst = burstOf(
  (payload) => {
    const message = Buffer.from(JSON.stringify(payload));
    for (const client of server.clients) {
      if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
    }
  },
  /** @type {(seq: number) => unknown} */ (compression ? largePayloadOf : payloadOf),
);

const require = createRequire(import.meta.url);
const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const { version } = require('ws/package.json');
const bufferutil = addon ? { bufferutil: require('bufferutil/package.json').version } : {};
serveControl({ port, versions: { ws: version, ...bufferutil, node: process.version } }, { burst });
