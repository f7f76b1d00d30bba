// What a page shows of its connection, moment by moment.

import type { Page } from 'playwright-core';

export interface Shown {
  readonly state: string;
  /** Milliseconds on the page's own clock. */
  readonly at: number;
}

declare global {
  interface Window {
    shownStates: { state: string; at: number }[];
  }
}

/** Notes each change of the connection's state in the page's header from now on: every render, not only what a poll happens to meet. */
export async function noteStates(page: Page): Promise<() => Promise<readonly Shown[]>> {
  await page.evaluate(() => {
    const header = document.querySelector('header');
    if (header === null) throw new Error('the page has no header');
    const note = () => {
      const state = header.querySelector('[data-state]')?.getAttribute('data-state') ?? 'nothing';
      if (window.shownStates.at(-1)?.state !== state) window.shownStates.push({ state, at: performance.now() });
    };
    window.shownStates = [];
    note();
    new MutationObserver(note).observe(header, {
      attributes: true,
      childList: true,
      subtree: true,
      characterData: true,
    });
  });
  return () => page.evaluate(() => window.shownStates);
}

/** How long something other than `live` was shown, from the first change to the last, in milliseconds. */
export function outageMs(shown: readonly Shown[]): number {
  const away = shown.findIndex(({ state }) => state !== 'live');
  const back = shown.at(-1);
  if (away === -1 || back === undefined) return 0;
  if (back.state !== 'live') throw new Error(`the page shows ${back.state}`);
  return back.at - (shown[away]?.at ?? 0);
}
