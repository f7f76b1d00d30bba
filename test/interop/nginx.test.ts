// nginx as a reverse proxy in front of our server.

import { memoryBroker } from '@trunkline/broker';
import { connect as connectLine } from '@trunkline/client/node';
import { serve, trunkline } from '@trunkline/server';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { onStop } from './support/cleanup.js';
import { startNginx } from './support/nginx.js';
import { openOurs, startEcho } from './support/ours.js';
import { changedByEcho, MEBIBYTES, SAMPLES } from './support/samples.js';
import { openWs } from './support/ws.js';

describe.each([false, true])('through nginx, compression %s', (compression) => {
  const start = async () => {
    const server = await startEcho({ compression, protocols: ['chat.v1'] });
    return { server, url: `ws://127.0.0.1:${await startNginx({ upstreamPort: server.port })}/` };
  };

  it('our client gets its messages back, 1 MiB too', async () => {
    const { url } = await start();
    const client = await openOurs(url, { compression, protocols: ['chat.v1'] });
    expect(client.socket.protocol).toBe('chat.v1');
    expect(client.socket.extensions !== '').toBe(compression);
    expect(await changedByEcho(client, [...SAMPLES, ...MEBIBYTES])).toEqual([]);
  });

  it('ws gets its messages back, 1 MiB too', async () => {
    const { url } = await start();
    const client = await openWs(url, { perMessageDeflate: compression }, ['chat.v1']);
    expect(client.socket.protocol).toBe('chat.v1');
    expect(client.socket.extensions !== '').toBe(compression);
    expect(await changedByEcho(client, [...SAMPLES, ...MEBIBYTES])).toEqual([]);
  });
});

describe('through nginx', () => {
  it('close codes, reasons and pings pass both ways', async () => {
    const server = await startEcho();
    const url = `ws://127.0.0.1:${await startNginx({ upstreamPort: server.port })}/`;
    const reason = `ü${'r'.repeat(121)}`;
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const closing = await openWs(url);
      closing.socket.ping('here');
      expect(await closing.pongs.next()).toBe('here');
      closing.socket.close(code, reason);
      expect(await server.closed.next()).toEqual({ code, reason, wasClean: true });
      expect(await closing.closed.next()).toMatchObject({ code });
      const told = await openOurs(url);
      told.send('!ping there');
      expect(await server.pongs.next()).toBe('there');
      told.send(`!close ${code} ${reason}`);
      expect(await told.closed.next()).toEqual({ code, reason, wasClean: true });
      expect(await server.closed.next()).toMatchObject({ code, wasClean: true });
    }
    const gone = await openOurs(url);
    gone.socket.abort();
    expect(await server.closed.next()).toMatchObject({ code: 1006, wasClean: false });
    const cut = await openOurs(url);
    cut.send('!abort');
    expect(await cut.closed.next()).toMatchObject({ code: 1006, wasClean: false });
  });

  it('a handshake that is refused is refused', async () => {
    const server = await startEcho({ check: () => ({ status: 403, message: 'Not from there.' }) });
    const port = await startNginx({ upstreamPort: server.port });
    await expect(openOurs(`ws://127.0.0.1:${port}/`)).rejects.toMatchObject({ code: 'handshake_refused', status: 403 });
  });
});

describe('a line of Trunkline through nginx', () => {
  it('carries what is published, and knows the address of its client', async () => {
    const addresses: string[] = [];
    const t = trunkline({
      authenticate: ({ request }) => {
        addresses.push(request.address);
        return { id: 'ada' };
      },
    });
    const chat = t.log(['room'], { entry: z.object({ text: z.string() }) });
    const app = t.app({ channels: { chat } });
    const trunk = await serve(app, { broker: memoryBroker(), port: 0, trustedProxies: ['127.0.0.1'] });
    onStop(() => trunk.close());
    const port = await startNginx({ upstreamPort: Number(new URL(trunk.url).port), clientAddress: '203.0.113.7' });
    const line = connectLine<typeof app>(`http://127.0.0.1:${port}/line`);
    onStop(() => line.close());
    const lobby = line.channel.chat('lobby');
    const arrived = new Promise<void>((resolve) => {
      const leave = lobby.subscribe(() => {
        const { state, entries } = lobby.snapshot();
        if (state === 'live' && entries.length === 2) resolve(leave());
      });
    });
    await lobby.publish({ text: 'from the client' });
    await trunk.channel.chat('lobby').publish({ text: 'x'.repeat(10_000) });
    await arrived;
    expect(lobby.snapshot().entries.map(({ data }) => data.text.length)).toEqual([15, 10_000]);
    expect(addresses).toEqual(['203.0.113.7']);
  });
});
