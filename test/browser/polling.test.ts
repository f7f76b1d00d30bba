// The same chat over HTTP requests: in a page of its own beside one on a WebSocket, and on the Wire.

import type { BrowserContext, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { act, message, openChat, say, untilLive, untilTexts } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();

async function openPolling(context: BrowserContext, name: string, room: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${on.server.url}/polling/${room}?as=${name}`);
  await untilLive(page);
  return page;
}

async function poll(page: Page, seconds: string): Promise<void> {
  await page.getByLabel('This room is asked for what is new every').selectOption(seconds);
}

it('a page that polls and a page on a WebSocket see the same, in the same order', async () => {
  const [one, other] = [await on.context(), await on.context()];
  const ada = await openPolling(one, 'Ada', 'both');
  await poll(ada, '0.25 s');
  const bob = await openChat(other, on.server.url, 'Bob', 'both');
  await say(ada, 'by POST');
  await untilTexts(bob, ['by POST']);
  await say(bob, 'by frame');
  await untilTexts(ada, ['by POST', 'by frame']);
  await say(ada, 'once more');
  for (const page of [ada, bob]) await untilTexts(page, ['by POST', 'by frame', 'once more']);
  // Its own message left the ones that are being sent: it is shown as sent, once.
  await ada.getByText('sent', { exact: true }).last().waitFor();
});

it('opens no WebSocket, and asks as often as it is told', async () => {
  const context = await on.context();
  const sockets: string[] = [];
  const polls: number[] = [];
  const page = await context.newPage();
  page.on('websocket', (socket) => sockets.push(socket.url()));
  page.on('request', (request) => {
    if (request.url().includes('/v1/channels/chat/pace/entries?after=')) polls.push(Date.now());
  });
  await page.goto(`${on.server.url}/polling/pace?as=Cleo`);
  await untilLive(page);
  await poll(page, '15 s');
  const slow = polls.length;
  await poll(page, '0.25 s');
  await expect.poll(() => polls.length).toBeGreaterThan(slow + 8);
  expect(sockets).toEqual([]);
});

it('shows who is here and who has read what, and says what it leaves out', async () => {
  const [one, other] = [await on.context(), await on.context()];
  const ada = await openPolling(one, 'Ada', 'beside');
  await poll(ada, '0.25 s');
  const bob = await openChat(other, on.server.url, 'Bob', 'beside');
  const here = (page: Page) => page.getByRole('region', { name: 'People here' }).locator('li bdi').allTextContents();
  await expect
    .poll(async () => [(await here(ada)).sort(), (await here(bob)).sort()])
    .toEqual([
      ['Ada', 'Bob'],
      ['Ada', 'Bob'],
    ]);
  await ada.getByText('Who is typing has no way over HTTP and is left out.').waitFor();
  await say(ada, 'read this');
  await message(ada, 'read this').getByText('Seen by Bob').waitFor({ state: 'attached' });
  await say(bob, 'and this');
  await message(bob, 'and this').getByText('Seen by Ada').waitFor({ state: 'attached' });
  await act(ada, 'and this', 'React with 👍');
  await message(bob, 'and this').getByRole('button', { name: '👍 1: ' }).waitFor();
  await bob.close();
  await expect.poll(() => here(ada)).toEqual(['Ada']);
  // Whoever polls leaves as soon, and not when the time is over that was asked for.
  const eve = await openChat(other, on.server.url, 'Eve', 'beside');
  await expect.poll(async () => (await here(eve)).sort()).toEqual(['Ada', 'Eve']);
  await ada.close({ runBeforeUnload: true });
  await expect.poll(() => here(eve)).toEqual(['Eve']);
});

it('counts what is unread in rooms that are not open, from the first look on, and clears it', async () => {
  const [one, other] = [await on.context(), await on.context()];
  const page = await one.newPage();
  const followed = page.waitForResponse(
    (response) => response.url().endsWith('/v1/channels/chat/garden/followers/me') && response.status() === 200,
  );
  await page.goto(`${on.server.url}/polling/lobby?as=Ada`);
  await untilLive(page);
  await poll(page, '0.25 s');
  await followed;
  const room = (name: string) => page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name });
  const bob = await openChat(other, on.server.url, 'Bob', 'garden');
  await say(bob, 'first');
  await say(bob, 'second');
  await room('garden').getByText('2 unread').waitFor();
  await room('garden').click();
  await untilTexts(page, ['first', 'second']);
  // Read, and stored as read.
  await message(bob, 'second').getByText('Seen by Ada').waitFor({ state: 'attached' });
  await room('workshop').click();
  await room('garden').getByText('unread').waitFor({ state: 'detached' });
});

it('comes back with the server, and loses nothing', async () => {
  const context = await on.context();
  const page = await openPolling(context, 'Dora', 'outage');
  await poll(page, '0.25 s');
  await say(page, 'before');
  await untilTexts(page, ['before']);
  await on.server.kill();
  await page.locator('header [data-state="waiting"]').waitFor();
  await say(page, 'meanwhile');
  await on.server.start();
  await untilLive(page);
  await untilTexts(page, ['before', 'meanwhile']);
});

it('shows each request on the Wire, with head, body and bytes, and polls without news as one', async () => {
  const context = await on.context();
  const page = await openPolling(context, 'Emil', 'heads');
  await page.getByRole('button', { name: 'Wire', exact: true }).click();
  const wire = page.getByRole('complementary', { name: 'Wire' });
  await say(page, 'look at my header');
  const post = wire.getByRole('button', { name: /POST entries/ });
  await post.click();
  const request = wire.locator('pre').filter({ hasText: 'POST /v1/channels/chat/heads/entries HTTP/1.1' });
  await request.waitFor();
  const text = (await request.textContent()) ?? '';
  for (const part of [
    'authorization: Bearer ••••',
    'idempotency-key: ',
    'User-Agent: ',
    '"text": "look at my header"',
  ]) {
    expect(text).toContain(part);
  }
  const token = await page.evaluate(() => JSON.parse(sessionStorage.getItem('trunkline.guest.chat') ?? '{}').token);
  expect(await wire.textContent()).not.toContain(token.split('.')[2]);
  await wire.getByText(/^Request: head \d{3,4} B, body 28 B$/).waitFor();
  await poll(page, '0.25 s');
  await wire.getByRole('button', { name: /GET entries × \d+.*304 Not Modified × \d+/ }).waitFor();
  await wire
    .getByRole('button', { name: /PUT markers/ })
    .first()
    .waitFor();
  await wire.getByLabel('Kind').selectOption('POST');
  await expect.poll(() => wire.getByRole('button', { name: /GET entries/ }).count()).toBe(0);
  await expect.poll(() => wire.locator('dl').textContent()).toMatch(/requests\s*\d+.*overhead\s*\d+\.\d %/);
});
