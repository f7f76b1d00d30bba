// What can be done with messages: edited, deleted, reacted to, answered, linked to. Seen at once by others, and by who comes later.

import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { findings } from './support/axe.js';
import { act, field, focusedText, log, message, openChat, say, texts, untilTexts } from './support/chat.js';
import { seedRoom } from './support/seed.js';
import { stage } from './support/stage.js';

const on = stage();

const reaction = (page: Page, text: string) =>
  message(page, text).first().getByRole('list', { name: 'Reactions' }).getByRole('button');

it('edits one’s own message, which others see at once and later ones from the start', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'edits');
  const bob = await openChat(context, on.server.url, 'Bob', 'edits');
  await say(ada, 'helo');
  await untilTexts(bob, ['helo']);
  await act(ada, 'helo', 'Edit');
  expect(await field(ada).inputValue()).toBe('helo');
  await field(ada).fill('hello');
  await field(ada).press('Enter');
  for (const page of [ada, bob]) await untilTexts(page, ['hello']);
  const mark = message(bob, 'hello').getByText('edited', { exact: true });
  await mark.waitFor();
  expect(await mark.getAttribute('title')).toMatch(/^Edited .* at \d\d:\d\d:\d\d$/);
  const late = await openChat(context, on.server.url, 'Late', 'edits');
  await untilTexts(late, ['hello']);
  await message(late, 'hello').getByText('edited', { exact: true }).waitFor();
  // Nobody edits what is another's.
  await expect
    .poll(async () => {
      await message(bob, 'hello').hover();
      return message(bob, 'hello').getByRole('button', { name: 'Reply' }).count();
    })
    .toBe(1);
  expect(
    await message(bob, 'hello')
      .getByRole('button', { name: /^(Edit|Delete)$/ })
      .count(),
  ).toBe(0);
});

it('takes the last message with Up, gives it up with Escape, and keeps the draft', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'up');
  await field(page).press('ArrowUp');
  expect(await field(page).inputValue()).toBe('');
  await say(page, 'one');
  await say(page, 'two');
  await untilTexts(page, ['one', 'two']);
  await message(page, 'two').getByText('sent', { exact: true }).waitFor();
  await field(page).press('ArrowUp');
  await page.getByText('Editing: two').waitFor();
  expect(await field(page).inputValue()).toBe('two');
  await field(page).fill('2');
  await field(page).press('Escape');
  expect(await field(page).inputValue()).toBe('');
  expect(await texts(page)).toEqual(['one', 'two']);
  await field(page).fill('a draft');
  await act(page, 'one', 'Edit');
  await field(page).fill('1');
  await page.getByRole('button', { name: 'Save' }).click();
  await untilTexts(page, ['1', 'two']);
  expect(await field(page).inputValue()).toBe('a draft');
});

it('says why an edit was refused, and shows the message as it was', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'refused edit');
  await say(page, 'fine');
  await message(page, 'fine').getByText('sent', { exact: true }).waitFor();
  await act(page, 'fine', 'Edit');
  await field(page).fill('\u0007');
  await field(page).press('Enter');
  await page.getByRole('alert').getByText('not changed: The message has no visible characters.').waitFor();
  expect(await texts(page)).toEqual(['fine']);
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.getByText('not changed').waitFor({ state: 'detached' });
});

it('asks once before it deletes, and then nothing of the message is left anywhere', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'deletes');
  const bob = await openChat(context, on.server.url, 'Bob', 'deletes');
  await say(ada, 'a secret');
  await say(ada, 'no secret');
  await untilTexts(bob, ['a secret', 'no secret']);
  // Nothing moves any more.
  await message(ada, 'no secret').getByText('Seen by Bob').waitFor({ state: 'attached' });
  await act(ada, 'a secret', 'Delete', 'Keep');
  expect(await texts(ada)).toEqual(['a secret', 'no secret']);
  await act(ada, 'a secret', 'Delete');
  await message(ada, 'a secret').getByText('Delete for everyone?').waitFor();
  await message(ada, 'a secret').getByRole('button', { name: 'Delete', exact: true }).click();
  const late = await openChat(context, on.server.url, 'Late', 'deletes');
  for (const page of [ada, bob, late]) {
    await untilTexts(page, ['no secret']);
    await log(page).getByText('message deleted', { exact: true }).waitFor();
    expect(await page.content()).not.toContain('a secret');
  }
});

it('counts reactions, says who, and takes one’s own back', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'reacts');
  const bob = await openChat(context, on.server.url, 'Bob', 'reacts');
  await say(ada, 'good news');
  await act(bob, 'good news', 'React with 👍');
  await expect.poll(() => reaction(ada, 'good news').allTextContents()).toEqual(['👍1']);
  await reaction(ada, 'good news').click();
  await expect.poll(() => reaction(bob, 'good news').allTextContents()).toEqual(['👍2']);
  await expect.poll(() => reaction(bob, 'good news').getAttribute('aria-label')).toBe('👍 2: Ada and you');
  // Bob's page may show it before Ada's, whose own step it was.
  await expect.poll(() => reaction(ada, 'good news').getAttribute('aria-pressed')).toBe('true');
  await expect
    .poll(async () => {
      await reaction(ada, 'good news').hover();
      return message(ada, 'good news').getByText('Bob and you', { exact: true }).isVisible();
    })
    .toBe(true);
  // Any other one is typed; what is no emoji is not sent.
  await act(bob, 'good news', 'Another reaction');
  const other = message(bob, 'good news').getByRole('textbox', { name: 'Any emoji' });
  await other.fill('no');
  await other.press('Enter');
  await message(bob, 'good news').getByText('One emoji, please.').waitFor();
  await other.fill('👩‍👩‍👧‍👦');
  await other.press('Enter');
  await expect.poll(() => reaction(ada, 'good news').allTextContents()).toEqual(['👍2', '👩‍👩‍👧‍👦1']);
  const late = await openChat(context, on.server.url, 'Late', 'reacts');
  await expect.poll(() => reaction(late, 'good news').allTextContents()).toEqual(['👍2', '👩‍👩‍👧‍👦1']);
  await reaction(ada, 'good news').first().click();
  await reaction(bob, 'good news').first().click();
  for (const page of [ada, bob, late]) {
    await expect.poll(() => reaction(page, 'good news').allTextContents()).toEqual(['👩‍👩‍👧‍👦1']);
  }
});

it('answers a message with a line that leads to it, and says so when it is gone', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'replies');
  const bob = await openChat(context, on.server.url, 'Bob', 'replies');
  await say(ada, 'who has the key?');
  for (let number = 1; number <= 40; number += 1) await say(ada, `filler ${number}`);
  await message(bob, 'filler 40').waitFor();
  await bob.locator('li').filter({ hasText: 'who has the key?' }).scrollIntoViewIfNeeded();
  await act(bob, 'who has the key?', 'Reply');
  await bob.getByText('Replying to Ada: who has the key?').waitFor();
  await field(bob).press('Escape');
  await bob.getByText('Replying to').waitFor({ state: 'detached' });
  await act(bob, 'who has the key?', 'Reply');
  await say(bob, 'I have');
  const quote = message(ada, 'I have').getByRole('button', { name: 'In reply to Ada who has the key?' });
  await quote.click();
  await expect.poll(() => inView(ada, 'who has the key?')).toBe(true);
  await expect.poll(() => focusedText(ada)).toBe('who has the key?');
  await act(ada, 'who has the key?', 'Delete', 'Delete');
  for (const page of [ada, bob]) await message(page, 'I have').getByText('deleted message').waitFor();
});

/** Whether a message stands within the list's view. */
async function inView(page: Page, text: string): Promise<boolean> {
  return log(page).evaluate((element, wanted) => {
    const part = [...element.querySelectorAll('[data-part="text"]')].find((one) => one.textContent === wanted);
    const [box, frame] = [part?.getBoundingClientRect(), element.getBoundingClientRect()];
    return box !== undefined && box.top >= frame.top && box.bottom <= frame.bottom;
  }, text);
}

it('opens at the message that the address names, however old, and says when there is none', async () => {
  const context = await on.context();
  await seedRoom(on.server.url, 'linked', 200);
  const page = await openChat(context, on.server.url, 'Ada', 'linked');
  await page.goto(`${on.server.url}/chat/linked?as=Ada#7`);
  await page.reload();
  // First, as it is marked for three seconds only.
  await log(page).locator('li[data-marked="true"]').getByText('message 7', { exact: true }).waitFor();
  await expect.poll(() => inView(page, 'message 7')).toBe(true);
  await expect.poll(() => focusedText(page)).toBe('message 7');
  await page.evaluate(() => {
    location.hash = '#900';
  });
  await page.getByText('That message is not kept any more.').waitFor();
});

it('reads right-to-left text in its own direction, line by line', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ada', 'directions');
  await say(page, 'שלום, מה שלומך?');
  await say(page, 'مرحبا بالعالم');
  await say(page, 'left to right');
  await field(page).fill('עברית');
  const direction = (text: string) =>
    message(page, text)
      .locator('[data-part="text"]')
      .evaluate((element) => getComputedStyle(element).direction);
  await untilTexts(page, ['שלום, מה שלומך?', 'مرحبا بالعالم', 'left to right']);
  expect(await direction('שלום')).toBe('rtl');
  expect(await direction('مرحبا')).toBe('rtl');
  expect(await direction('left')).toBe('ltr');
  expect(await field(page).evaluate((element) => getComputedStyle(element).direction)).toBe('rtl');
});

it('shows the actions of a tapped message on a phone, each 44 pixels high, and hides them at the next tap', async () => {
  const context = await on.context({ viewport: { width: 360, height: 780 }, isMobile: true, hasTouch: true });
  const page = await openChat(context, on.server.url, 'Ada', 'taps');
  await say(page, 'tap me');
  await message(page, 'tap me').getByText('sent', { exact: true }).waitFor();
  const text = message(page, 'tap me').locator('[data-part="text"]');
  const actions = message(page, 'tap me').getByRole('toolbar', { name: 'Actions' });
  await text.tap();
  await actions.getByRole('button', { name: 'React with 👍' }).tap();
  await reaction(page, 'tap me').waitFor();
  await actions.getByRole('button', { name: 'Another reaction' }).tap();
  const sizes = () =>
    log(page)
      .locator('button, input')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ width, height }) => [width, height]));
  const found = await sizes();
  expect(found.length).toBeGreaterThan(20);
  expect(found.filter(([width = 0, height = 0]) => width < 43.5 || height < 43.5)).toEqual([]);
  expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  await actions.getByRole('button', { name: 'Another reaction' }).tap();
  await text.tap();
  await actions.waitFor({ state: 'detached' });
});

it('reaches every action by keyboard, and stays clean for axe with all of it on show', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await on.context({ colorScheme });
    const room = `keys ${colorScheme}`;
    const page = await openChat(context, on.server.url, 'Kim', room);
    const other = await openChat(context, on.server.url, 'Lee', room);
    await say(other, 'from Lee');
    await untilTexts(page, ['from Lee']);
    await say(page, 'from Kim');
    await untilTexts(page, ['from Lee', 'from Kim']);
    await message(page, 'from Kim').getByText('sent', { exact: true }).waitFor();
    await page.bringToFront();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
    await field(page).focus();
    await page.keyboard.press('Shift+Tab');
    expect(await focused()).toBe(`Messages in ${room}`);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowUp');
    await message(page, 'from Lee').getByRole('toolbar', { name: 'Actions' }).waitFor();
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('React with 👍');
    await page.keyboard.press('Enter');
    await expect.poll(() => reaction(other, 'from Lee').allTextContents()).toEqual(['👍1']);
    for (const wanted of ['React with ❤️', 'React with 😂', 'React with 🎉', 'Another reaction', 'Reply']) {
      await page.keyboard.press('Tab');
      expect(await focused()).toBe(wanted);
    }
    await page.keyboard.press('Enter');
    await page.keyboard.type('answered by keyboard');
    expect(await findings(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await untilTexts(other, ['from Lee', 'from Kim', 'answered by keyboard']);
    await act(page, 'from Lee', 'Another reaction');
    expect(await findings(page)).toEqual([]);
  }
});
