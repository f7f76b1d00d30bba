// Bun's own WebSockets and pub/sub, which are uWebSockets in C++. Runs in Bun, not in Node.

import { burstOf, largePayloadOf, payloadOf } from '../../fanout/payload.mjs';
import { serveControl } from '../../lib/control.mjs';
import { serverOptions } from './options.mjs';

const { compression = false } = serverOptions();
const { Bun } = /** @type {any} */ (globalThis);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (/** @type {Request} */ request, /** @type {any} */ self) =>
    self.upgrade(request) ? undefined : new Response('', { status: 426 }),
  websocket: {
    // The others send no pings either unless they are told to.
    sendPings: false,
    idleTimeout: 960,
    perMessageDeflate: compression,
    open: (/** @type {any} */ socket) => socket.subscribe('feed'),
    message: (/** @type {any} */ socket, /** @type {string | Buffer} */ data) => socket.send(data),
  },
});

const burst = burstOf(
  (payload) => server.publish('feed', JSON.stringify(payload), compression),
  /** @type {(seq: number) => unknown} */ (compression ? largePayloadOf : payloadOf),
);

serveControl({ port: server.port, versions: { bun: Bun.version } }, { burst });
