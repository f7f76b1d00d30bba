// A deploy under two pages that keep writing: what they see of it, and that nothing is missing after it.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { openChat, say, texts, untilLive } from './support/chat.js';
import { stage } from './support/stage.js';
import { noteStates, outageMs } from './support/states.js';

const on = stage();
const PER_PAGE = 40;

async function write(page: Page, name: string): Promise<void> {
  for (let number = 1; number <= PER_PAGE; number += 1) await say(page, `${name} ${number}`);
}

/** All messages of both, each once, in the order in which they were sent, and the same in both pages. */
async function expectAll(ada: Page, bob: Page): Promise<void> {
  const isComplete = async (page: Page) => {
    const shown = await texts(page);
    return shown.length >= 2 * PER_PAGE && (await page.getByText('sending', { exact: true }).count()) === 0;
  };
  for (const page of [ada, bob]) await expect.poll(() => isComplete(page), { timeout: 20_000 }).toBe(true);
  const seen = await texts(ada);
  expect(seen).toHaveLength(2 * PER_PAGE);
  expect(await texts(bob)).toEqual(seen);
  for (const name of ['ada', 'bob']) {
    const own = seen.filter((text) => text.startsWith(name));
    expect(own).toEqual(Array.from({ length: PER_PAGE }, (_, index) => `${name} ${index + 1}`));
  }
}

it('SIGTERM and a new process on the same file and port: nothing lost, nothing twice, a moment of reconnecting', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'deploy');
  const bob = await openChat(context, on.server.url, 'Bob', 'deploy');
  const shown = [await noteStates(ada), await noteStates(bob)];
  const writing = Promise.all([write(ada, 'ada'), write(bob, 'bob')]);
  await expect.poll(async () => (await texts(ada)).length).toBeGreaterThanOrEqual(10);
  const sinceMs = performance.now();
  expect(await on.server.stop('SIGTERM')).toBe(0);
  const stoppedMs = performance.now();
  await on.server.start();
  const startedMs = performance.now();
  await writing;
  await expectAll(ada, bob);
  await Promise.all([untilLive(ada), untilLive(bob)]);

  const states = await Promise.all(shown.map((read) => read()));
  const outages = states.map(outageMs);
  const restartMs = startedMs - sinceMs;
  console.log(
    `stop ${Math.round(stoppedMs - sinceMs)} ms, start ${Math.round(startedMs - stoppedMs)} ms, not live for ${outages.map(Math.round).join(' and ')} ms`,
  );
  for (const [index, log] of states.entries()) {
    expect(log.length, 'the pages met the restart').toBeGreaterThan(1);
    // Once away and once back: no flicker after it was live again.
    expect(
      log.filter(({ state }) => state === 'live'),
      JSON.stringify(log),
    ).toHaveLength(2);
    // What the clients add to the time in which nobody was there: a wait of their back-off, which is 2 s at most now, and a resume.
    expect(outages[index]).toBeLessThan(restartMs + 3_000);
  }
});
