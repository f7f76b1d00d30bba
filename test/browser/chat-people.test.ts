// Who is here, who is typing, who has read what, and what is unread: seen from two and three pages.

import type { BrowserContext, Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { field, leaveTheEnd, log, message, openChat, say, texts, untilLive, untilTexts } from './support/chat.js';
import { seedRoom } from './support/seed.js';
import { stage } from './support/stage.js';

const on = stage();

const people = (page: Page) => page.getByRole('region', { name: 'People here' });
const names = (page: Page) => people(page).locator('li bdi').allTextContents();
const typing = (page: Page) => page.locator('[data-part="typing"]');
const rooms = (page: Page) => page.getByRole('navigation', { name: 'Rooms' });

/** Another tab of the same guest. */
async function secondTab(context: BrowserContext, first: Page): Promise<Page> {
  const pass = await first.evaluate(() => sessionStorage.getItem('trunkline.guest.chat') ?? '');
  const page = await context.newPage();
  await page.addInitScript((text) => sessionStorage.setItem('trunkline.guest.chat', text), pass);
  await page.goto(first.url().split('?')[0] ?? '');
  await untilLive(page);
  return page;
}

it('shows who is here, one line for two tabs, and who left when the grace is over', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'presence');
  await expect.poll(() => names(ada)).toEqual(['Ada']);
  const bob = await openChat(context, on.server.url, 'Bob', 'presence');
  await expect.poll(() => names(ada)).toEqual(['Ada', 'Bob']);
  await expect.poll(() => names(bob)).toEqual(['Ada', 'Bob']);
  const again = await secondTab(context, bob);
  const cleo = await openChat(context, on.server.url, 'Cleo', 'presence');
  // Cleo came after Bob's second tab: it would be there by now.
  for (const page of [ada, again]) await expect.poll(() => names(page)).toEqual(['Ada', 'Bob', 'Cleo']);
  await people(ada).getByRole('heading', { name: 'Here 3' }).waitFor();

  await again.close();
  await cleo.close();
  await expect.poll(() => names(ada)).toEqual(['Ada', 'Bob']);
  // Before the leave is shown, and after it, Bob's other tab keeps him here.
  await bob.close();
  await expect.poll(() => names(ada)).toEqual(['Ada']);
});

it('shows a phone the number, and the list on demand', async () => {
  const context = await on.context({ viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true });
  const page = await openChat(context, on.server.url, 'Ada', 'phone people');
  await openChat(context, on.server.url, 'Bob', 'phone people');
  const toggle = page.getByRole('button', { name: '2 here' });
  await toggle.waitFor();
  expect(await people(page).getByText('Bob').isVisible()).toBe(false);
  await toggle.tap();
  await people(page).getByText('Bob').waitFor();
  expect(await toggle.getAttribute('aria-expanded')).toBe('true');
  await toggle.tap();
  await people(page).getByText('Bob').waitFor({ state: 'hidden' });
});

it('says who is typing: several, not oneself, and nobody when they send, empty the field or fall silent', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'typing');
  const bob = await openChat(context, on.server.url, 'Bob', 'typing');
  const cleo = await openChat(context, on.server.url, 'Cleo', 'typing');
  /** What a page says while some go on typing: each word of it is old after five seconds. */
  const saidOf = async (page: Page, ...writers: readonly Page[]) => {
    for (const writer of writers) await field(writer).pressSequentially('m');
    return typing(page).textContent();
  };
  await expect.poll(() => saidOf(bob, ada)).toBe('Ada is typing');
  await expect.poll(() => saidOf(cleo, ada, bob)).toMatch(/^(Ada and Bob|Bob and Ada) are typing$/);
  await expect.poll(() => saidOf(ada, bob)).toBe('Bob is typing');
  // Ada sends, Bob takes back what he began.
  await say(ada, 'hel');
  await untilTexts(cleo, ['hel']);
  await expect.poll(() => saidOf(cleo, bob)).toBe('Bob is typing');
  await field(bob).fill('');
  await expect.poll(() => typing(cleo).textContent()).toBe('');
  // Silence.
  await expect.poll(() => saidOf(cleo, bob)).toBe('Bob is typing');
  await expect.poll(() => typing(cleo).textContent()).toBe('');
  expect(await typing(bob).textContent()).toBe('');
  // A word and the message at once, and another's message behind it: nobody is said to write who has just written.
  await ada.evaluate(watchTyping);
  await say(bob, 'quick');
  await say(cleo, 'quicker');
  // They are two pages: which of them is faster is not known.
  const sorted = async () => (await texts(ada)).sort();
  await expect.poll(sorted).toEqual(['hel', 'quick', 'quicker']);
  await say(cleo, 'done');
  await expect.poll(sorted).toEqual(['done', 'hel', 'quick', 'quicker']);
  expect(await ada.evaluate(() => document.body.dataset.typingAfter ?? '')).toBe('');
});

/** Notes who is said to be typing though their message stands there. */
function watchTyping(): void {
  const look = () => {
    const line = document.querySelector('[data-part="typing"]')?.textContent ?? '';
    const texts = [...document.querySelectorAll('[role="log"] [data-part="text"]')].map((one) => one.textContent);
    for (const [name, text] of [
      ['Bob', 'quick'],
      ['Cleo', 'done'],
    ] as const) {
      if (texts.includes(text) && line.includes(name)) document.body.dataset.typingAfter = `${name}: ${line}`;
    }
  };
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}

it('shows below a message who has read up to there', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'seen');
  const bob = await openChat(context, on.server.url, 'Bob', 'seen');
  await say(ada, 'first');
  await message(ada, 'first').getByText('Seen by Bob').waitFor({ state: 'attached' });
  const cleo = await openChat(context, on.server.url, 'Cleo', 'seen');
  await message(ada, 'first').getByText('Seen by Bob and Cleo').waitFor({ state: 'attached' });
  await bob.close();
  await say(ada, 'second');
  await message(ada, 'second').getByText('Seen by Cleo').waitFor({ state: 'attached' });
  await message(ada, 'first').getByText('Seen by Bob', { exact: true }).waitFor({ state: 'attached' });
  expect(await message(cleo, 'second').getByText('Seen by').count()).toBe(0);
});

it('has not read what is out of view', async () => {
  const context = await on.context();
  await seedRoom(on.server.url, 'above', 60);
  const ada = await openChat(context, on.server.url, 'Ada', 'above');
  const bob = await openChat(context, on.server.url, 'Bob', 'above');
  await message(ada, 'message 60').getByText('Seen by Bob').waitFor({ state: 'attached' });
  await leaveTheEnd(bob);
  await say(ada, 'below');
  await bob.getByRole('button', { name: '1 new message' }).click();
  await message(ada, 'below').getByText('Seen by Bob').waitFor({ state: 'attached' });
  // The line stands where Bob had read to.
  await message(bob, 'below').getByText('New messages').waitFor();
});

it('counts what is unread in rooms that are not open, and draws a line where one had read to', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'workshop');
  await say(ada, 'seen by herself');
  const badge = (room: string) =>
    rooms(ada)
      .getByRole('link', { name: room })
      .getByText(/unread/);
  await rooms(ada).getByRole('link', { name: 'garden' }).click();
  await ada.getByRole('heading', { name: 'garden' }).waitFor();
  const bob = await openChat(context, on.server.url, 'Bob', 'workshop');
  await say(bob, 'one');
  await say(bob, 'two');
  await expect.poll(() => badge('workshop').textContent()).toBe('2 unread');
  expect(await badge('lobby').count()).toBe(0);

  await seedRoom(on.server.url, 'workshop', 98);
  await expect.poll(() => badge('workshop').textContent()).toBe('more than 99 unread');
  await rooms(ada).getByRole('link', { name: 'workshop' }).getByText('99+').waitFor();
  await rooms(ada).getByRole('link', { name: 'workshop' }).click();
  // Read, and told.
  await message(bob, 'message 98').getByText('Seen by Ada').waitFor({ state: 'attached' });
  await rooms(ada).getByRole('link', { name: 'garden' }).click();
  await ada.getByRole('heading', { name: 'garden' }).waitFor();
  await expect.poll(() => badge('workshop').count()).toBe(0);

  await say(bob, 'three');
  await expect.poll(() => badge('workshop').textContent()).toBe('1 unread');
  await rooms(ada).getByRole('link', { name: 'workshop' }).click();
  await message(ada, 'three').getByText('New messages').waitFor();
  expect(await log(ada).getByText('New messages').count()).toBe(1);
  // Whoever writes has seen what there is.
  await say(ada, 'four');
  await log(ada).getByText('New messages').waitFor({ state: 'detached' });
  expect((await texts(ada)).slice(-2)).toEqual(['three', 'four']);
});
