// As developers run it: Vite serves the pages unbundled, React mounts everything twice, and still there is one socket.

import { fileURLToPath } from 'node:url';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from '../support/free-port.js';
import { openChat, say, untilTexts } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();
const DEMO = fileURLToPath(new URL('../../apps/demo', import.meta.url));
let vite: ViteDevServer;
let url: string;

beforeAll(async () => {
  process.env.DEMO_SERVER = on.server.url;
  const port = await freePort();
  vite = await createServer({
    root: `${DEMO}/client`,
    configFile: `${DEMO}/vite.config.ts`,
    logLevel: 'error',
    cacheDir: `${on.server.folder}/vite`,
    server: { port, strictPort: true, host: '127.0.0.1' },
  });
  await vite.listen();
  url = `http://localhost:${port}`;
});
afterAll(() => vite.close());

it('opens exactly one socket in StrictMode, over the proxy', async () => {
  const context = await on.context();
  const sockets: string[] = [];
  context.on('page', (page) => {
    page.on('websocket', (socket) => {
      // Vite has one of its own, for reloading.
      if (new URL(socket.url()).pathname === '/line') sockets.push(socket.url());
    });
  });
  const page = await openChat(context, url, 'Ada', 'strict');
  await say(page, 'written in development');
  await untilTexts(page, ['written in development']);
  expect(sockets).toHaveLength(1);

  const built = await openChat(context, on.server.url, 'Bob', 'strict');
  await untilTexts(built, ['written in development']);
  expect(sockets).toHaveLength(2);
});
