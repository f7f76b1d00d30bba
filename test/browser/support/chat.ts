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
  await expect.poll(() => texts(page)).toEqual(expected);
}

/** Messages by their text. */
export function message(page: Page | Locator, text: string): Locator {
  return log(page).getByRole('listitem').filter({ hasText: text });
}

/**
 * Presses buttons of a message, one after the other. They are there while one points at it, and it moves when others turn out to have read
 * it: whoever finds them gone points at it again, and begins anew.
 */
export async function act(page: Page, text: string, ...actions: readonly string[]): Promise<void> {
  // A page in the background draws once a second, which every click waits for.
  await page.bringToFront();
  // The first one: an answer below it quotes it.
  const on = message(page, text).first();
  await expect
    .poll(
      async () => {
        await on.hover();
        for (const name of actions) await on.getByRole('button', { name, exact: true }).click({ timeout: 10_000 });
        return true;
      },
      { timeout: 60_000 },
    )
    .toBe(true);
}

/**
 * Goes up until the page has noticed: a message that turns out higher in the very frame in which somebody scrolls brings the list
 * back to its end, and who reads goes on scrolling.
 */
export async function leaveTheEnd(page: Page): Promise<void> {
  await expect
    .poll(() =>
      log(page).evaluate((list) => {
        // Before it scrolls: what was scrolled the last time is to have stayed.
        const isAbove = list.scrollHeight - list.scrollTop - list.clientHeight > 100;
        const isSilent = list.getAttribute('aria-live') === 'off';
        list.scrollTo(0, 0);
        return isAbove && isSilent;
      }),
    )
    .toBe(true);
}

/** What the text is of the message that has the keyboard. */
export function focusedText(page: Page): Promise<string | undefined> {
  return page.evaluate(() =>
    document.activeElement?.matches('li')
      ? (document.activeElement.querySelector('[data-part="text"]')?.textContent ?? undefined)
      : undefined,
  );
}
