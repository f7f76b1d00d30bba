// Joining an HTTP server that others use as well.

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { createWebSocketServer } from '@trunkline/websocket';
import { afterEach, describe, expect, it } from 'vitest';
import { attach, type LineOptions } from '../src/index.js';
import { chatApp, listeningLog } from './support/app.js';
import { Dialled, enter } from './support/dial.js';

let server: Server;
afterEach(() => {
  server.close();
  server.closeAllConnections();
});

async function listen(handler: RequestListener): Promise<string> {
  server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const attached = (options: Partial<LineOptions> = {}) =>
  attach(chatApp(), server, { broker: memoryBroker(), log: listeningLog(), ...options });

describe('attach', () => {
  it('serves its path, and leaves every plain request to its handler', async () => {
    const url = await listen((request, response) => response.end(`own: ${request.url}`));
    const trunk = await attached();
    const peer = await enter(url);
    expect(await (await fetch(`${url}/line`)).text()).toBe('own: /line');
    expect(await (await fetch(`${url}/x`)).text()).toBe('own: /x');
    await trunk.channel.chat('lobby').publish({ text: 'hi' });
    expect(await peer.ask({ type: 'subscribe', stream: 'chat/lobby', last: 1 })).toMatchObject({ head: 1 });
    await trunk.close();
    expect(await peer.closed).toMatchObject({ code: 1001 });
    // The server is still its owner's.
    expect(await (await fetch(`${url}/x`)).text()).toBe('own: /x');
  });

  it.each(['before', 'after'])('leaves the upgrades of a listener that was there %s it alone', async (when) => {
    const url = await listen((_, response) => response.end());
    const echo = createWebSocketServer({
      path: '/hmr',
      handler: { message: (socket, data) => void socket.send(data) },
    });
    if (when === 'before') echo.attach(server);
    const trunk = await attached();
    if (when === 'after') echo.attach(server);
    const peer = await enter(url);
    const other = new Dialled(`${url}/hmr`, { protocols: [] });
    await other.opened;
    other.say('{"type":"pong","id":1,"now":1}');
    expect(await other.type('pong')).toMatchObject({ id: 1 });
    await trunk.close();
    expect(other.socket.readyState).toBe('open');
    expect(peer.socket.readyState).not.toBe('open');
    await echo.drain({ deadlineMs: 0 });
  });

  it('two apps on two paths of one server do not meet', async () => {
    const url = await listen((_, response) => response.end());
    const [one, two] = [await attached(), await attached({ path: '/other' })];
    await one.channel.chat('a').publish({ text: 'in one' });
    const [first, second] = [await enter(url), new Dialled(`${url}/other`)];
    await second.opened;
    second.say({ type: 'hello', version: 1, token: 'ada' });
    expect(await first.ask({ type: 'subscribe', stream: 'chat/a' })).toMatchObject({ head: 1 });
    expect(await second.ask({ type: 'subscribe', stream: 'chat/a' })).toMatchObject({ head: 0 });
    await Promise.all([one.close(), two.close()]);
    expect(server.listenerCount('upgrade')).toBe(0);
  });

  it('rejects as the store does, and leaves the server as it was', async () => {
    await listen((_, response) => response.end());
    const broker = Object.assign(memoryBroker(), {
      ready: async () => {
        throw new Error('locked');
      },
    });
    await expect(attached({ broker })).rejects.toThrow('locked');
    expect(server.listenerCount('upgrade')).toBe(0);
  });
});
