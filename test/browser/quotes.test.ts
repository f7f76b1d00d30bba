// Answers to messages that are not loaded: what they answer is read while they are in view, once, and nothing moves when it comes.

import { connect } from '@trunkline/client/node';
import type { Locator, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { App } from '../../apps/demo/server/app.js';
import { message, untilLive } from './support/chat.js';
import { guestToken } from './support/seed.js';
import { logSockets } from './support/socket-log.js';
import { stage } from './support/stage.js';

const on = stage();
/** Messages with which a page begins. */
const PAGE = 50;

/** A room whose newest page answers three older messages, one of which is deleted: the first answer of the page out of view, the others at its end. */
async function answeredRoom(room: string) {
  const line = connect<App>(`${on.server.url}/line`, { token: await guestToken(on.server.url, 'Writer') });
  const log = line.channel.chat(room);
  const write = (text: string, replyTo?: number) =>
    log.publish({ text, ...(replyTo === undefined ? {} : { replyTo }) });
  const [key, gone, early] = [await write('who has the key?'), await write('never mind'), await write('out of view')];
  await log.delete(gone.offset);
  await Promise.all(Array.from({ length: 5 }, (_, n) => write(`before the page ${n}`)));
  await write('answer above', early.offset);
  await Promise.all(Array.from({ length: PAGE - 5 }, (_, n) => write(`filler ${n}`)));
  for (const n of [1, 2, 3]) await write(`I have ${n}`, key.offset);
  await write('why?', gone.offset);
  await line.close();
  return { key: key.offset, gone: gone.offset, early: early.offset };
}

const quoteOf = (page: Page, text: string): Locator => message(page, text).locator('[class*="quote"]').first();
const heightOf = async (quote: Locator) => (await quote.boundingBox())?.height;

it.each([
  ['a desktop', 1_280],
  ['a phone', 390],
])('shows on %s who wrote it and what, each read once, and moves nothing', async (_, width) => {
  const offsets = await answeredRoom(`quotes ${width}`);
  const context = await on.context({ viewport: { width, height: 700 } });
  const page = await context.newPage();
  const asked: number[] = [];
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  await page.routeWebSocket(/\/line/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      for (const line of String(text).split('\n')) {
        const { type, before } = JSON.parse(line);
        if (type === 'read') asked.push(before - 1);
      }
      server.send(text);
    });
    // In order: what was asked for waits, and all that comes after it.
    let last = Promise.resolve();
    server.onMessage((text) => {
      last = last.then(() => (asked.length > 0 ? answered : undefined)).then(() => socket.send(text));
    });
  });
  await page.goto(`${on.server.url}/chat/${encodeURIComponent(`quotes ${width}`)}?as=Ada`);
  await untilLive(page);
  const quotes = ['I have 1', 'I have 2', 'I have 3', 'why?'].map((text) => quoteOf(page, text));
  for (const quote of quotes) expect(await quote.textContent()).toContain('an earlier message');
  const before = await Promise.all(quotes.map(heightOf));
  await expect.poll(() => [...asked].sort()).toEqual([offsets.key, offsets.gone]);
  answer();
  await message(page, 'why?').getByText('deleted message').waitFor();
  for (const n of [1, 2, 3]) {
    await message(page, `I have ${n}`).getByRole('button', { name: 'In reply to Writer who has the key?' }).waitFor();
  }
  expect(await Promise.all(quotes.map(heightOf))).toEqual(before);
  // The one above was drawn all the while.
  expect(await quoteOf(page, 'answer above').textContent()).toContain('an earlier message');
  expect(asked).not.toContain(offsets.early);
  // Until it has stayed there: what turns out higher in the very frame of the scroll brings the list back to its end.
  await expect
    .poll(async () => {
      await message(page, 'answer above').scrollIntoViewIfNeeded();
      return message(page, 'answer above').getByText('out of view').count();
    })
    .toBe(1);
  expect(asked.filter((offset) => Object.values(offsets).includes(offset)).sort()).toEqual(
    [offsets.key, offsets.gone, offsets.early].sort(),
  );
});

it('asks for nothing again where lines come into view once more, and leads to the message', async () => {
  const { key } = await answeredRoom('again');
  const context = await on.context();
  const page = await context.newPage();
  const { sent } = logSockets(page);
  await page.goto(`${on.server.url}/chat/again?as=Ada`);
  await untilLive(page);
  const quote = message(page, 'I have 2').getByRole('button', { name: 'In reply to Writer who has the key?' });
  await quote.waitFor();
  const reads = () => sent.filter((text) => text.includes('"type":"read"') && text.includes(`"before":${key + 1}`));
  await message(page, 'filler 20').scrollIntoViewIfNeeded();
  await message(page, 'why?').scrollIntoViewIfNeeded();
  await quote.click();
  await page.locator('li[data-marked="true"]').getByText('who has the key?', { exact: true }).waitFor();
  expect(reads()).toHaveLength(1);
});

it('does the same over HTTP requests', async () => {
  const { key } = await answeredRoom('polled');
  const context = await on.context();
  const page = await context.newPage();
  const asked: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes(`before=${key + 1}&`)) asked.push(request.url());
  });
  await page.goto(`${on.server.url}/polling/polled?as=Ada`);
  await untilLive(page);
  await message(page, 'I have 3').getByRole('button', { name: 'In reply to Writer who has the key?' }).waitFor();
  await message(page, 'why?').getByText('deleted message').waitFor();
  expect(asked).toHaveLength(1);
});
