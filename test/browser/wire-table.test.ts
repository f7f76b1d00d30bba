// The Wire of a table and of calls. A client of the test's own names the page's Wire as its own, so the drawer shows it beside the page's.

import { connect, type Line } from '@trunkline/client/node';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { launch, newContext, problems } from './support/browser.js';
import { openChat } from './support/chat.js';
import { startWiredServer, type WiredApp, type WiredServer } from './support/wired-server.js';

let browser: Browser;
let server: WiredServer;
let context: BrowserContext;
let page: Page;
let line: Line<WiredApp>;

beforeAll(async () => {
  [browser, server] = await Promise.all([launch(), startWiredServer()]);
});
afterAll(async () => {
  await browser?.close();
  await server?.close();
});
beforeEach(async () => {
  context = await newContext(browser);
  page = await openChat(context, server.url, 'Ada');
  const tab = await page.evaluate(() => sessionStorage.getItem('trunkline.wire'));
  line = connect<WiredApp>(`${server.url}/line?tab=${tab}-chat`, { token: 'bob' });
});
afterEach(async () => {
  await line?.close();
  expect(problems.get(context)).toEqual([]);
  await context.close();
});

const wire = () => page.getByRole('complementary', { name: 'Wire' });
const openWire = () => page.getByRole('button', { name: 'Wire', exact: true }).click();
const show = (label: 'Kind' | 'Stream', value: string) => wire().getByLabel(label).selectOption(value);
const quotes = (market: string) => server.trunk.channel.quotes(market);

/** Resolves when the client's table is what the test says. It goes on being looked at until the line is closed. */
function until(market: string, holds: (rows: ReadonlyMap<string, { readonly bid: number }>) => boolean): Promise<void> {
  const handle = line.channel.quotes(market);
  return new Promise((resolve) => {
    const look = () => {
      const { state, rows } = handle.snapshot();
      if (state === 'live' && holds(rows)) resolve();
    };
    handle.subscribe(look);
    look();
  });
}

it('tells slices, and folds them', async () => {
  await quotes('nyse').change(['ACME', 'HOOLI', 'GLOBEX'].map((key) => ({ key, set: { bid: 1 } })));
  await until('nyse', (rows) => rows.size === 3);
  await openWire();
  await wire().getByText('quotes/nyse 0→1 · all anew, 3 set').waitFor();
  await quotes('nyse').change([
    { key: 'NEW', set: { bid: 5, name: 'New' } },
    { key: 'ACME', patch: { bid: 2 } },
    { key: 'HOOLI', delete: true },
  ]);
  await wire().getByText('quotes/nyse 1→2 · 1 set, 1 patch, 1 gone').waitFor();
  for (let bid = 1; bid <= 8; bid += 1) {
    const here = until('nyse', (rows) => rows.get('GLOBEX')?.bid === bid + 10);
    await quotes('nyse').patch('GLOBEX', { bid: bid + 10 });
    await here;
  }
  await show('Kind', 'rows');
  const run = wire().getByRole('button', { name: /^Server to client: rows × 10/ });
  await run.getByText('quotes/nyse', { exact: true }).waitFor();
  await run.click();
  // It stays open while it grows.
  await quotes('nyse').patch('GLOBEX', { bid: 99 });
  await wire()
    .getByRole('button', { name: /^Server to client: rows × 11/ })
    .waitFor();
  await wire().getByText('quotes/nyse 10→11 · 1 patch').waitFor();
});

it('knows the stream of a slice after five hundred frames, and shows one stream', async () => {
  await quotes('old').set('A', { bid: 0 });
  await quotes('other').set('A', { bid: 0 });
  await until('old', (rows) => rows.size === 1);
  await until('other', (rows) => rows.size === 1);
  for (let bid = 1; bid <= 520; bid += 1) {
    const here = until('old', (rows) => rows.get('A')?.bid === bid);
    await quotes('old').set('A', { bid });
    await here;
  }
  await openWire();
  await wire()
    .getByText(/rows × \d+/)
    .first()
    .waitFor();
  await quotes('other').set('A', { bid: 1 });
  await show('Stream', 'quotes/other');
  await wire().getByText('quotes/other 1→2 · 1 patch').waitFor();
  await expect.poll(() => wire().getByRole('button', { name: /rows/ }).count()).toBe(1);
  await show('Stream', 'quotes/old');
  const run = wire().getByText(/^rows × \d+/);
  const count = async () => Number(/× (\d+)/.exec((await run.first().textContent()) ?? '')?.[1]);
  await expect.poll(count).toBeGreaterThan(400);
  expect(await count()).toBeLessThanOrEqual(500);
});

it('tells what a client tunes, changes and calls, and the answers', async () => {
  await openWire();
  await quotes('tuned').set('A', { bid: 1 });
  const view = line.channel.quotes('tuned').view({ keys: ['A', 'B'], ratePerSecond: 2 });
  const leave = view.subscribe(() => {});
  await wire().getByText('quotes/tuned, 2 a second, 2 rows').waitFor();
  const more = line.channel
    .quotes('tuned')
    .view({ keys: ['C'], ratePerSecond: 10 })
    .subscribe(() => {});
  await wire().getByText('quotes/tuned: 10 a second, 3 rows').waitFor();
  await line.channel.desk('bob').set('ACME', { note: 'call back' }, { if: 0 });
  await wire().getByText('desk/bob · 1 set, if ACME is at 0').waitFor();
  await wire()
    .getByText(/desk\/bob stored at offset 1/)
    .first()
    .waitFor();
  expect(await line.call.placeOrder({ quantity: 2 }, { once: true })).toEqual({ price: 21 });
  await wire().getByText('placeOrder {"quantity":2}, once').waitFor();
  await wire().getByText('placeOrder: "checking"').first().waitFor();
  await wire()
    .getByText(/placeOrder → \{"price":21\}, after \d/)
    .waitFor();
  leave();
  more();
});

it('draws no more than thirty times a second, and counts every frame', async () => {
  await quotes('fast').set('A', { bid: 0 });
  await until('fast', (rows) => rows.size === 1);
  await openWire();
  await wire()
    .getByText(/quotes\/fast 0→1/)
    .waitFor();
  // A draw is a change of what the drawer shows: those of one are told together.
  await page.evaluate(() => {
    const counter = { draws: 0, from: performance.now() };
    Object.assign(window, { counter });
    const list = document.querySelector('aside dl');
    if (list === null) throw new Error('no sums');
    new MutationObserver(() => {
      counter.draws += 1;
    }).observe(list, { subtree: true, characterData: true, childList: true });
  });
  for (let bid = 1; bid <= 1_500; bid += 1) {
    await quotes('fast').patch('A', { bid });
    // In a turn of its own, so that each is a slice of its own.
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until('fast', (rows) => rows.get('A')?.bid === 1_500);
  await line.close();
  await wire().getByText('closed 1000, acknowledged').waitFor();
  const { draws, ms } = await page.evaluate(() => {
    const { counter } = window as unknown as { counter: { draws: number; from: number } };
    return { draws: counter.draws, ms: performance.now() - counter.from };
  });
  console.info(`${draws} draws in ${Math.round(ms)} ms`);
  // How often it can depends on the machine.
  expect(draws).toBeGreaterThan(1);
  expect(draws).toBeLessThanOrEqual(Math.ceil(ms / 34) + 1);
  const sums = await wire().locator('dl').textContent();
  const shown = Number(/overhead(\d+\.\d) %/.exec(sums ?? '')?.[1]);
  // Slices of some 60 bytes, with headers of two.
  expect(shown).toBeGreaterThan(1);
  expect(shown).toBeLessThan(12);
});
