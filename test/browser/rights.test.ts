// Rights that are taken away under an open page, and passes that are replaced on an open socket.

import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { launch, newContext, problems } from './support/browser.js';
import { message, say, texts, untilLive, untilTexts } from './support/chat.js';
import { type RuledServer, startRuledServer } from './support/ruled-server.js';
import { putBack, putForward } from './support/server-clock.js';
import { logSockets, type SocketLog } from './support/socket-log.js';

const PASS_MS = 40_000;

let browser: Browser;
let server: RuledServer;
let context: BrowserContext;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startRuledServer(PASS_MS)]);
});
beforeEach(async () => {
  context = await newContext(browser);
});
afterEach(async () => {
  putBack();
  await context.close();
  expect(problems.get(context)).toEqual([]);
});
afterAll(async () => {
  await browser?.close();
  await server?.trunk.close();
});

async function open(name: string, room: string): Promise<{ page: Page; socket: SocketLog }> {
  const page = await context.newPage();
  const socket = logSockets(page);
  await page.goto(`${server.url}/chat/${room}?as=${name}`);
  await untilLive(page);
  return { page, socket };
}

const numbered = (word: string, count: number) => Array.from({ length: count }, (_, index) => `${word} ${index + 1}`);

it('a room that was taken away says so, shows nothing that came later, and the others go on', async () => {
  const room = server.trunk.channel.chat('board');
  const ada = await open('ada', 'board');
  const bob = await open('bob', 'board');
  const cleo = await open('cleo', 'board');
  const before = numbered('before', 20);
  const after = numbered('after', 20);
  for (const text of before) await room.publish({ text });
  for (const { page } of [ada, bob, cleo]) await untilTexts(page, before);

  // The rule takes its time: from the call of `revoke` on, not from its answer, nothing comes.
  let answer = () => {};
  server.rule.isReady = new Promise((resolve) => {
    answer = resolve;
  });
  server.rule.banned.add('bob:board');
  const judged = server.trunk.revoke('bob', room);
  for (const text of after) void room.publish({ text });
  for (const { page } of [ada, cleo]) await untilTexts(page, [...before, ...after]);
  expect(await texts(bob.page)).toEqual(before);
  answer();
  expect(await judged).toEqual({ ended: 1 });
  await bob.page
    .getByRole('alert')
    .getByText('The server does not show this room: you may no longer read this')
    .waitFor();
  // On the same connection, behind everything that was put on it: what Bob writes is refused in words, and nobody sees it.
  await say(bob.page, 'let me in');
  await message(bob.page, 'let me in').getByText('failed: you may not publish here').waitFor();
  expect(await texts(bob.page)).toEqual([...before, 'let me in']);
  expect(bob.socket.received.filter((frame) => frame.includes('after '))).toEqual([]);
  await say(ada.page, 'who was that?');
  for (const { page } of [ada, cleo]) await untilTexts(page, [...before, ...after, 'who was that?']);
  expect([ada, bob, cleo].map(({ socket }) => socket.dials)).toEqual([1, 1, 1]);

  // Another room is as open to him as before, and this one when the rule says so again.
  await bob.page.goto(`${server.url}/chat/garden`);
  await untilLive(bob.page);
  await say(bob.page, 'hello, garden');
  await untilTexts(bob.page, ['hello, garden']);
  server.rule.banned.clear();
  await bob.page.goto(`${server.url}/chat/board`);
  await untilTexts(bob.page, [...before, ...after, 'who was that?']);
});

it('a pass is replaced on the open socket, half of its life before it ends', async () => {
  await context.clock.install();
  const { page, socket } = await open('dora', 'passes');
  const first = server.passes.length;
  const refreshes = () => socket.sent.filter((frame) => frame.includes('"type":"refresh"')).length;
  // Three lives of a pass, in steps of half a life, on both clocks.
  for (let step = 1; step <= 6; step += 1) {
    expect(refreshes()).toBe(step - 1);
    putForward(PASS_MS / 2);
    await page.clock.fastForward(PASS_MS / 2);
    await expect.poll(refreshes).toBe(step);
    await say(page, `step ${step}`);
    await message(page, `step ${step}`).getByText('sent', { exact: true }).waitFor();
  }
  expect(server.passes.length - first).toBe(6);
  // Each of them is the newest pass, and none is shown to anybody else.
  const tokens = server.passes.slice(-6).map(({ token }) => JSON.stringify(token));
  const sent = socket.sent.filter((frame) => frame.includes('"type":"refresh"'));
  for (const [index, frame] of sent.entries()) expect(frame).toContain(tokens[index]);
  expect(socket.dials).toBe(1);
  await page.locator('header [data-state="live"]').waitFor();
  await untilTexts(page, numbered('step', 6));
});
