// Chromium, and what a page does there with its native WebSocket.

import type { Browser, Page } from 'playwright-core';
import { onStop } from './cleanup.js';
import type { Closed } from './ours.js';

export { launch } from '../../browser/support/browser.js';

/** A page of the server, loaded. */
export async function openPage(browser: Browser, url: string): Promise<Page> {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  onStop(() => context.close());
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

export interface PageEchoes {
  readonly extensions: string;
  readonly protocol: string;
  readonly changed: string[];
  readonly echoed: number;
}

/** Runs in the page: sends texts and bytes from none to 1 MiB, each after the last one came back, and compares. */
export function echoInPage(page: Page, url: string, protocols: readonly string[] = []): Promise<PageEchoes> {
  return page.evaluate(
    async ({ url, protocols }) => {
      const socket = new WebSocket(url, protocols);
      socket.binaryType = 'arraybuffer';
      const event = <Type extends Event>(type: string) =>
        new Promise<Type>((resolve, reject) => {
          socket.addEventListener(type, (happened) => resolve(happened as Type), { once: true });
          socket.addEventListener('close', ({ code }) => reject(new Error(`closed with ${code}`)), { once: true });
        });
      await event('open');
      const noise = (bytes: number) => {
        let state = 1;
        return Uint8Array.from({ length: bytes }, () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return state >>> 24;
        });
      };
      const mebibyte = 1_048_576;
      const texts = ['', 'plain', 'Grüße, 世界 🌍', 'ü'.repeat(50_000), 'trunk'.repeat(mebibyte).slice(0, mebibyte)];
      const samples = [...texts, ...[0, 1, 125, 126, 65_535, 65_536, mebibyte].map(noise)];
      const changed: string[] = [];
      for (const sent of samples) {
        const answer = event<MessageEvent<string | ArrayBuffer>>('message');
        socket.send(sent);
        const { data } = await answer;
        const received = typeof data === 'string' ? data : new Uint8Array(data);
        const isSame =
          typeof sent === 'string' || typeof received === 'string'
            ? sent === received
            : sent.length === received.length && sent.every((byte, at) => byte === received[at]);
        if (!isSame) changed.push(`${typeof sent} of ${sent.length}`);
      }
      const { extensions, protocol } = socket;
      socket.close(1000);
      return { extensions, protocol, changed, echoed: samples.length };
    },
    { url, protocols: [...protocols] },
  );
}

/** What the page's `close` event says after the page sent a text, or closed with the arguments given. */
export function closeInPage(
  page: Page,
  url: string,
  how: { send: string } | { close: [number?, string?] },
): Promise<Closed> {
  return page.evaluate(
    ({ url, how }) =>
      new Promise<Closed>((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => ('send' in how ? socket.send(how.send) : socket.close(...how.close));
        socket.onclose = ({ code, reason, wasClean }) => resolve({ code, reason, wasClean });
      }),
    { url, how },
  );
}
