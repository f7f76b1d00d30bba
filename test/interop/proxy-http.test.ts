// The HTTP API through nginx and Caddy: what a path names must come through as it was sent.

import { memoryBroker } from '@trunkline/broker';
import { serve, trunkline } from '@trunkline/server';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { runCaddy } from './support/caddy.js';
import { onStop } from './support/cleanup.js';
import { runNginx, startNginx } from './support/nginx.js';

const NAMES = ['a/b', '//', '100%', '%2F', '😀', 'ü', 'a b+c', "it's", 'a?b#c', 'a;b&c=d', '{x}|"<>\\^`'];

async function start() {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const app = t.app({
    channels: {
      chat: t.log(['room'], { entry: z.object({ text: z.string() }) }),
      desk: t.table(['market'], { row: z.object({ bid: z.number() }), write: 'client' }),
    },
  });
  const trunk = await serve(app, { broker: memoryBroker(), port: 0, trustedProxies: ['127.0.0.1'] });
  onStop(() => trunk.close());
  return trunk;
}

const headers = { authorization: 'Bearer ada', 'content-type': 'application/json' };
const send = (method: string, url: string, body: object, more: Record<string, string> = {}) =>
  fetch(url, { method, headers: { ...headers, ...more }, body: JSON.stringify(body) });

const PROXIES = {
  nginx: (upstreamPort: number) => startNginx({ upstreamPort }),
  Caddy: (upstreamPort: number) =>
    runCaddy((port) => `http://127.0.0.1:${port} {\n  reverse_proxy 127.0.0.1:${upstreamPort}\n}\n`),
};

describe('the HTTP API through a proxy', () => {
  it.each(Object.entries(PROXIES).flatMap(([through, run]) => NAMES.map((name) => ({ through, name, run }))))(
    '$through: has the parameter and the key $name as they were sent',
    async ({ name, run }) => {
      const trunk = await start();
      const proxy = `http://127.0.0.1:${await run(trunk.port)}/v1/channels`;
      const segment = encodeURIComponent(name);
      const posted = await send('POST', `${proxy}/chat/${segment}/entries`, { text: name });
      expect(posted.status).toBe(201);
      const row = `${proxy}/desk/${segment}/rows/${segment}`;
      expect((await send('PUT', row, { bid: 1 })).status).toBe(201);
      expect(await (await fetch(row, { headers })).json()).toMatchObject({ key: name, data: { bid: 1 } });
      // Under the very name that server code uses, and under no other.
      expect(await trunk.channel.desk(name).get(name)).toMatchObject({ data: { bid: 1 } });
      expect((await trunk.channel.chat(name).publish({ text: 'next' })).offset).toBe(2);
    },
  );

  it.each(Object.entries(PROXIES))(
    '%s keeps tags, conditions and keys of idempotence, and waits',
    async (_name, run) => {
      const trunk = await start();
      const proxy = `http://127.0.0.1:${await run(trunk.port)}/v1/channels`;
      const chat = `${proxy}/chat/lobby/entries`;
      const post = () => send('POST', chat, { text: 'x' }, { 'idempotency-key': 'k' });
      expect([(await post()).status, (await post()).status]).toEqual([201, 200]);
      const read = await fetch(chat, { headers });
      const again = await fetch(chat, { headers: { ...headers, 'if-none-match': read.headers.get('etag') ?? '' } });
      expect(again.status).toBe(304);
      const waiting = fetch(`${chat}?after=1&wait=30`, { headers });
      await trunk.channel.chat('lobby').publish({ text: 'now' });
      expect(await (await waiting).json()).toMatchObject({ head: 2, items: [{ offset: 2 }] });
    },
  );

  it('nginx is another matter where proxy_pass names a path: nginx decodes what it was sent', async () => {
    const trunk = await start();
    const port = await runNginx(
      (own) => `server { listen 127.0.0.1:${own}; location / { proxy_pass http://127.0.0.1:${trunk.port}/; } }`,
    );
    const answer = await send('POST', `http://127.0.0.1:${port}/v1/channels/chat/a%2Fb/entries`, { text: 'x' });
    expect(answer.status).toBe(404);
  });
});
