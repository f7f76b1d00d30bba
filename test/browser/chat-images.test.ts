// Images in messages: chosen and pasted, described, refused with the reason, sent again after a failure.

import { deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { findings } from './support/axe.js';
import { field, log, message, openChat, say, untilTexts } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();

/** A PNG of one colour. */
function png(width: number, height: number, grey = 128): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits of grey.
  header.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height, grey);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  }
  return (value ^ 0xffffffff) >>> 0;
}

const file = (name: string, buffer: Buffer, mimeType = 'image/png') => ({ name, mimeType, buffer });
const choose = (page: Page, ...files: ReturnType<typeof file>[]) =>
  page.locator('input[data-part="files"]').setInputFiles(files);
const tray = (page: Page) => page.getByRole('list', { name: 'Images to send' });
const sent = (page: Page) => tray(page).getByRole('progressbar');

/** Whether every image of the list was loaded. */
const loaded = (page: Page) =>
  log(page)
    .locator('img')
    .evaluateAll((images) => images.map((image) => (image as HTMLImageElement).naturalWidth));

it('sends images with a description, which the other sees, and the next message has none of them', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'pictures');
  const bob = await openChat(context, on.server.url, 'Bob', 'pictures');
  await choose(ada, file('harbour.png', png(320, 200)), file('sky.png', png(64, 64, 200)));
  await ada.getByRole('textbox', { name: 'Description of harbour.png' }).fill('The harbour at noon');
  await expect.poll(() => sent(ada).count()).toBe(0);
  expect(await findings(ada)).toEqual([]);
  await say(ada, 'look');
  await message(bob, 'look').getByRole('img', { name: 'The harbour at noon' }).waitFor();
  await message(bob, 'look').getByRole('img', { name: 'Image without a description' }).waitFor();
  for (const page of [ada, bob]) await expect.poll(() => loaded(page)).toEqual([320, 64]);
  expect(await tray(ada).count()).toBe(0);
  await say(ada, 'only words');
  await untilTexts(bob, ['look', 'only words']);
  expect(await message(bob, 'only words').getByRole('img').count()).toBe(0);
  expect(await findings(bob)).toEqual([]);
  // Its place does not change when the image comes.
  const box = await message(bob, 'look').getByRole('img').first().boundingBox();
  expect([Math.round(box?.width ?? 0), Math.round(box?.height ?? 0)]).toEqual([318, 198]);
});

it('takes a pasted image, and sends it without a word', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'pasted');
  const bob = await openChat(context, on.server.url, 'Bob', 'pasted');
  await field(ada).evaluate(
    (element, bytes) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], 'pasted.png', { type: 'image/png' }));
      element.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
    },
    [...png(40, 30)],
  );
  await tray(ada).getByRole('textbox', { name: 'Description of pasted.png' }).waitFor();
  await expect.poll(() => sent(ada).count()).toBe(0);
  await field(ada).press('Enter');
  await expect.poll(() => loaded(bob)).toEqual([40]);
});

it('refuses what is no image, whatever it is called, and what is too large, each with the reason', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'refusals');
  await choose(page, file('drawing.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')));
  await tray(page).getByText('drawing.png: Only PNG, JPEG, GIF and WebP images can be sent.').waitFor();
  await page.getByRole('button', { name: 'Remove drawing.png' }).click();
  await choose(page, file('large.png', Buffer.concat([png(10, 10), Buffer.alloc(2_000_001)])));
  await tray(page).getByText('large.png: It has 2.0 MB, and at most 2 MB can be sent.').waitFor();
  await field(page).fill('with a failed one');
  await field(page).press('Enter');
  await page.getByRole('alert').getByText('An image did not arrive: retry it, or remove it.').waitFor();
  await page.getByRole('button', { name: 'Remove large.png' }).click();
  await choose(page, ...[1, 2, 3, 4, 5].map((grey) => file(`${grey}.png`, png(8, 8, grey))));
  await page.getByRole('alert').getByText('A message has at most 4 images.').waitFor();
  expect(await tray(page).getByRole('listitem').count()).toBe(4);
});

it('says why an image did not arrive, and sends it again on demand', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'again');
  // The server's own words for an image that is too much, and then no word at all.
  let answers: 'full' | 'gone' | 'real' = 'full';
  await page.route('**/images', (route) => {
    if (answers === 'gone') return route.abort();
    if (answers === 'real') return route.continue();
    return route.fulfill({ status: 507, json: { problem: 'The server has no room for further images.' } });
  });
  await choose(page, file('boat.png', png(50, 50)));
  await tray(page).getByText('boat.png: The server has no room for further images.').waitFor();
  answers = 'gone';
  await tray(page).getByRole('button', { name: 'Retry' }).click();
  await tray(page).getByText('boat.png: The server cannot be reached.').waitFor();
  answers = 'real';
  await tray(page).getByRole('button', { name: 'Retry' }).click();
  await page.getByRole('textbox', { name: 'Description of boat.png' }).waitFor();
  await expect.poll(() => sent(page).count()).toBe(0);
  await say(page, 'a boat');
  await expect.poll(() => loaded(page)).toEqual([50]);
});
