// Words find messages, however old, and lead to them; what was edited or deleted is found, or not, as it is now.

import type { BrowserContext, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { findings } from './support/axe.js';
import { act, focusedText, log, message, openChat, say, untilLive, untilTexts } from './support/chat.js';
import { seedRoom } from './support/seed.js';
import { stage } from './support/stage.js';

const on = stage();

async function search(page: Page, query: string): Promise<void> {
  const field = page.getByRole('search').getByRole('textbox');
  if ((await field.count()) === 0) await page.getByRole('button', { name: 'Search', exact: true }).click();
  await field.fill(query);
}
const results = (page: Page) => page.getByRole('list', { name: 'Found messages' }).getByRole('button');
const texts = (page: Page) => results(page).locator('[dir="auto"]').allTextContents();

it('finds by words and beginnings, without regard to case and accents, and marks them', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'words');
  const said = ['The lathe is free now', 'Who broke the LATHE?', 'Café au lait', 'nothing of the kind'];
  for (const text of said) await say(page, text);
  await untilTexts(page, said);
  await message(page, 'nothing of').getByText('sent', { exact: true }).waitFor();
  await search(page, 'lathe');
  await expect.poll(() => texts(page)).toEqual(['Who broke the LATHE?', 'The lathe is free now']);
  await search(page, 'the la');
  await expect.poll(() => texts(page)).toEqual(['Who broke the LATHE?', 'The lathe is free now']);
  await expect.poll(() => results(page).first().locator('mark').allTextContents()).toEqual(['the', 'LATHE']);
  await search(page, 'cafe');
  await expect.poll(() => texts(page)).toEqual(['Café au lait']);
  await search(page, 'no such words');
  await page.getByText('Nothing found for “no such words”.').waitFor();
  await search(page, 'lathe');
  await expect.poll(() => results(page).count()).toBe(2);
  expect(await findings(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect.poll(() => page.getByRole('search').count()).toBe(0);
  await expect.poll(() => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('Search');
});

it('leads to a message that was not loaded', async () => {
  const context = await on.context();
  await seedRoom(on.server.url, 'far', 150);
  const page = await openChat(context, on.server.url, 'Ada', 'far');
  await message(page, 'message 150').waitFor();
  await search(page, 'message 3');
  await expect.poll(() => texts(page)).toContain('message 3');
  await results(page)
    .filter({ hasText: /message 3$/ })
    .click();
  await log(page).locator('li[data-marked="true"]').getByText('message 3', { exact: true }).waitFor();
  await expect.poll(() => focusedText(page)).toBe('message 3');
});

async function forgets(context: BrowserContext, path: string): Promise<void> {
  const room = `forgets ${path}`;
  const page = await context.newPage();
  await page.goto(`${on.server.url}/${path}/${encodeURIComponent(room)}?as=Ada`);
  await untilLive(page);
  const other = await openChat(context, on.server.url, 'Bob', room);
  await say(page, 'a lighthous');
  await say(page, 'a secret harbour');
  await untilTexts(other, ['a lighthous', 'a secret harbour']);
  for (const [text, action] of [
    ['a lighthous', 'Edit'],
    ['a secret harbour', 'Delete'],
  ] as const) {
    // What cannot be undone is asked once.
    await act(page, text, ...(action === 'Edit' ? [action] : [action, action]));
    if (action === 'Edit') await say(page, 'a lighthouse');
  }
  await untilTexts(other, ['a lighthouse']);
  for (const each of [page, other]) {
    await each.bringToFront();
    await search(each, 'lighthouse');
    await expect.poll(() => texts(each)).toEqual(['a lighthouse']);
    await search(each, 'harbour');
    await each.getByText('Nothing found for “harbour”.').waitFor();
  }
}

it('finds what was edited as it is, and nothing of what was deleted', async () => {
  await forgets(await on.context(), 'chat');
});

it('does so over HTTP requests too', async () => {
  await forgets(await on.context(), 'polling');
});
