// Two pages that keep writing to each other while servers come and go, and what they must show in the end.

import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { say, texts } from './chat.js';

const PER_PAGE = 40;

/** One page's part of it. */
export async function write(page: Page, name: string): Promise<void> {
  for (let number = 1; number <= PER_PAGE; number += 1) await say(page, `${name} ${number}`);
}

/** All messages of both, each once, in the order in which they were sent, and the same in both pages. */
export async function expectAll(ada: Page, bob: Page): Promise<void> {
  const isComplete = async (page: Page) => {
    const shown = await texts(page);
    return shown.length >= 2 * PER_PAGE && (await page.getByText('sending', { exact: true }).count()) === 0;
  };
  for (const page of [ada, bob]) await expect.poll(() => isComplete(page)).toBe(true);
  const seen = await texts(ada);
  expect(seen).toHaveLength(2 * PER_PAGE);
  expect(await texts(bob)).toEqual(seen);
  for (const name of ['ada', 'bob']) {
    const own = seen.filter((text) => text.startsWith(name));
    expect(own).toEqual(Array.from({ length: PER_PAGE }, (_, index) => `${name} ${index + 1}`));
  }
}
