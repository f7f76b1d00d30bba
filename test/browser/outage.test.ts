// What a page goes through when the server or the link fails, and that nothing is missing after it.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { field, message, openChat, say, texts, untilLive, untilTexts } from './support/chat.js';
import { Link } from './support/link.js';
import { stage } from './support/stage.js';

const on = stage();
let link: Link;

beforeAll(async () => {
  link = await Link.to(on.server.port);
});
afterAll(() => link.close());

it('shows every message once and in the same order after kill -9 while both keep sending', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'killed');
  const bob = await openChat(context, on.server.url, 'Bob', 'killed');
  const PER_PAGE = 30;
  const write = async (page: Page, name: string) => {
    for (let number = 1; number <= PER_PAGE; number += 1) await say(page, `${name} ${number}`);
  };
  const writing = Promise.all([write(ada, 'ada'), write(bob, 'bob')]);
  // In the middle of it: what is on its way then is neither known to be stored nor known to be lost.
  await expect.poll(async () => (await texts(ada)).length).toBeGreaterThanOrEqual(10);
  await on.server.kill();
  await Promise.race([writing, ada.locator('header [data-state="waiting"]').waitFor()]);
  await on.server.start();
  await writing;

  const isComplete = async (page: Page) => {
    const shown = await texts(page);
    return shown.length >= 2 * PER_PAGE && (await page.getByText('sending', { exact: true }).count()) === 0;
  };
  for (const page of [ada, bob]) await expect.poll(() => isComplete(page)).toBe(true);
  const seen = await texts(ada);
  expect(await texts(bob)).toEqual(seen);
  for (const name of ['ada', 'bob']) {
    const own = seen.filter((text) => text.startsWith(name));
    expect(own).toEqual(Array.from({ length: PER_PAGE }, (_, index) => `${name} ${index + 1}`));
  }
  await ada.reload();
  await expect.poll(async () => (await texts(ada)).slice(-20)).toEqual(seen.slice(-20));
});

it('catches up after its link was cut, and sends what was written meanwhile', async () => {
  const context = await on.context();
  const away = await openChat(context, link.url, 'Ada', 'cut');
  const there = await openChat(context, on.server.url, 'Bob', 'cut');
  await say(away, 'before');
  await untilTexts(there, ['before']);

  link.cut();
  await away
    .locator('header')
    .getByText(/^reconnecting/)
    .first()
    .waitFor();
  await away.getByText('The connection is lost. What you write is kept, and sent when it is back.').waitFor();
  await say(there, 'missed 1');
  await say(there, 'missed 2');
  await say(away, 'written without a link');
  await message(away, 'written without a link').getByText('sending', { exact: true }).waitFor();
  link.restore();

  await untilLive(away);
  const all = ['before', 'missed 1', 'missed 2', 'written without a link'];
  await untilTexts(away, all);
  await untilTexts(there, all);
  await message(away, 'written without a link').getByText('sent', { exact: true }).waitFor();
});

it('says that it is offline when the system does', async () => {
  const context = await on.context();
  const page = await openChat(context, link.url, 'Cleo', 'offline');
  await context.setOffline(true);
  link.cut();
  await page.locator('header').getByText('offline', { exact: true }).waitFor();
  link.restore();
  await context.setOffline(false);
  await untilLive(page);
});

it('shows a message that failed, with its reason, and sends it on retry', async () => {
  const context = await on.context();
  const page = await openChat(context, link.url, 'Dora', 'failed');
  link.cut();
  await page
    .locator('header')
    .getByText(/^reconnecting/)
    .first()
    .waitFor();
  // 64 may wait for an answer: one more pushes the oldest out.
  const numbers = Array.from({ length: 65 }, (_, index) => index + 1);
  for (const number of numbers) await say(page, `queued ${number}.`);
  const failed = message(page, 'queued 1.');
  await failed.getByText(/^failed: /).waitFor();
  link.restore();
  await untilLive(page);
  await failed.getByRole('button', { name: 'Retry' }).click();
  await failed.getByRole('button', { name: 'Retry' }).waitFor({ state: 'detached' });
  await untilTexts(
    page,
    [...numbers.slice(1), 1].map((number) => `queued ${number}.`),
  );
  expect(await page.getByText(/^failed: /).count()).toBe(0);
});

it('shows what the hook of the room refused, and discards it', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Eve', 'refusal');
  // A control character: something for the page, nothing once the server has tidied it.
  await field(page).fill('\u0007');
  await field(page).press('Enter');
  await page.getByText('failed: The message has no visible characters.').waitFor();
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('Nobody has written here yet. Say hello.').waitFor();
});

it('says why it was refused, and joins again with a new pass', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Finn', 'refused');
  await page.evaluate(() => {
    const pass = JSON.parse(sessionStorage.getItem('trunkline.guest.chat') ?? '{}');
    sessionStorage.setItem('trunkline.guest.chat', JSON.stringify({ ...pass, token: 'forged' }));
  });
  await page.reload();
  await page.getByRole('alert').getByText('The server refused this connection').waitFor();
  await page
    .locator('header')
    .getByText(/^refused: /)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Join again as Finn' }).click();
  await untilLive(page);
  await say(page, 'in again');
  await untilTexts(page, ['in again']);
});
it('says so when the server has lost the history', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Gail', 'lost');
  await say(page, 'from another age');
  await message(page, 'from another age').getByText('sent', { exact: true }).waitFor();
  await on.server.kill();
  for (const end of ['', '-wal', '-shm']) rmSync(join(on.server.folder, `trunkline.db${end}`), { force: true });
  await on.server.start();
  await page.getByText('This room was begun anew on the server. What was here before is gone.').waitFor();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await say(page, 'a new one');
  await untilTexts(page, ['a new one']);
});

it('begins anew on the first page when its guests are refused', async () => {
  const context = await on.context();
  const page = await context.newPage();
  await page.goto(on.server.url);
  await page.getByText('2 connections live').waitFor();
  await page.evaluate(() => {
    const pass = JSON.parse(sessionStorage.getItem('trunkline.guest.bob') ?? '{}');
    sessionStorage.setItem('trunkline.guest.bob', JSON.stringify({ ...pass, token: 'forged' }));
  });
  await page.reload();
  await page.getByRole('button', { name: 'Begin anew as Bob' }).click();
  await page.getByText('2 connections live').waitFor();
});
