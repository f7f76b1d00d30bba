// The generator as the server's child: kept running, ended with the server, and not needed for the rest.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { untilLive } from './support/chat.js';
import { runDemo } from './support/demo-server.js';
import { API_KEY, childrenOf, isRunning, tableOf } from './support/feeds.js';
import { stage } from './support/stage.js';

const on = stage({ TRUNKLINE_API_KEY: API_KEY, TRUNKLINE_FEEDS: 'on' });

async function openWeather(): Promise<Page> {
  const page = await (await on.context()).newPage();
  await page.goto(`${on.server.url}/weather`);
  await expect.poll(() => page.locator('tbody tr').count()).toBe(40);
  return page;
}

/** When the newest reading on the page was made. */
function newest(page: Page): Promise<string> {
  return page.evaluate(
    () =>
      [...document.querySelectorAll('time')]
        .map((time) => time.dateTime)
        .sort()
        .at(-1) ?? '',
  );
}

async function generatorOf(pid: number): Promise<number> {
  await expect.poll(() => childrenOf(pid)).toHaveLength(1);
  return childrenOf(pid)[0] ?? 0;
}

it('is started again when it was killed, and the page goes on', async () => {
  const page = await openWeather();
  const first = await generatorOf(on.server.pid);
  process.kill(first, 'SIGKILL');
  await expect.poll(() => isRunning(first)).toBe(false);
  const before = await newest(page);
  // Another one: the first is among them until the server has asked what became of it.
  await expect.poll(() => childrenOf(on.server.pid)).toEqual([expect.toSatisfy((pid: number) => pid !== first)]);
  await expect.poll(() => newest(page)).not.toBe(before);
  await expect.poll(() => on.server.errors).toContain('the generator ended (ended by SIGKILL');
});

it('has its key in the environment: on no command line and in no log', async () => {
  const pid = await generatorOf(on.server.pid);
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain(API_KEY);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(API_KEY);
  expect(on.server.errors).not.toContain(API_KEY);
});

it('the page shows every place all the time while the server is stopped and started again, and then what is new', async () => {
  const page = await openWeather();
  await page.evaluate(() => {
    const table = document.querySelector('main');
    const fewest = { rows: 40, problems: [] as string[] };
    (window as unknown as { fewest: typeof fewest }).fewest = fewest;
    if (table === null) throw new Error('there is no page');
    new MutationObserver(() => {
      fewest.rows = Math.min(fewest.rows, document.querySelectorAll('tbody tr').length);
      for (const alert of document.querySelectorAll('main [role="alert"]'))
        fewest.problems.push(alert.textContent ?? '');
    }).observe(table, { childList: true, subtree: true });
  });
  const generator = await generatorOf(on.server.pid);
  expect(await on.server.stop('SIGTERM')).toBe(0);
  expect(isRunning(generator)).toBe(false);
  await page.getByText('The connection is lost. These are the last values that came.').waitFor();
  const before = await newest(page);
  await on.server.start();
  await untilLive(page);
  await expect.poll(() => newest(page)).not.toBe(before);
  await page.getByText('The connection is lost').waitFor({ state: 'detached' });
  expect(await page.evaluate(() => (window as unknown as { fewest: unknown }).fewest)).toEqual({
    rows: 40,
    problems: [],
  });
  // Each value is one that the table had: the newest of each place are the same there, or were a moment ago.
  const shown = await newest(page);
  const told = [...(await tableOf(on.server.url, 'weather')).values()].map(({ at }) => new Date(at).toISOString());
  expect(told.sort().at(-1)?.localeCompare(shown)).toBeGreaterThanOrEqual(0);
});

it('does not outlive a server that was killed', async () => {
  const generator = await generatorOf(on.server.pid);
  await on.server.kill();
  await expect.poll(() => isRunning(generator)).toBe(false);
  await on.server.start();
  await generatorOf(on.server.pid);
});

it('is not needed: without Python the demo runs, and its pages say what to do', async () => {
  const run = runDemo({
    PORT: '0',
    TRUNKLINE_DATA: join(on.server.folder, 'none'),
    TRUNKLINE_FEEDS: 'on',
    PATH: on.server.folder,
  });
  await expect.poll(() => run.output()).toContain('Trunkline demo: http');
  const url = /http:\S+/.exec(run.output())?.[0] ?? '';
  const page = await (await on.context()).newPage();
  for (const [path, nothing] of [
    ['weather', 'No readings yet'],
    ['sports', 'No matches yet'],
  ] as const) {
    await page.goto(`${url}/${path}`);
    await page.getByText(nothing).waitFor();
    await page.getByText('The generator does not run: the server found no python3').waitFor();
  }
  await expect.poll(() => run.errors()).toContain('there is no python3');
  run.child.kill('SIGTERM');
  expect(await run.ended).toBe(0);
});

it.each([
  ['TRUNKLINE_FEEDS', 'maybe', 'TRUNKLINE_FEEDS is "maybe": it must be on or off.'],
  [
    'TRUNKLINE_API_KEY',
    'k'.repeat(31),
    'TRUNKLINE_API_KEY must have 32 to 200 visible ASCII characters: openssl rand -hex 32 makes one.',
  ],
])('a server refuses to start with a %s of %s, in one line', async (name, value, sentence) => {
  const run = runDemo({ PORT: '0', TRUNKLINE_DATA: join(on.server.folder, 'refused'), [name]: value });
  expect(await run.ended).toBe(1);
  expect(run.errors()).toBe(`Trunkline demo: ${sentence}\n`);
});
