// A long history: a page at a time, the reader's place kept, only new messages announced.

import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { log, message, openChat, say, texts } from './support/chat.js';
import { seedRoom } from './support/seed.js';
import { stage } from './support/stage.js';

const on = stage();
const COUNT = 300;

beforeAll(() => seedRoom(on.server.url, 'long', COUNT));

const numbersOf = (found: readonly string[]) => found.map((text) => Number(text.split(' ')[1]));

async function scrollTo(page: Page, top: number): Promise<void> {
  await log(page).evaluate((element, value) => {
    element.scrollTop = value;
  }, top);
}

/**
 * Goes up until the page has noticed: a message that turns out higher in the very frame in which somebody scrolls brings the list
 * back to its end, and who reads goes on scrolling.
 */
async function leaveTheEnd(page: Page): Promise<void> {
  await expect
    .poll(async () => {
      await scrollTo(page, 0);
      return log(page).getAttribute('aria-live');
    })
    .toBe('off');
}

it('begins at the end', async () => {
  const page = await openChat(await on.context(), on.server.url, 'Ada', 'long');
  await message(page, `message ${COUNT}`).waitFor();
  await expect.poll(() => log(page).evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)).toBeLessThan(20);
  const shown = numbersOf(await texts(page));
  // The first page only: nobody has asked for more.
  await expect.poll(() => log(page).getAttribute('aria-live')).toBe('polite');
  expect(shown).toEqual(Array.from({ length: 50 }, (_, index) => COUNT - 49 + index));
});

it('loads older messages while scrolling up, and leaves what is read where it is', async () => {
  const page = await openChat(await on.context(), on.server.url, 'Bob', 'long');
  await message(page, `message ${COUNT}`).waitFor();
  for (let oldest = await oldestShown(page); oldest > 1; ) {
    const before = oldest;
    // The first message in view, and where it stands: it must be there still when older ones have come above it.
    await scrollTo(page, 120);
    await expect.poll(() => oldestShown(page)).toBeLessThan(before);
    oldest = await oldestShown(page);
  }
  await page.getByText('This is the beginning of long.').waitFor();
  await scrollTo(page, 0);
  await message(page, 'message 1').first().waitFor();
  const shown = numbersOf(await texts(page));
  expect(shown).toEqual(Array.from({ length: shown.length }, (_, index) => index + 1));
});

it('keeps the place to a pixel when a page is put before it', async () => {
  const page = await openChat(await on.context(), on.server.url, 'Cleo', 'long');
  await message(page, `message ${COUNT}`).waitFor();
  const before = await oldestShown(page);
  // Watched in the page, frame by frame: the message that is first in view may not move while the older ones come.
  const drift = await log(page).evaluate(async (element) => {
    element.scrollTop = 300;
    const frame = () => new Promise(requestAnimationFrame);
    await frame();
    const top = element.getBoundingClientRect().top;
    const items = () => [...element.querySelectorAll('li')];
    const first = items().find((item) => item.getBoundingClientRect().top >= top);
    const text = first?.querySelector('[data-part="text"]')?.textContent;
    const start = first?.getBoundingClientRect().top ?? 0;
    const count = () =>
      Number(element.querySelector('li')?.querySelector('[data-part="text"]')?.textContent?.split(' ')[1]);
    const oldest = count();
    let worst = 0;
    for (let frames = 0; frames < 600 && count() === oldest; frames += 1) await frame();
    for (let frames = 0; frames < 30; frames += 1) {
      await frame();
      const same = items().find((item) => item.querySelector('[data-part="text"]')?.textContent === text);
      worst = Math.max(worst, Math.abs((same?.getBoundingClientRect().top ?? -1e6) - start));
    }
    return worst;
  });
  expect(await oldestShown(page)).toBeLessThan(before);
  expect(drift).toBeLessThanOrEqual(2);
});

it('announces new messages, and no older ones', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Dora', 'long');
  const live = () => log(page).getAttribute('aria-live');
  await expect.poll(live).toBe('polite');
  await scrollTo(page, 300);
  await expect.poll(live).toBe('off');
  await log(page).evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  await expect.poll(live).toBe('polite');
});

it('announces the first message of an empty room', async () => {
  const page = await openChat(await on.context(), on.server.url, 'Kim', 'silent');
  await page.getByText('Nobody has written here yet').waitFor();
  await expect.poll(() => log(page).getAttribute('aria-live')).toBe('polite');
  // The very region that was there before it: a new one would not be heard.
  const region = await log(page).elementHandle();
  await say(page, 'first');
  await message(page, 'first').waitFor();
  expect(await region?.evaluate((element) => [element.isConnected, element.getAttribute('aria-live')])).toEqual([
    true,
    'polite',
  ]);
});

it('counts what comes while one reads above, and goes there on a click', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Eve', 'counting');
  for (let number = 1; number <= 30; number += 1) await say(page, `line ${number}`);
  await message(page, 'line 30').getByText('sent', { exact: true }).waitFor();
  const other = await openChat(context, on.server.url, 'Finn', 'counting');
  await leaveTheEnd(page);
  await say(other, 'news 1');
  await page.getByRole('button', { name: '1 new message' }).waitFor();
  await say(other, 'news 2');
  await page.getByRole('button', { name: '2 new messages' }).click();
  await page.getByRole('button', { name: /new message/ }).waitFor({ state: 'detached' });
  await expect.poll(() => log(page).evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)).toBeLessThan(20);
  await say(other, 'news 3');
  await message(page, 'news 3').waitFor();
  await expect.poll(() => log(page).evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight)).toBeLessThan(20);
});

async function oldestShown(page: Page): Promise<number> {
  return numbersOf(await texts(page))[0] ?? Number.NaN;
}
