// The market in Chromium: its prices are the server's, in their order, and its orders are executed once.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { START_CASH_MICROS } from '../../apps/demo/shared/market.js';
import { untilLive } from './support/chat.js';
import { Link } from './support/link.js';
import {
  noteTicks,
  openMarket,
  order,
  outcome,
  quantity,
  rows,
  serverAccount,
  serverPrices,
  show,
  shownPrices,
} from './support/market.js';
import { logSockets } from './support/socket-log.js';
import { stage } from './support/stage.js';

const on = stage();

const halt = (page: Page) => page.getByRole('button', { name: 'Halt trading' });
const resume = (page: Page) => page.getByRole('button', { name: 'Resume trading' });

it('shows what the server’s table has when trading stands: 500 symbols, in every tab', async () => {
  const context = await on.context();
  const [page, other] = [await openMarket(context, on.server.url), await openMarket(context, on.server.url)];
  await page.getByText('Simulated exchange', { exact: true }).waitFor();
  await halt(page).click();
  for (const each of [page, other]) await each.getByText('Trading is halted').waitFor();
  const table = await serverPrices(on.server.url);
  expect(table.size).toBe(500);
  for (const each of [other, page]) {
    await each.bringToFront();
    await expect.poll(() => shownPrices(each)).toEqual(table);
  }
  // Refused in words, while it stands.
  await order(page, 'Buy', '1');
  await outcome(page).getByText('Trading is halted: orders are taken again when it goes on.').waitFor();
  const texts = () => rows(page).locator('[data-part="price"]').allTextContents();
  const stood = await texts();
  await resume(other).click();
  await page.getByText('Trading is open').waitFor();
  await expect.poll(texts).not.toEqual(stood);
});

declare global {
  interface Window {
    shownTicks: Record<string, number[]>;
  }
}

/** Notes each price that the page shows from now on, by symbol. */
async function noteShown(page: Page): Promise<() => Promise<Record<string, number[]>>> {
  await page.evaluate(() => {
    window.shownTicks = {};
    const note = () => {
      for (const row of document.querySelectorAll('[data-part="symbols"] [data-symbol]')) {
        const text = row.querySelector('[data-part="price"]')?.textContent;
        if (!text) continue;
        const symbol = row.getAttribute('data-symbol') ?? '';
        const price = Number(text.replaceAll(',', ''));
        window.shownTicks[symbol] ??= [];
        const seen = window.shownTicks[symbol];
        if (seen.at(-1) !== price) seen.push(price);
      }
    };
    note();
    const list = document.querySelector('[data-part="symbols"]');
    if (list === null) throw new Error('there is no list');
    new MutationObserver(note).observe(list, { childList: true, subtree: true, characterData: true });
  });
  return () => page.evaluate(() => window.shownTicks);
}

/** Whether one comes from the other by leaving out. */
function isWithin(shown: readonly number[], told: readonly number[]): boolean {
  let at = 0;
  return shown.every((price) => {
    at = told.indexOf(price, at) + 1;
    return at > 0;
  });
}

it.each([
  ['once a second', 0],
  ['at every change, on a slow computer', 4],
] as const)('never shows an older price after a newer one, %s', async (_, rate) => {
  // First of all: what the page is told later than its first rows has been told here too.
  const told = await noteTicks(on.server.url);
  const page = await openMarket(await on.context(), on.server.url);
  const slider = page.getByRole('slider', { name: 'Updates per second' });
  await slider.fill(String(rate));
  if (rate === 4) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setCPUThrottlingRate', { rate: 6 });
  }
  const shown = await noteShown(page);
  const moved = async () => Object.values(await shown()).filter((prices) => prices.length > 5).length;
  await expect.poll(moved, { timeout: 90_000 }).toBeGreaterThan(10);
  const seen = await shown();
  const ticks = await told();
  for (const [symbol, prices] of Object.entries(seen)) {
    // The first one may be from before.
    const all = ticks.flatMap(({ prices: of }) => of[symbol] ?? []);
    const known = [prices[0] ?? 0, ...all];
    expect(isWithin(prices, known), `${symbol}: ${prices} of ${known}`).toBe(true);
  }
  // The test can fail: the same prices the other way round are not told in that order.
  const turned = Object.entries(seen).filter(([symbol, prices]) => {
    const all = ticks.flatMap(({ prices: of }) => of[symbol] ?? []);
    return !isWithin([...prices].reverse(), [prices[0] ?? 0, ...all]);
  });
  expect(turned.length).toBeGreaterThan(5);
});

it('confirms an order with what it cost and how long it took, and shows the position in another tab', async () => {
  const context = await on.context();
  const [page, other] = [await openMarket(context, on.server.url), await openMarket(context, on.server.url)];
  await page.getByText('You hold nothing yet').waitFor();
  await show(page, 'AMFO');
  await order(page, 'Buy', '30');
  await outcome(page)
    .getByText(/^Bought 30 AMFO at [\d,.]+: [\d,.]+ USD/)
    .waitFor();
  expect(await outcome(page).textContent()).toMatch(/Confirmed in [\d.,]+ ms\.$/);
  for (const each of [page, other]) {
    await each.locator('[data-position="AMFO"] [data-part="quantity"]').getByText('30', { exact: true }).waitFor();
  }
  await order(page, 'Sell', '10');
  await outcome(page)
    .getByText(/^Sold 10 AMFO/)
    .waitFor();
  await other.locator('[data-position="AMFO"] [data-part="quantity"]').getByText('20', { exact: true }).waitFor();
  await order(other, 'Sell', '1');
  await outcome(other)
    .getByText(/^You have no .* to sell\.|^Sold 1 AMFO/)
    .waitFor();
  const profit = page.locator('[data-position="AMFO"] [data-part="profit"]');
  const first = await profit.textContent();
  await expect.poll(() => profit.textContent()).not.toBe(first);
});

it('answers bad quantities with a sentence, and sends nothing', async () => {
  const context = await on.context();
  const page = await context.newPage();
  const log = logSockets(page);
  await page.goto(`${on.server.url}/market`);
  await untilLive(page);
  const alert = page.getByRole('region', { name: 'Order' }).getByRole('alert');
  for (const [given, words] of [
    ['', 'Enter a quantity first'],
    ['0', 'at least 1'],
    ['-5', 'never negative'],
    ['2.5', 'Only whole numbers'],
    ['1000000000', 'at most 100,000'],
    ['1e9', 'at most 100,000'],
    ['100001', 'at most 100,000'],
  ] as const) {
    await order(page, 'Buy', given);
    await alert.getByText(words).waitFor();
  }
  await quantity(page).fill('');
  await quantity(page).pressSequentially('--');
  await page.getByRole('button', { name: 'Sell', exact: true }).click();
  await alert.getByText('whole number in figures').waitFor();
  expect(log.sent.filter((text) => text.includes('placeOrder'))).toEqual([]);
});

it('says why the exchange refuses an order', async () => {
  const page = await openMarket(await on.context(), on.server.url);
  await show(page, 'EUR/USD');
  await order(page, 'Sell', '10');
  await outcome(page).getByText('You have no EUR/USD to sell.').waitFor();
  await order(page, 'Buy', '100000');
  await outcome(page)
    .getByText(/^100,000 EUR\/USD cost [\d,.]+ USD; you have 100,000\.00 USD\./)
    .waitFor();
  await page.getByText('You hold nothing yet').waitFor();
});

it('executes an order once whose answer was lost on the way', async () => {
  const link = await Link.to(on.server.port);
  try {
    const context = await on.context();
    const page = await context.newPage();
    const log = logSockets(page);
    await page.goto(`${link.url}/market`);
    await untilLive(page);
    await show(page, 'AMFO');
    link.mute();
    await order(page, 'Buy', '7');
    await outcome(page).getByText('Buy 7 AMFO: on its way').waitFor();
    // It is executed, and the page does not know.
    await expect.poll(async () => (await serverAccount(page, on.server.url)).positions.get('AMFO')).toBe(7);
    const { cashMicros = 0 } = await serverAccount(page, on.server.url);
    expect(await page.locator('[data-position="AMFO"]').count()).toBe(0);
    link.cut();
    await outcome(page).getByText('as soon as the connection is back').waitFor();
    link.restore();
    await outcome(page)
      .getByText(/^Bought 7 AMFO/)
      .waitFor();
    await page.locator('[data-position="AMFO"] [data-part="quantity"]').getByText('7', { exact: true }).waitFor();

    const calls = log.sent
      .flatMap((text) => text.split('\n'))
      .map((text) => JSON.parse(text) as { type: string; procedure?: string; producer?: string; seq?: number })
      .filter(({ procedure }) => procedure === 'placeOrder');
    expect(calls.length).toBeGreaterThanOrEqual(2);
    expect(new Set(calls.map(({ producer, seq }) => `${producer} ${seq}`)).size).toBe(1);
    const after = await serverAccount(page, on.server.url);
    expect(after.positions).toEqual(new Map([['AMFO', 7]]));
    expect(after.cashMicros).toBe(cashMicros);
    expect(cashMicros).toBeLessThan(START_CASH_MICROS);
  } finally {
    await link.close();
  }
});

it('asks for less while nobody sees it, and for all again when somebody does', async () => {
  const context = await on.context();
  const page = await context.newPage();
  const log = logSockets(page);
  await page.goto(`${on.server.url}/market`);
  await untilLive(page);
  await rows(page).locator('[data-part="price"]').first().waitFor();
  const tunes = () =>
    log.sent
      .flatMap((text) => text.split('\n'))
      .map((text) => JSON.parse(text) as { type: string; stream?: string; rate?: number | null })
      .filter(({ type, stream }) => type === 'tune' && stream === 'quotes');
  const setVisibility = (state: string) =>
    page.evaluate((now) => {
      Object.defineProperty(document, 'visibilityState', { value: now, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, state);
  await setVisibility('hidden');
  await expect.poll(() => tunes().at(-1)?.rate).toBe(1);
  // And gets it: they are a second apart, and not a quarter of it. What was on its way comes sooner, and a busy machine tells some late.
  const slices = () => log.received.filter((text) => text.includes('"type":"rows"') && text.includes('"#":')).length;
  let [count, sinceMs, slow] = [slices(), performance.now(), 0];
  await expect
    .poll(() => {
      const now = slices();
      if (now === count) return slow;
      slow = now === count + 1 && performance.now() - sinceMs > 600 ? slow + 1 : 0;
      [count, sinceMs] = [now, performance.now()];
      return slow;
    })
    .toBeGreaterThanOrEqual(3);
  await setVisibility('visible');
  await expect.poll(() => tunes().at(-1)?.rate).toBe(4);
});

it('keeps a watch list that can be edited, and says what is not listed', async () => {
  const context = await on.context();
  const page = await openMarket(context, on.server.url);
  const field = page.getByRole('searchbox', { name: 'Find a symbol' });
  const add = page.getByRole('button', { name: 'Watch', exact: true });
  const words = page.getByRole('region', { name: 'Symbols' }).getByRole('status');
  await field.fill('XYZQ');
  await words.getByText('“XYZQ” is not listed here. Try EUR/USD').waitFor();
  await add.click();
  await words.getByText('“XYZQ” is not listed here').waitFor();
  await field.fill('zar');
  await words.getByText('1 symbol matches.').waitFor();
  await field.press('Enter');
  await words.getByText('ZAR/USD is on the watch list.').waitFor();
  await page.getByRole('button', { name: /^Watch list/ }).click();
  const listed = () => rows(page).evaluateAll((all) => all.map((row) => row.getAttribute('data-symbol')));
  await expect.poll(listed).toContain('ZAR/USD');
  await page.getByRole('button', { name: 'EUR/USD on the watch list' }).click();
  await expect.poll(listed).not.toContain('EUR/USD');
  await page.reload();
  await page.getByRole('button', { name: /^Watch list/ }).click();
  await expect.poll(listed).toContain('ZAR/USD');
  expect(await listed()).not.toContain('EUR/USD');
});
