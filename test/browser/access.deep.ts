// For everyone: axe on every page in both themes, phones without a horizontal scroll, and a visit by keyboard alone.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { findings } from './support/axe.js';
import { field, log, message, openChat, say, untilLive, untilTexts } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();
async function openWire(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Wire', exact: true }).click();
  await page.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
}

for (const colorScheme of ['light', 'dark'] as const) {
  it(`axe finds nothing serious on the first page, the prompt and the 404, ${colorScheme}`, async () => {
    const context = await on.context({ colorScheme });
    const page = await context.newPage();
    await page.goto(on.server.url);
    await page.getByText('2 connections live').waitFor();
    await say(page.getByRole('region', { name: 'Ada' }), `looked at in ${colorScheme}`);
    await message(page.getByRole('region', { name: 'Bob' }), `looked at in ${colorScheme}`).waitFor();
    expect(await findings(page)).toEqual([]);
    await openWire(page);
    expect(await findings(page)).toEqual([]);

    await page.goto(`${on.server.url}/chat/prompt`);
    await page.getByRole('textbox', { name: 'Your name' }).press('Enter');
    await page.getByRole('alert').waitFor();
    expect(await findings(page)).toEqual([]);

    await page.goto(`${on.server.url}/no/such/page`);
    await page.getByRole('heading', { name: 'Nothing is at this address' }).waitFor();
    expect(await findings(page)).toEqual([]);
  });

  it(`axe finds nothing serious in the chat, ${colorScheme}`, async () => {
    const context = await on.context({ colorScheme });
    const page = await openChat(context, on.server.url, 'Ada', `axe ${colorScheme}`);
    await page.getByText('Nobody has written here yet').waitFor();
    expect(await findings(page)).toEqual([]);
    await say(page, 'one of one’s own');
    const bob = await openChat(context, on.server.url, 'Bob', `axe ${colorScheme}`);
    await say(bob, 'one of another');
    await field(page).fill('\u0007');
    await field(page).press('Enter');
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    await field(page).press('Enter');
    await page.getByRole('alert').waitFor();
    await openWire(page);
    await page
      .getByRole('button', { name: /^Client to server: publish/ })
      .first()
      .click();
    expect(await findings(page)).toEqual([]);
  });
}

/** Texts and controls of the header that stand on one another. */
function overlaps(page: Page): Promise<string[]> {
  return page.locator('header').evaluate((header) => {
    const boxes = [...header.querySelectorAll('a, button, [data-state], span')]
      .filter((element) => element.getClientRects().length > 0 && element.getBoundingClientRect().width > 1)
      .filter((element) => element.matches('a, button') || element.closest('a, button') === null)
      .map((element) => ({ element, box: element.getBoundingClientRect() }));
    return boxes.flatMap((one) =>
      boxes
        .filter((other) => !one.element.contains(other.element) && !other.element.contains(one.element))
        .filter((other) => one.box.left < other.box.left && one.box.right > other.box.left + 1)
        // On a phone the header has two rows.
        .filter((other) => one.box.top + 1 < other.box.bottom && other.box.top + 1 < one.box.bottom)
        .map((other) => `${one.element.textContent} over ${other.element.textContent}`),
    );
  });
}

for (const width of [360, 390]) {
  it(`fits a phone ${width} pixels wide`, async () => {
    const context = await on.context({ viewport: { width, height: 844 }, isMobile: true, hasTouch: true });
    const page = await context.newPage();
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
    const mainFits = () => page.locator('main').evaluate((element) => element.scrollWidth <= element.clientWidth);

    await page.goto(on.server.url);
    await page.getByText('2 connections live').waitFor();
    expect([await fits(), await mainFits(), await overlaps(page)]).toEqual([true, true, []]);

    await page.goto(`${on.server.url}/chat/phone ${width}?as=A name of forty characters, as allowed..`);
    await untilLive(page);
    await say(page, `${'unbroken'.repeat(40)}`);
    await message(page, 'unbroken').waitFor();
    expect([await fits(), await mainFits(), await overlaps(page)]).toEqual([true, true, []]);
    await openWire(page);
    expect([await fits(), await mainFits()]).toEqual([true, true]);

    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, a, input, textarea')]
        .filter((element) => element.getClientRects().length > 0)
        .map((element) => ({
          name: element.textContent || element.getAttribute('aria-label'),
          ...element.getBoundingClientRect().toJSON(),
        }))
        .filter(({ height }) => height < 43.5)
        .map(({ name, height }) => `${name}: ${height}`),
    );
    expect(small).toEqual([]);
  });
}

it('is usable by keyboard alone', async () => {
  const context = await on.context();
  const page = await context.newPage();
  await page.goto(`${on.server.url}/chat/keys`);
  await page.getByRole('textbox', { name: 'Your name' }).waitFor();
  // The question has the keyboard, and so has the message field after it.
  await page.keyboard.type('Kim');
  await page.keyboard.press('Enter');
  await untilLive(page);
  await page.keyboard.type('typed without a mouse');
  await page.keyboard.press('Enter');
  await untilTexts(page, ['typed without a mouse']);

  const focused = () =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent);
  await page.keyboard.press('Shift+Tab');
  expect(await focused()).toBe('Messages in keys');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Send');

  const wire = page.getByRole('button', { name: 'Wire', exact: true });
  await wire.focus();
  await page.keyboard.press('Enter');
  await page.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
  const edge = page.getByRole('separator', { name: 'Width of the Wire' });
  const width = Number(await edge.getAttribute('aria-valuenow'));
  await edge.focus();
  await page.keyboard.press('ArrowLeft');
  expect(Number(await edge.getAttribute('aria-valuenow'))).toBe(width + 24);
  const frame = page.getByRole('button', { name: /^Client to server: hello/ });
  await frame.focus();
  await page.keyboard.press('Enter');
  expect(await frame.getAttribute('aria-expanded')).toBe('true');
});

it('follows the system’s theme until one is chosen, and keeps the choice', async () => {
  const context = await on.context({ colorScheme: 'dark' });
  const page = await context.newPage();
  await page.goto(`${on.server.url}/no/page`);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await background()).toBe('rgb(18, 19, 21)');
  await page.getByRole('button', { name: 'Switch to light colours' }).click();
  expect(await background()).toBe('rgb(251, 251, 250)');
  await page.reload();
  expect(await background()).toBe('rgb(251, 251, 250)');
  await page.getByRole('button', { name: 'Switch to dark colours' }).waitFor();
});

it('has no error on its console and asks nobody else for anything', async () => {
  const context = await on.context();
  const foreign: string[] = [];
  context.on('request', (request) => {
    if (!request.url().startsWith(on.server.url)) foreign.push(request.url());
  });
  const page = await openChat(context, on.server.url, 'Lou', 'alone');
  await log(page).waitFor();
  await page.goto(on.server.url);
  await page.getByText('2 connections live').waitFor();
  expect(foreign).toEqual([]);
});
