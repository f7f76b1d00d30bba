// docs/guides/live-data.md as its reader does it: the files of the page in an empty folder, on the tarballs, compiled, started and looked at in
// Chromium, with what it says about an order and about the HTTP API.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, newContext, problems } from '../browser/support/browser.js';
import { freePort } from '../support/free-port.js';
import { guide, portOf } from './guide.js';
import { Programs, run, type Started, startUntil } from './tools.js';

const ticker = guide('docs/guides/live-data.md');
const { folder, text } = ticker;
const FEED_KEY = 'feed-0123456789-0123456789-0123456789';

beforeAll(ticker.make);
afterAll(ticker.remove);

it('needs what the page tells to install, and nothing else', () => {
  expect(ticker.installed).toEqual(ticker.told);
  expect(ticker.untold).toEqual([]);
});

it('does not compile with a field that a row has not', async () => {
  const mend = ticker.breakIn('board.tsx', 'row.ask', 'row.aks');
  await expect(ticker.tsc()).rejects.toThrow(/board\.tsx.*aks/);
  mend();
});

describe('compiled', () => {
  const programs = new Programs();
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let server: Started;
  let url: string;

  beforeAll(async () => {
    expect(await ticker.tsc()).toBe('');
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await context?.close();
    await programs.stop();
    rmSync(join(folder, 'data'), { recursive: true, force: true });
  });

  async function open(prepare: (page: Page) => Promise<void> = async () => {}) {
    server = await programs.start(ticker.startServer({ PORT: String(await freePort()), FEED_KEY }));
    url = `http://127.0.0.1:${portOf(server)}`;
    const served = await programs.start(ticker.startPage(portOf(server)));
    context = await newContext(browser);
    page = await context.newPage();
    await prepare(page);
    await page.goto(served.match[1] ?? '');
    await page.getByText('Prices are live.').waitFor();
  }

  const board = () => page.getByRole('list').first().getByRole('listitem').allTextContents();
  const fills = () => page.locator('ol li').allTextContents();
  const buy = () => page.getByRole('button', { name: /^Buy 10 ACME at \d+\.\d\d$/ });
  const curl = () => run('sh', ['list.sh'], folder, { URL: url, FEED_KEY });

  it('shows prices, which change, of the rows that are watched', async () => {
    await open();
    await expect.poll(async () => (await board())[0]).toMatch(/^ACME Inc\.: \d+\.\d\d \/ \d+\.\d\d$/);
    const [first] = await board();
    await expect.poll(async () => (await board())[0]).not.toBe(first);
    const names = async () => (await board()).map((line) => line.split(':')[0]);
    await expect.poll(names).toEqual(['ACME Inc.', 'GLOBEX Inc.']);
    await page.getByLabel('INITECH').check();
    await expect.poll(names).toEqual(['ACME Inc.', 'GLOBEX Inc.', 'INITECH Inc.']);
    await page.getByLabel('ACME').uncheck();
    await expect.poll(names).toEqual(['GLOBEX Inc.', 'INITECH Inc.']);
    expect(problems.get(context)).toEqual([]);
  });

  it('places an order while the server is away when it is back, and once', async () => {
    await open();
    await buy().click();
    await expect.poll(fills).toEqual([expect.stringMatching(/^10 ACME at \d+\.\d\d$/)]);
    const port = portOf(server);
    await server.stop();
    await page.getByText('Prices are live.').waitFor({ state: 'detached' });
    await buy().click();
    await programs.start(ticker.startServer({ PORT: port, FEED_KEY }));
    await expect.poll(fills).toEqual([expect.any(String), expect.stringMatching(/^10 ACME at \d+\.\d\d$/)]);
    await page.getByText('Prices are live.').waitFor();
    // What a second run would have stored stood before this.
    await curl();
    await expect.poll(fills).toEqual([expect.any(String), expect.any(String), '5 HOOLI at 10.00']);
    expect(problems.get(context)).toEqual([]);
  });

  it('runs an order once whose answer is lost on the way', async () => {
    let calls = 0;
    await open(async (opened) => {
      await opened.routeWebSocket(/\/line$/, (socket) => {
        const line = socket.connectToServer();
        socket.onMessage((message) => {
          line.send(message);
          if (!message.includes('"type":"call"')) return;
          calls += 1;
          // The server has the call, and nobody to tell what came of it.
          if (calls === 1) void socket.close({ code: 4001 });
        });
      });
    });
    await buy().click();
    await expect.poll(() => calls).toBe(2);
    await expect.poll(fills).toHaveLength(1);
    await page.getByText('Prices are live.').waitFor();
    await page.locator('button:enabled').waitFor();
    expect(await page.locator('section').last().locator('p').count()).toBe(0);
    await curl();
    await expect.poll(fills).toEqual([expect.stringContaining('10 ACME'), '5 HOOLI at 10.00']);
  });

  it('takes a row from curl and shows it, and gives an order that is sent again its first answer', async () => {
    await open();
    const first = await curl();
    await expect.poll(board).toContain('Hooli: 9.95 / 10.00');
    expect(first).toMatch(/"data":\{"symbol":"HOOLI","quantity":5,"price":10\}/);
    expect(await curl()).toContain('"data":{"symbol":"HOOLI","quantity":5,"price":10}');
    await expect.poll(fills).toEqual(['5 HOOLI at 10.00']);
    const answer = await fetch(`${url}/v1/channels/fills/ada/entries`, { headers: { Authorization: 'Bearer ada' } });
    expect(await answer.json()).toMatchObject({ head: 1 });
  });

  it('is followed by tap, as the page has it', async () => {
    const [, words = ''] = /^npx trunkline (tap localhost:7400 .*)$/m.exec(text) ?? [];
    expect(words).not.toBe('');
    server = await programs.start(ticker.startServer({ FEED_KEY }));
    const tap = ['node_modules/@trunkline/cli/bin/trunkline.js', ...words.replace('7400', portOf(server)).split(' ')];
    const { match } = await programs.start(startUntil(/\+ ACME {2}(\{.*\})\n.*~ ACME {2}\{"bid":.*\n/s, tap, folder));
    expect(match[1]).toContain('"name":"ACME Inc."');
    expect(match[0]).not.toContain('GLOBEX');
  });

  it('is followed by Python, over a restart', async () => {
    server = await programs.start(ticker.startServer({ PORT: String(await freePort()), FEED_KEY }));
    url = `http://127.0.0.1:${portOf(server)}`;
    const program = await programs.start(
      startUntil(/^ACME \d/m, ['follow.py'], folder, { command: 'python3', settings: { URL: url } }),
    );
    const port = portOf(server);
    await server.stop();
    await programs.start(ticker.startServer({ PORT: port, FEED_KEY }));
    await curl();
    await program.until(/^HOOLI 9\.95$/m);
  });
});
