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
/** Three seconds of them. */
const STEPS = 15;
/** What Chromium calls a long task. Of the processor's time here: how long it takes on the clock says how much else the machine has to do. */
const LONG_MS = 50;

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
  createRoot(document.body).render([
    h(State, { key: 's' }),
    h('table', { key: 't' }, h('tbody', null, names.map((name) => h(Row, { key: name, name })))),
  ]);
`;

declare global {
  interface Window {
    renders: number;
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

/** Resolves when the page shows it. */
async function untilShown(page: Page, key: string, bid: number): Promise<void> {
  await page.waitForFunction(([id, text]) => document.getElementById(id)?.textContent === text, [
    key,
    String(bid),
  ] as const);
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Processor time of its thread, in microseconds. */
  readonly tdur?: number;
  readonly args: { readonly name?: string };
}

/** Processor time of each task that the threads of pages run meanwhile, in milliseconds, the longest first. */
async function tasksOf(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await browser.startTracing(page, { categories: ['disabled-by-default-devtools.timeline'] });
  await work();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: readonly TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent) => `${pid} ${tid}`;
  const threads = traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain');
  const ofPages = new Set(threads.map(threadOf));
  return traceEvents
    .filter((event) => event.name === 'RunTask' && ofPages.has(threadOf(event)))
    .map(({ tdur = Number.NaN }) => tdur / 1_000)
    .sort((a, b) => b - a);
}

describe('a thousand rows', () => {
  it('of which 200 change five times a second leave no task over 50 ms, and render only what changed', async () => {
    const context = await newContext(browser);
    const page = await context.newPage();
    await page.goto(trunk.url);
    await untilShown(page, `r${ROWS - 1}`, ROWS - 1);
    await page.locator('p').getByText('live').waitFor();

    const quotes = trunk.channel.quotes('nyse');
    await page.evaluate(() => {
      window.renders = 0;
    });
    const tasks = await tasksOf(page, async () => {
      for (let bid = ROWS + 1; bid <= ROWS + STEPS; bid += 1) {
        await quotes.change(Array.from({ length: CHANGING }, (_, i) => ({ key: `r${i}`, patch: { bid } })));
        // One by one, as they are at that pace: those of a page that is late are rendered together.
        await untilShown(page, 'r0', bid);
      }
    });
    expect(await page.evaluate(() => window.renders)).toBe(STEPS * CHANGING);
    console.info(`tasks of most processor time: ${tasks.slice(0, 5).map((ms) => ms.toFixed(1))} ms`);
    // Each step was a task at least.
    expect(tasks.filter((ms) => ms > 0.1).length).toBeGreaterThanOrEqual(STEPS);
    expect(tasks[0]).toBeLessThan(LONG_MS);
    expect(await bidOf(page, `r${CHANGING}`)).toBe(String(CHANGING));
    expect(problems.get(context)).toEqual([]);
    await context.close();
  });
});
