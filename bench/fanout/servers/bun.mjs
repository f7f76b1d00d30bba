// Bun's own pub/sub, which is uWebSockets in C++. Runs in Bun, not in Node.

import { serveControl } from '../../lib/control.mjs';
import { burstOf, payloadOf } from '../payload.mjs';

const { Bun } = /** @type {any} */ (globalThis);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: (/** @type {Request} */ request, /** @type {any} */ self) =>
    self.upgrade(request) ? undefined : new Response('', { status: 426 }),
  websocket: {
    open: (/** @type {any} */ socket) => socket.subscribe('feed'),
    message: () => undefined,
  },
});

const burst = burstOf((payload) => {
  server.publish('feed', JSON.stringify(payload));
}, payloadOf);

serveControl({ port: server.port, versions: { bun: Bun.version } }, { burst });
