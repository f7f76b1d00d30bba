// The wire made visible, and how connections end.

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { field, message, openChat, say, untilLive } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();

async function openWire(page: Page) {
  await page.getByRole('button', { name: 'Wire', exact: true }).click();
  return page.getByRole('complementary', { name: 'Wire' });
}

it('shows the handshake as the server saw it, without the token', async () => {
  const context = await on.context();
  await context.addCookies([{ name: 'secret', value: 'crumbs', url: on.server.url }]);
  const page = await openChat(context, on.server.url, 'Ada', 'wire');
  const wire = await openWire(page);
  await wire.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
  const key = wire.getByText(/^Sec-WebSocket-Key: [\w+/]{22}==$/i);
  const accept = wire.getByText(/^Sec-WebSocket-Accept: [\w+/]{27}=$/i);
  await key.waitFor();
  await accept.waitFor();
  const [keyText = '', acceptText = ''] = await Promise.all([key.textContent(), accept.textContent()]);
  expect(acceptText?.split(': ')[1]).toBe(await acceptFor(keyText?.split(': ')[1] ?? ''));
  await wire
    .getByRole('button', { name: /more headers/ })
    .first()
    .click();
  await wire.getByText('secret=••••').waitFor();
  await wire.getByRole('button', { name: /^Client to server: hello/ }).waitFor();

  const all = await wire.textContent();
  expect(all).toContain('hello');
  expect(all).toContain('••••');
  expect(all).not.toContain('crumbs');
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem('trunkline.guest.chat') ?? '{}').token);
  expect(all).not.toContain(token.split('.')[2]);
});

it('shows each frame in both directions, and its content on a click', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Bob', 'frames');
  const wire = await openWire(page);
  await say(page, 'look at me travel');
  const publish = wire.getByRole('button', { name: /^Client to server: publish/ });
  await publish.waitFor();
  await wire.getByRole('button', { name: /^Server to client: .*entries/ }).waitFor();
  await publish.click();
  await wire.getByText(/opcode 0x1 text · FIN 1 · header 8 B, masked · payload 1\d\d B/).waitFor();
  await wire.locator('pre').getByText('"text": "look at me travel"').waitFor();
  await expect.poll(() => wire.locator('dl').textContent()).toMatch(/overhead\s*\d+\.\d %/);
});

it('pauses, filters, clears, copies', async () => {
  const context = await on.context({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await openChat(context, on.server.url, 'Cleo', 'tools');
  const wire = await openWire(page);
  await wire.getByRole('button', { name: /hello/ }).waitFor();

  await wire.getByRole('searchbox', { name: 'Filter frames' }).fill('hello');
  await wire.getByRole('button', { name: /welcome/ }).waitFor({ state: 'detached' });
  await wire.getByRole('searchbox', { name: 'Filter frames' }).fill('no such thing');
  await wire.getByText('No frame has “no such thing” in it.').waitFor();
  await wire.getByRole('searchbox', { name: 'Filter frames' }).fill('');

  await wire.getByRole('button', { name: 'Pause' }).click();
  await say(page, 'unseen');
  await wire.getByText('Paused: newer frames are waiting.').waitFor();
  expect(await wire.getByRole('button', { name: /: publish/ }).count()).toBe(0);
  await wire.getByRole('button', { name: 'Resume' }).click();
  await wire.getByRole('button', { name: /: publish/ }).waitFor();

  await wire.getByRole('button', { name: 'Copy' }).click();
  await wire.getByText('Copied.').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain('→ publish');
  expect(copied).toContain('← GET /line'.replace('←', '→'));

  // A frame may come at once.
  await expect
    .poll(async () => {
      await wire.getByRole('button', { name: 'Clear' }).click();
      return wire.getByText('Cleared. New frames appear here.').isVisible();
    })
    .toBe(true);
});

it('folds runs of equal frames', async () => {
  const context = await on.context();
  const reader = await openChat(context, on.server.url, 'Dora', 'runs');
  const wire = await openWire(reader);
  const writer = await openChat(context, on.server.url, 'Eve', 'runs');
  for (const number of [1, 2, 3, 4, 5, 6]) {
    await say(writer, `number ${number}`);
    await message(reader, `number ${number}`).waitFor();
  }
  // The client's reports of what it has processed come in between.
  await wire.getByRole('searchbox', { name: 'Filter frames' }).fill('number ');
  const run = wire.getByRole('button', { name: /entries × 6/ });
  await run.click();
  await expect.poll(() => wire.getByRole('button', { name: /^Server to client: entries text/ }).count()).toBe(6);
});

it('closes the connection when the chat is left, with a Close frame from each side', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Finn', 'leaving');
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await page.getByRole('link', { name: 'Trunkline' }).click();
  const connections = page.getByRole('region', { name: 'Connections of this tab' });
  await connections.getByText('closed 1000, acknowledged', { exact: true }).waitFor();
  const closes = connections.getByRole('list', { name: 'Close frames as the server saw them' }).getByRole('listitem');
  await expect
    .poll(() => closes.allTextContents())
    .toEqual([
      expect.stringMatching(/client → server\s*Close 1000/),
      expect.stringMatching(/server → client\s*Close 1000/),
    ]);
  // Those of the first page's two guests.
  await page.getByText('2 connections live').waitFor();
  expect(sockets).toHaveLength(2);

  const wire = await openWire(page);
  await wire.getByRole('button', { name: 'Chat', exact: true }).click();
  await wire.getByRole('button', { name: /^Client to server: Close 1000/ }).waitFor();
  await wire.getByRole('button', { name: /^Server to client: Close 1000/ }).waitFor();
  await wire.getByText('closed 1000, acknowledged').waitFor();
});

it('goes on over a restart of the server', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Gail', 'restart');
  const wire = await openWire(page);
  await wire.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
  await on.server.kill();
  await page.locator('header [data-state="waiting"]').waitFor();
  await on.server.start();
  await untilLive(page);
  await expect.poll(() => wire.getByText('HTTP/1.1 101 Switching Protocols').count()).toBe(2);
  await field(page).fill('still here');
  await field(page).press('Enter');
  await wire.getByRole('button', { name: /: publish/ }).waitFor();
});

it('remembers nobody’s token on disk or in its answers', async () => {
  const response = await fetch(`${on.server.url}/wire?tab=nonsense`);
  expect(response.status).toBe(400);
  expect(readFileSync(`${on.server.folder}/secret`, 'utf8').trim().length).toBeGreaterThan(40);
});

/** RFC 6455 §4.2.2, item 5.4. */
async function acceptFor(key: string): Promise<string> {
  const text = new TextEncoder().encode(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return Buffer.from(await crypto.subtle.digest('SHA-1', text)).toString('base64');
}
