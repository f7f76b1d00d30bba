// The pictures in docs/images: the running app, at 1280 × 800 and 390 × 844.

import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { field, message, openChat, say, untilLive } from './support/chat.js';
import { API_KEY, generate } from './support/feeds.js';
import { openMarket, order, outcome, show } from './support/market.js';
import { stage } from './support/stage.js';

const on = stage({ TRUNKLINE_API_KEY: API_KEY });
const IMAGES = fileURLToPath(new URL('../../docs/images', import.meta.url));
const DESKTOP = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

const TALK: readonly (readonly [name: string, text: string])[] = [
  ['Mia', 'Morning. The train went through the tunnel twice today and I still have every message.'],
  ['Jonas', 'Same here. I closed the lid at home and opened it in the office: it had caught up before I had sat down.'],
  ['Zoe', 'What happens to what you write while there is no connection?'],
  ['Mia', 'It says “sending” until the link is back, then it goes out.'],
  ['Mia', 'Once. Even if the server stored it just before it went away.'],
  [
    'Jonas',
    'I stopped the server in the middle of a sentence to see it. Not a word missing, nothing twice, same order for all of us.',
  ],
  ['Zoe', 'And the panel on the right shows the frames?'],
];

async function talk(context: BrowserContext, room: string): Promise<Page> {
  const pages = new Map<string, Page>();
  const as = async (name: string) => {
    const page = pages.get(name) ?? (await openChat(context, on.server.url, name, room));
    pages.set(name, page);
    return page;
  };
  const zoe = await as('Zoe');
  for (const [name, text] of TALK) {
    const page = await as(name);
    await say(page, text);
    await message(page, text).getByText('sent', { exact: true }).waitFor({ state: 'attached' });
  }
  const [mia, jonas] = [await as('Mia'), await as('Jonas')];
  const act = async (page: Page, text: string, action: string) => {
    await message(page, text).first().scrollIntoViewIfNeeded();
    await message(page, text).first().click();
    await message(page, text).first().hover();
    await message(page, text).first().getByRole('button', { name: action, exact: true }).click();
  };
  await act(mia, 'Not a word missing', 'React with 🎉');
  await act(zoe, 'Not a word missing', 'React with 🎉');
  await act(jonas, 'Once. Even if', 'React with 👍');
  await act(jonas, 'the panel on the right', 'Reply');
  await jonas
    .locator('input[data-part="files"]')
    .setInputFiles({ name: 'handshake.png', mimeType: 'image/png', buffer: await handshakePicture(context) });
  await jonas.getByRole('textbox', { name: 'Description of handshake.png' }).fill('The handshake in the Wire');
  await expect.poll(() => jonas.getByRole('progressbar').count()).toBe(0);
  await say(jonas, 'Every one, as the server saw it. The handshake is the first thing in there:');
  await message(zoe, 'Every one, as the server').getByRole('img').waitFor();
  await say(zoe, 'Found it. So that is what they key is for.');
  await message(zoe, 'they key').getByText('sent', { exact: true }).waitFor();
  await field(zoe).press('ArrowUp');
  await field(zoe).fill('Found it. So that is what the key is for.');
  await field(zoe).press('Enter');
  await message(mia, 'the key is for').getByText('edited', { exact: true }).waitFor();
  await message(zoe, 'the key is for')
    .getByText(/^Seen by/)
    .waitFor({ state: 'attached' });
  const other = room === 'workshop' ? 'lobby' : 'workshop';
  const elsewhere = await openChat(context, on.server.url, 'Noah', other);
  for (const text of ['Anybody here?', 'The lathe is free now.']) await say(elsewhere, text);
  await zoe
    .getByRole('link', { name: other })
    .getByText(/unread/)
    .waitFor({ state: 'attached' });
  await field(mia).pressSequentially('And the proof');
  await zoe.getByText('Mia is typing').waitFor();
  return zoe;
}

/** What somebody would cut out of the screen and paste. */
async function handshakePicture(context: BrowserContext): Promise<Buffer> {
  const page = await context.newPage();
  await page.goto(on.server.url);
  await page.getByText('2 connections live').waitFor();
  await openWire(page);
  await page
    .getByRole('region', { name: 'Frames between client and server' })
    .evaluate((element) => element.scrollTo(0, 0));
  const box = await page.getByRole('complementary', { name: 'Wire' }).boundingBox();
  if (box === null) throw new Error('the Wire is not there');
  const picture = await page.screenshot({
    animations: 'disabled',
    clip: { ...box, height: Math.min(box.height, 380) },
  });
  await page.close();
  return picture;
}

async function shoot(page: Page, name: string): Promise<void> {
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: `${IMAGES}/${name}.png`, animations: 'disabled', caret: 'hide' });
}

async function openWire(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Wire', exact: true }).click();
  await page.getByText('HTTP/1.1 101 Switching Protocols').waitFor();
}

it('the first page', async () => {
  const page = await (await on.context(DESKTOP)).newPage();
  await page.goto(on.server.url);
  const [ada, bob] = [page.getByRole('region', { name: 'Ada' }), page.getByRole('region', { name: 'Bob' })];
  await page.getByText('2 connections live').waitFor();
  await say(ada, 'Hello Bob. Can you read this?');
  await message(bob, 'Hello Bob').waitFor();
  await say(bob, 'Every word, and the moment you sent it.');
  await message(ada, 'Every word').waitFor();
  await say(ada, 'Two connections, one page. Look at the wire.');
  await message(bob, 'Two connections').waitFor();
  await shoot(page, 'landing');
  await openWire(page);
  await shoot(page, 'landing-wire');
});

it('the chat, light and dark', async () => {
  const light = await talk(await on.context({ ...DESKTOP, colorScheme: 'light' }), 'lobby');
  await shoot(light, 'chat-light');
  await light.emulateMedia({ colorScheme: 'dark' });
  await shoot(light, 'chat-dark');
});

it('the Wire', async () => {
  const page = await talk(await on.context(DESKTOP), 'workshop');
  await openWire(page);
  const wire = page.getByRole('region', { name: 'Frames between client and server' });
  await wire.evaluate((element) => {
    element.scrollTop = 0;
  });
  await shoot(page, 'wire-handshake');
  await wire
    .getByRole('button', { name: /^Client to server: publish/ })
    .first()
    .click();
  await wire.evaluate((element) => {
    element.scrollTop = element.scrollHeight;
  });
  await page.emulateMedia({ colorScheme: 'dark' });
  await shoot(page, 'wire-frames-dark');
});

it('the phone', async () => {
  const light = await talk(await on.context({ ...PHONE, colorScheme: 'light' }), 'garden');
  await shoot(light, 'chat-phone');
  await light.emulateMedia({ colorScheme: 'dark' });
  await field(light).blur();
  await openWire(light);
  await shoot(light, 'wire-phone-dark');
});

/** Told at a pace that the page can be seen to follow, so that places were updated at different times. */
const STORY = ['--seed', '5', '--steps', '14', '--pace', '0.5'];

it('the weather', async () => {
  const page = await (await on.context(DESKTOP)).newPage();
  await page.goto(`${on.server.url}/weather`);
  await generate(on.server.url, STORY);
  for (const place of ['Accra', 'Athens', 'Berlin']) await page.getByRole('button', { name: `Watch ${place}` }).click();
  await shoot(page, 'weather');
  await page.emulateMedia({ colorScheme: 'dark' });
  await openWire(page);
  await shoot(page, 'weather-wire-dark');
});

it('the sports', async () => {
  const page = await (await on.context(DESKTOP)).newPage();
  await page.goto(`${on.server.url}/sports`);
  await untilLive(page);
  // Until the minute in which a goal falls, which the page then marks.
  const goal = page.getByText('Goal', { exact: true });
  for (let round = 0; round < 30 && (await goal.count()) === 0; round += 1) {
    await generate(on.server.url, ['--seed', String(round), '--steps', '6', '--pace', '0.2']);
  }
  await goal.first().waitFor();
  await shoot(page, 'sports');
});

it('both on a phone', async () => {
  const context = await on.context({ ...PHONE, colorScheme: 'light' });
  const weather = await context.newPage();
  await weather.goto(`${on.server.url}/weather`);
  const sports = await context.newPage();
  await sports.goto(`${on.server.url}/sports`);
  await generate(on.server.url, STORY);
  await shoot(weather, 'weather-phone');
  await sports.emulateMedia({ colorScheme: 'dark' });
  await shoot(sports, 'sports-phone-dark');
});

it('the market, light and dark', async () => {
  const page = await openMarket(await on.context({ ...DESKTOP, colorScheme: 'light' }), on.server.url);
  for (const [symbol, quantity] of [
    ['EUR/USD', '12000'],
    ['AMST', '40'],
    ['JPY/USD', '90000'],
    ['AMFO', '25'],
  ] as const) {
    await show(page, symbol);
    await order(page, 'Buy', quantity);
    await outcome(page).getByText('Confirmed in').waitFor();
  }
  await page.getByRole('switch', { name: 'Slow network' }).check({ force: true });
  const old = page.locator('[data-arm="plain"] [data-part="age"]');
  await expect
    .poll(async () => Number(await old.getAttribute('data-age-ms')), { timeout: 50_000 })
    .toBeGreaterThan(15_000);
  await shoot(page, 'market-light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
  await shoot(page, 'market-dark');
});

it('the market on a phone', async () => {
  const page = await openMarket(await on.context({ ...PHONE, colorScheme: 'light' }), on.server.url);
  await shoot(page, 'market-phone');
});
