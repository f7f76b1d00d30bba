// nginx gives up a connection on which our server was silent for `proxy_read_timeout`; our pings are what it hears.

import { expect, it } from 'vitest';
import { startNginx } from './support/nginx.js';
import { startEcho } from './support/ours.js';
import { openWs } from './support/ws.js';

const READ_TIMEOUT_SECONDS = 4;
const IDLE_PING_MS = 2_000;

it('an idle connection with our pings outlives the read timeout of nginx', async () => {
  const server = await startEcho({ idlePingMs: IDLE_PING_MS });
  const port = await startNginx({ upstreamPort: server.port, readTimeoutSeconds: READ_TIMEOUT_SECONDS });
  const client = await openWs(`ws://127.0.0.1:${port}/`);
  // Each comes at least a ping's time after the last: together they take twice the read timeout and more.
  const began = performance.now();
  for (let pings = 0; pings < 5; pings++) await client.pings.next();
  expect(performance.now() - began).toBeGreaterThan(2 * READ_TIMEOUT_SECONDS * 1_000);
  client.send('still here');
  expect(await client.next()).toBe('still here');
  client.socket.close(1000);
  expect(await server.closed.next()).toEqual({ code: 1000, reason: '', wasClean: true });
});

it('without pings nginx closes it', async () => {
  const server = await startEcho({ idlePingMs: 0 });
  const port = await startNginx({ upstreamPort: server.port, readTimeoutSeconds: READ_TIMEOUT_SECONDS });
  const client = await openWs(`ws://127.0.0.1:${port}/`);
  expect(await client.closed.next()).toEqual({ code: 1006, reason: '' });
  expect(await server.closed.next()).toMatchObject({ code: 1006, wasClean: false });
});
