// The market for everyone: axe in both themes, phones, the keyboard alone, and pages that do not move for those who ask for that.

import type { Page } from 'playwright-core';
import { expect, it, vi } from 'vitest';
import { findings } from './support/axe.js';
import { openMarket, order, outcome, quantity, rows } from './support/market.js';
import { stage } from './support/stage.js';

vi.setConfig({ testTimeout: 90_000 });

const on = stage();

const slow = (page: Page) => page.getByRole('switch', { name: 'Slow network' });

it.each(['light', 'dark'] as const)('axe finds nothing serious, %s', async (colorScheme) => {
  const page = await openMarket(await on.context({ colorScheme }), on.server.url);
  // Once a second: colours are looked at between the flashes.
  await page.getByRole('slider', { name: 'Updates per second' }).fill('0');
  await order(page, 'Buy', '10');
  await outcome(page).getByText('Confirmed in').waitFor();
  await slow(page).check({ force: true });
  await page.locator('[data-arm="plain"]').getByText('old').waitFor();
  expect(await findings(page)).toEqual([]);
  await order(page, 'Sell', '0');
  await page.getByRole('searchbox').fill('nothing that there is');
  expect(await findings(page)).toEqual([]);
});

it.each([360, 390])('fits a phone %i pixels wide, and fingers', async (width) => {
  const context = await on.context({ viewport: { width, height: 844 }, isMobile: true, hasTouch: true });
  const page = await openMarket(context, on.server.url);
  await order(page, 'Buy', '100');
  await page.getByRole('table', { name: 'Positions' }).waitFor();
  await slow(page).check({ force: true });
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  expect(await page.locator('main').evaluate((main) => main.scrollWidth <= main.clientWidth)).toBe(true);
  const small = await page.locator('main').evaluate((main) =>
    [...main.querySelectorAll('button, input:not([role="switch"]), select, label:has([role="switch"])')]
      .filter((element) => element.getClientRects().length > 0)
      .map((element) => ({
        name: element.textContent || element.getAttribute('aria-label'),
        ...element.getBoundingClientRect().toJSON(),
      }))
      .filter(({ height }) => height < 43)
      .map(({ name, height }) => `${name}: ${height}`),
  );
  expect(small).toEqual([]);
});

it('is usable by keyboard alone: find, show, order', async () => {
  const page = await openMarket(await on.context(), on.server.url);
  await page.getByRole('searchbox').focus();
  await page.keyboard.type('amber foods');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'AMFO', exact: true }).waitFor();
  await page.getByText('AMFO is on the watch list already.').waitFor();
  await quantity(page).focus();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.type('3');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await outcome(page)
    .getByText(/^Bought 3 AMFO/)
    .waitFor();
  // The document itself stands: only its main part and the list scroll.
  await page.locator('main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
  expect(await page.evaluate(() => [document.documentElement.scrollTop, document.body.scrollTop])).toEqual([0, 0]);
});

it.each([
  ['no-preference', '0.4s'],
  ['reduce', '1e-05s'],
] as const)('with motion %s a price flashes for %s', async (reducedMotion, duration) => {
  const page = await openMarket(await on.context({ reducedMotion }), on.server.url);
  // All at once: one that flashes is another element with its next price.
  const durations = () =>
    rows(page)
      .locator('[data-flash="true"]')
      .evaluateAll((all) => [...new Set(all.map((element) => getComputedStyle(element).animationDuration))]);
  await expect.poll(durations).toEqual([duration]);
});
