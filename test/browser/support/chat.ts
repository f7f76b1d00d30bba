// What people do in the chat, and what they see.

import type { BrowserContext, Locator, Page } from 'playwright-core';
import { expect } from 'vitest';

/** Opens a room as a guest of that name, and waits until it is live. */
export async function openChat(context: BrowserContext, url: string, name: string, room = 'lobby'): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}/chat/${encodeURIComponent(room)}?as=${encodeURIComponent(name)}`);
  await untilLive(page);
  return page;
}

export async function untilLive(page: Page): Promise<void> {
  await page.locator('header [data-state="live"]').waitFor();
}

export function field(page: Page | Locator): Locator {
  return page.getByRole('textbox', { name: 'Message', exact: true });
}

export async function say(page: Page | Locator, text: string): Promise<void> {
  await field(page).fill(text);
  await field(page).press('Enter');
}

export function log(page: Page | Locator): Locator {
  return page.getByRole('log');
}

/** The texts of the messages, from top to bottom. */
export async function texts(page: Page | Locator): Promise<string[]> {
  return log(page).getByRole('listitem').locator('[data-part="text"]').allTextContents();
}

export async function untilTexts(page: Page | Locator, expected: readonly string[]): Promise<void> {
  await expect.poll(() => texts(page), { timeout: 15_000 }).toEqual(expected);
}

/** A message of one's own, by its text. */
export function message(page: Page | Locator, text: string): Locator {
  return log(page).getByRole('listitem').filter({ hasText: text });
}
