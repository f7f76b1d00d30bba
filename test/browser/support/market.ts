// What people do in the market, what they see, and what the server's tables hold at that time.

import { connect } from '@trunkline/client/node';
import type { BrowserContext, Locator, Page } from 'playwright-core';
import type { App } from '../../../apps/demo/server/app.js';
import { CASH_KEY, type PlainTick, priceOf } from '../../../apps/demo/shared/market.js';
import { untilLive } from './chat.js';
import { guestToken } from './seed.js';

/** Opens the market, and waits until it shows prices. */
export async function openMarket(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/market`);
  await untilLive(page);
  await rows(page).locator('[data-part="price"]').first().waitFor();
  return page;
}

/** The rows that are in the document: those in view and a few more. */
export function rows(page: Page): Locator {
  return page.locator('[data-part="symbols"] [data-symbol]');
}

export function quantity(page: Page): Locator {
  return page.getByRole('spinbutton', { name: 'Quantity', exact: true });
}

/** What became of the newest order. */
export function outcome(page: Page): Locator {
  return page.getByRole('region', { name: 'Order' }).getByRole('status');
}

export async function order(page: Page, side: 'Buy' | 'Sell', text: string): Promise<void> {
  await quantity(page).fill(text);
  await page.getByRole('button', { name: side, exact: true }).click();
}

/** Shows a symbol, found by what is typed. */
export async function show(page: Page, symbol: string): Promise<void> {
  const field = page.getByRole('searchbox', { name: 'Find a symbol' });
  await field.fill(symbol);
  await page.locator(`[data-symbol="${symbol}"]`).getByTitle(/^Show/).click();
  await page.getByRole('heading', { name: symbol, exact: true }).waitFor();
  await field.fill('');
}

/** Prices by symbol as they stand on the page, read while the list is scrolled from its top to its end. The page is to be in front. */
export async function shownPrices(page: Page): Promise<Map<string, number>> {
  const shown = await page.evaluate(async () => {
    const list = document.querySelector('[data-part="symbols"]');
    if (list === null) throw new Error('there is no list');
    const found: [string, number][] = [];
    list.scrollTo(0, 0);
    for (let before = -1; before !== list.scrollTop; list.scrollBy(0, list.clientHeight)) {
      before = list.scrollTop;
      // The list is drawn anew in the frame after.
      await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
      for (const row of list.querySelectorAll('[data-symbol]')) {
        const text = row.querySelector('[data-part="price"]')?.textContent ?? '';
        found.push([row.getAttribute('data-symbol') ?? '', Number(text.replaceAll(',', '') || Number.NaN)]);
      }
    }
    return found;
  });
  return new Map(shown);
}

/** The prices in the server's table. */
export async function serverPrices(url: string): Promise<Map<string, number>> {
  const line = connect<App>(`${url}/line`, { token: await guestToken(url, 'Auditor') });
  const quotes = line.channel.quotes();
  await live(quotes);
  const prices = [...quotes.snapshot().rows].flatMap(([symbol, row]) => {
    const price = priceOf(row);
    return price === undefined ? [] : [[symbol, price] as const];
  });
  await line.close();
  return new Map(prices);
}

/** What the server's table says of the account of a page's browser. */
export async function serverAccount(page: Page, url: string) {
  const pass = await page.evaluate(() => JSON.parse(localStorage.getItem('trunkline.guest.market') ?? 'null'));
  const { token, id } = pass as { token: string; id: string };
  const line = connect<App>(`${url}/line`, { token });
  const account = line.channel.accounts(id);
  await live(account);
  const all = new Map(account.snapshot().rows);
  await line.close();
  const cash = all.get(CASH_KEY);
  all.delete(CASH_KEY);
  const positions = new Map([...all].map(([symbol, row]) => [symbol, 'quantity' in row ? row.quantity : 0]));
  return { cashMicros: cash !== undefined && 'cashMicros' in cash ? cash.cashMicros : undefined, positions };
}

interface Followed {
  readonly subscribe: (onChange: () => void) => () => void;
  readonly snapshot: () => { readonly state: string };
}

function live(table: Followed): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (table.snapshot().state === 'live') resolve();
    };
    table.subscribe(look);
    look();
  });
}

/** Notes every tick of the exchange, none left out, until the result is called: up to the first one after that moment. */
export async function noteTicks(url: string): Promise<() => Promise<readonly PlainTick[]>> {
  const abort = new AbortController();
  const response = await fetch(`${url}/market/feed`, { signal: abort.signal });
  const ticks: PlainTick[] = [];
  let isEnough = (_tick: PlainTick) => false;
  const reading = (async () => {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      const lines = (rest + decoder.decode(bytes as Uint8Array, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const tick = JSON.parse(line) as PlainTick;
        ticks.push(tick);
        if (isEnough(tick)) return;
      }
    }
    throw new Error('the feed has ended');
  })();
  // A failure is told to who asks for the ticks.
  reading.catch(() => {});
  return async () => {
    // What a page has shown may still be on its way here.
    const nowMs = Date.now();
    isEnough = ({ at }) => at > nowMs;
    await reading;
    abort.abort();
    return ticks;
  };
}
