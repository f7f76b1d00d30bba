// Beside Vite's hot reload, on one HTTP server: a page of Vite's has its reload socket and two of ours, the engine's and
// Trunkline's. A file is changed, and each goes on as if it were alone.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBroker } from '@trunkline/broker';
import { SUBPROTOCOL } from '@trunkline/protocol';
import { attach, type Trunk, trunkline } from '@trunkline/server';
import { createWebSocketServer, type WebSocketServer } from '@trunkline/websocket';
import type { Browser, Page } from 'playwright-core';
import { createServer as createVite, type InlineConfig, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { launch, openPage } from './support/browser.js';
import { onStop } from './support/cleanup.js';
import { Inbox } from './support/inbox.js';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const t = trunkline({ authenticate: ({ token }) => (token ? { id: token } : null) });
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.object({ text: z.string() }) }) } });

const FILES = {
  'index.html': '<!doctype html><title>nothing yet</title><script type="module" src="/main.js"></script>',
  'main.js': `
    import { word as one } from './one.js';
    import { word as two } from './two.js';
    const words = { one, two };
    const show = () => { document.title = words.one + ' ' + words.two; };
    show();
    import.meta.hot.accept('./one.js', ({ word }) => { words.one = word; show(); });
    import.meta.hot.accept('./two.js', ({ word }) => { words.two = word; show(); });
  `,
};

/** Each module changes once: what follows within 50 ms, the watcher of Vite takes for the same change. */
const MODULES = ['one', 'two'] as const;

const change = (root: string, module: (typeof MODULES)[number], word: string) =>
  writeFile(join(root, `${module}.js`), `export const word = '${word}';\n`);

interface Shared {
  readonly root: string;
  readonly http: Server;
  readonly vite: ViteDevServer;
  readonly echo: WebSocketServer;
  readonly trunk: Trunk<typeof app.channels>;
  readonly closeCodes: Inbox<number>;
  readonly url: string;
}

/** Ours on a server: an echo at /echo, a Trunkline app at /line. */
async function joinServer(http: Server, closeCodes: Inbox<number>) {
  const echo = createWebSocketServer({
    path: '/echo',
    handler: {
      message: (socket, data) => void socket.send(data),
      close: (_socket, code) => closeCodes.add(code),
    },
  });
  echo.attach(http);
  return { echo, trunk: await attach(app, http, { broker: memoryBroker() }) };
}

async function project(): Promise<{ root: string; config: InlineConfig }> {
  const root = await mkdtemp(join(tmpdir(), 'trunkline-vite-'));
  onStop(() => rm(root, { recursive: true }));
  for (const [name, text] of Object.entries(FILES)) await writeFile(join(root, name), text);
  for (const module of MODULES) await change(root, module, 'old');
  return { root, config: { root, configFile: false, logLevel: 'error', cacheDir: join(root, '.vite') } };
}

/** Vite as a guest on a server of ours, which it was there before or came to later. */
async function asGuest(order: 'first' | 'last'): Promise<Shared> {
  const { root, config } = await project();
  const closeCodes = new Inbox<number>();
  const http = createServer();
  const early = order === 'last' ? await joinServer(http, closeCodes) : undefined;
  const vite = await createVite({ ...config, server: { middlewareMode: true, ws: { server: http } } });
  const ours = early ?? (await joinServer(http, closeCodes));
  http.on('request', vite.middlewares);
  http.listen(0, '127.0.0.1');
  await new Promise((resolve) => http.once('listening', resolve));
  onStop(() => vite.close());
  return { root, http, vite, ...ours, closeCodes, url: urlOf(http) };
}

/** Ours as guests on the server of Vite. */
async function asHost(): Promise<Shared> {
  const { root, config } = await project();
  const closeCodes = new Inbox<number>();
  const vite = await createVite({ ...config, server: { port: 0, host: '127.0.0.1' } });
  onStop(() => vite.close());
  const http = vite.httpServer as Server;
  const ours = await joinServer(http, closeCodes);
  await vite.listen();
  return { root, http, vite, ...ours, closeCodes, url: urlOf(http) };
}

function urlOf(http: Server): string {
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
}

/** Opens both of ours in the page, which keeps what comes. */
async function openOurs(page: Page): Promise<void> {
  await page.evaluate(async (subprotocol) => {
    const heard: string[] = [];
    const echo = new WebSocket('/echo');
    const line = new WebSocket('/line', subprotocol);
    const opened = [echo, line].map((socket) => new Promise((resolve) => socket.addEventListener('open', resolve)));
    for (const socket of [echo, line]) socket.addEventListener('message', ({ data }) => heard.push(data));
    await Promise.all(opened);
    line.send(JSON.stringify({ type: 'hello', version: 1, token: 'ada' }));
    line.send(JSON.stringify({ type: 'subscribe', id: 1, stream: 'chat/lobby' }));
    Object.assign(window, { heard, echo });
  }, SUBPROTOCOL);
  await hears(page, '"type":"synced"');
}

const hears = (page: Page, text: string) =>
  page.waitForFunction(
    (part) => (window as never as { heard: string[] }).heard.some((one) => one.includes(part)),
    text,
  );

const say = (page: Page, text: string) =>
  page.evaluate((message) => (window as never as { echo: WebSocket }).echo.send(message), text);

const titled = (page: Page, title: string) => page.waitForFunction((wanted) => document.title === wanted, title);

/** Until Vite looks at the files. Its watcher says ready only once, perhaps before anybody listens. */
async function watched({ vite, root }: Shared): Promise<void> {
  const isWatched = (module: string) => vite.watcher.getWatched()[root]?.includes(`${module}.js`) === true;
  while (!MODULES.every(isWatched)) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ['on our server, before us', () => asGuest('first')],
  ['on our server, after us', () => asGuest('last')],
  ['with a server of its own', asHost],
])('Vite %s', (_where, start) => {
  it('reloads hot beside our sockets, and neither disturbs the other', async () => {
    const shared = await start();
    const { root, http, vite, echo, trunk, closeCodes, url } = shared;
    const page = await openPage(browser, url);
    await titled(page, 'old old');
    await openOurs(page);
    await watched(shared);
    expect(vite.ws.clients.size).toBe(1);
    expect(echo.connections).toHaveLength(1);

    // All three at once.
    await Promise.all([
      change(root, 'one', 'new'),
      say(page, 'an echo'),
      trunk.channel.chat('lobby').publish({ text: 'an entry' }),
    ]);
    await Promise.all([titled(page, 'new old'), hears(page, 'an echo'), hears(page, 'an entry')]);
    // The page was not loaded anew: what it held is there, on the same connections.
    await say(page, 'still here');
    await hears(page, 'still here');
    expect([vite.ws.clients.size, echo.connections.length]).toEqual([1, 1]);

    // Ours end; hot reload goes on.
    await Promise.all([echo.drain(), trunk.close()]);
    expect(await closeCodes.next()).toBe(1001);
    await change(root, 'two', 'new');
    await titled(page, 'new new');

    await page.context().close();
    await vite.close();
    expect(http.listenerCount('upgrade')).toBeLessThanOrEqual(1);
    if (http.listening) await new Promise((resolve) => http.close(resolve));
    expect(await new Promise((resolve) => http.getConnections((_error, count) => resolve(count)))).toBe(0);
  });
});

it('what closes first leaves the others: Vite goes, our sockets stay', async () => {
  const { http, vite, echo, trunk, url } = await asGuest('first');
  const page = await openPage(browser, url);
  await titled(page, 'old old');
  await openOurs(page);
  const before = http.listenerCount('upgrade');
  await vite.close();
  expect(http.listenerCount('upgrade')).toBe(before - 1);
  await say(page, 'without Vite');
  await hears(page, 'without Vite');
  await trunk.channel.chat('lobby').publish({ text: 'an entry without Vite' });
  await hears(page, 'an entry without Vite');
  await Promise.all([echo.drain(), trunk.close()]);
  await page.context().close();
  await new Promise((resolve) => http.close(resolve));
});
