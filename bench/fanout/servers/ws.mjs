// `ws` as its documentation shows a broadcast: a loop over the clients. Each message is encoded once, into a Buffer, which
// is faster than handing over a string 1,000 times.

import { createRequire } from 'node:module';
import { WebSocket, WebSocketServer } from 'ws';
import { serveControl } from '../../lib/control.mjs';
import { burstOf, payloadOf } from '../payload.mjs';

const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
await new Promise((resolve) => server.once('listening', resolve));

const burst = burstOf((payload) => {
  const message = Buffer.from(JSON.stringify(payload));
  for (const client of server.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
  }
}, payloadOf);

const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
const { version } = createRequire(import.meta.url)('ws/package.json');
serveControl({ port, versions: { ws: version, node: process.version } }, { burst });
