// docs/guides/live-data.md as its reader does it: the files of the page in an empty folder, on the tarballs, compiled, started and looked at in
// Chromium, with what it says about an order and about the HTTP API.

import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { launch, newContext, problems } from '../browser/support/browser.js';
import { readme } from './readme.js';
import { node, ROOT, run, type Started, startUntil } from './tools.js';

const installed = join(inject('project'), 'node_modules');
const folder = join(dirname(inject('project')), 'ticker');
const text = readFileSync(join(ROOT, 'docs/guides/live-data.md'), 'utf8');
const files = readme(text);
const FEED_KEY = 'feed-0123456789-0123456789-0123456789';

const tsc = () => node([join(installed, 'typescript/bin/tsc')], folder);
const startServer = (port = '0') =>
  startUntil(/listening at (http:\S+?):(\d+)\n/, ['build/server.js'], folder, { settings: { PORT: port, FEED_KEY } });
const portOf = ({ match }: Started) => match[2] ?? '';

beforeAll(() => {
  mkdirSync(folder);
  symlinkSync(installed, join(folder, 'node_modules'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('needs what the page tells to install, and nothing else', () => {
  const manifest = JSON.parse(files['package.json'] ?? '') as Record<'dependencies' | 'devDependencies', object>;
  const named = Object.entries<string>({ ...manifest.dependencies, ...manifest.devDependencies });
  const versions = named.map(([name]) => {
    const { version } = JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')) as { version: string };
    return [name, version] as const;
  });
  // What `^` allows: the same first part, or the same second one below 1.0.
  const kin = (version: string) => /^(?:0\.\d+|\d+)/.exec(version)?.[0];
  expect(versions.map(([name, version]) => [name, kin(version)])).toEqual(
    named.map(([name, range]) => [name, kin(range.replace(/^\^/, ''))]),
  );
  const imported = Object.values(files).flatMap((text) =>
    [...text.matchAll(/from '((?:@[\w-]+\/)?[a-z][\w-]*)/g)].map(([, name]) => name),
  );
  expect(imported.filter((name) => !named.some(([known]) => known === name))).toEqual([]);
});

it('does not compile with a field that a row has not', async () => {
  const right = files['board.tsx'] ?? '';
  expect(right).toContain('row.ask');
  writeFileSync(join(folder, 'board.tsx'), right.replace('row.ask', 'row.aks'));
  await expect(tsc()).rejects.toThrow(/board\.tsx.*aks/);
  writeFileSync(join(folder, 'board.tsx'), right);
});

describe('compiled', () => {
  const started: Started[] = [];
  const keep = async (starting: Promise<Started>) => {
    const program = await starting;
    started.push(program);
    return program;
  };
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let server: Started;
  let url: string;

  beforeAll(async () => {
    expect(await tsc()).toBe('');
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    await context?.close();
    for (const program of started.splice(0).reverse()) await program.stop();
    rmSync(join(folder, 'data'), { recursive: true, force: true });
  });

  async function open(prepare: (page: Page) => Promise<void> = async () => {}) {
    server = await keep(startServer());
    url = `http://127.0.0.1:${portOf(server)}`;
    const vite = ['node_modules/vite/bin/vite.js', '--port', '0', '--host', '127.0.0.1'];
    const served = await keep(
      startUntil(/Local:\s+(http:\S+:\d+)/, vite, folder, { settings: { PORT: portOf(server), NO_COLOR: '1' } }),
    );
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
    const [first = ''] = await board();
    expect(first).toMatch(/^ACME Inc\.: \d+\.\d\d \/ \d+\.\d\d$/);
    await expect.poll(async () => (await board())[0]).not.toBe(first);
    const names = async () => (await board()).map((line) => line.split(':')[0]);
    expect(await names()).toEqual(['ACME Inc.', 'GLOBEX Inc.']);
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
    await keep(startServer(port));
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
    server = await keep(startServer());
    const tap = ['node_modules/@trunkline/cli/bin/trunkline.js', ...words.replace('7400', portOf(server)).split(' ')];
    const { match } = await keep(startUntil(/\+ ACME {2}(\{.*\})\n.*~ ACME {2}\{"bid":.*\n/s, tap, folder));
    expect(match[1]).toContain('"name":"ACME Inc."');
    expect(match[0]).not.toContain('GLOBEX');
  });

  it('is followed by Python, over a restart', async () => {
    server = await keep(startServer());
    url = `http://127.0.0.1:${portOf(server)}`;
    const program = await keep(
      startUntil(/^ACME \d/m, ['follow.py'], folder, { command: 'python3', settings: { URL: url } }),
    );
    const port = portOf(server);
    await server.stop();
    await keep(startServer(port));
    await curl();
    await program.until(/^HOOLI 9\.95$/m);
  });
});
