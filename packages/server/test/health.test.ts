// `/healthz` and `trunk.health()`: what probes are told.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BrokerHealth, memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../../../test/support/free-port.js';
import { serve } from '../src/index.js';
import { chatApp, listeningLog, served } from './support/app.js';
import { enter } from './support/dial.js';

const open: { close(options?: { deadlineMs: number }): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close({ deadlineMs: 0 });
});

async function start(...args: Parameters<typeof served>) {
  const server = await served(...args);
  open.push(server.trunk);
  return server;
}

/** A store that says how it is. */
function moodyBroker(health: BrokerHealth) {
  return Object.assign(memoryBroker(), { health });
}

describe('/healthz', () => {
  it('is 200 with a few numbers while all is well, and is not kept by anyone', async () => {
    const { url, trunk } = await start();
    const [ada] = [await enter(url), await enter(url, 'bob')];
    await ada.ask({ type: 'subscribe', stream: 'chat/lobby' });
    const response = await fetch(`${url}/healthz`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    const health = { status: 'ok', connections: 2, streams: 1, subscriptions: 1 };
    expect(await response.json()).toEqual(health);
    expect(trunk.health()).toEqual(health);
  });

  it('answers HEAD without a body, other methods with 405, and takes a query', async () => {
    const { url } = await start();
    const head = await fetch(`${url}/healthz`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(`${url}/healthz`, { method: 'POST', body: '{}' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
    expect((await fetch(`${url}/healthz?from=probe`)).status).toBe(200);
    expect((await fetch(`${url}/healthzz`)).status).toBe(404);
  });

  it('is not seen by the request handler, unless it is off', async () => {
    const seen: (string | undefined)[] = [];
    const request = (incoming: IncomingMessage, response: ServerResponse) => {
      seen.push(incoming.url);
      response.end('own');
    };
    const on = await start({ request });
    await fetch(`${on.url}/healthz`);
    expect(seen).toEqual([]);
    const off = await start({ request, healthPath: false });
    expect(await (await fetch(`${off.url}/healthz`)).text()).toBe('own');
    expect(seen).toEqual(['/healthz']);
  });

  it('can have another path', async () => {
    const { url } = await start({ healthPath: '/-/ready' });
    expect((await fetch(`${url}/-/ready`)).status).toBe(200);
    expect((await fetch(`${url}/healthz`)).status).toBe(404);
  });

  it.each(['healthz', '/healthz?x', '/line'])('cannot have the path %s', async (healthPath) => {
    const attempt = serve(chatApp(), { port: 0, broker: memoryBroker(), healthPath });
    await expect(attempt).rejects.toThrow(/^healthPath must begin with/);
    await expect(attempt).rejects.toBeInstanceOf(TypeError);
  });

  it('is 503 while the store opens, and 200 from then on', async () => {
    const port = await freePort();
    let isOpen = () => {};
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const broker = Object.assign(memoryBroker(), {
      ready: () => {
        isAsked();
        return new Promise<void>((resolve) => {
          isOpen = resolve;
        });
      },
    });
    const starting = serve(chatApp(), { port, broker, log: listeningLog() });
    await asked;
    const early = await fetch(`http://127.0.0.1:${port}/healthz`);
    expect([early.status, (await early.json()).status]).toEqual([503, 'starting']);
    isOpen();
    open.push(await starting);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  });

  it.each(['failed', 'starting'] as const)('is 503 when the store says that it is %s', async (health) => {
    const trunk = await serve(chatApp(), { port: 0, broker: moodyBroker(health), log: listeningLog() });
    open.push(trunk);
    const response = await fetch(`${trunk.url}/healthz`);
    expect([response.status, (await response.json()).status]).toEqual([503, health]);
  });

  it('is 200 with a store that says that it is ready', async () => {
    const trunk = await serve(chatApp(), { port: 0, broker: moodyBroker('ready'), log: listeningLog() });
    open.push(trunk);
    expect((await fetch(`${trunk.url}/healthz`)).status).toBe(200);
  });

  it('of a closed server is draining: that its store is closed is no failure', async () => {
    const { trunk } = await start();
    await trunk.close();
    expect(trunk.health()).toEqual({ status: 'draining', connections: 0, streams: 0, subscriptions: 0 });
  });
});
