// The market over two slow links: it takes a quarter of a minute until the plain feed is that much behind.

import { expect, it } from 'vitest';
import { openMarket } from './support/market.js';
import { stage } from './support/stage.js';

const on = stage();

it('shows the data’s age over a slow link: bounded with conflation, growing without', async () => {
  const page = await openMarket(await on.context(), on.server.url);
  await page.getByRole('combobox', { name: 'Speed of each link' }).selectOption('4 KB/s');
  await page.getByRole('switch', { name: 'Slow network' }).check({ force: true });
  const ageMs = async (arm: string) =>
    Number(await page.locator(`[data-arm="${arm}"] [data-part="age"]`).getAttribute('data-age-ms'));
  let oldestMs = 0;
  await expect
    .poll(
      async () => {
        oldestMs = Math.max(oldestMs, await ageMs('table'));
        return ageMs('plain');
      },
      { timeout: 40_000, interval: 200 },
    )
    .toBeGreaterThan(12_000);
  // 500 rows of 28 bytes pass in 3.5 s: one slice waits, one is under way.
  expect(oldestMs).toBeGreaterThan(500);
  expect(oldestMs).toBeLessThan(10_000);
}, 90_000);
