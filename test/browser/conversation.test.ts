// Two people in a browser.

import { expect, it } from 'vitest';
import { field, log, message, openChat, say, texts, untilLive, untilTexts } from './support/chat.js';
import { stage } from './support/stage.js';

const on = stage();

it('lets two pages of one browser talk both ways as different guests', async () => {
  const context = await on.context();
  const ada = await openChat(context, on.server.url, 'Ada', 'talk');
  const bob = await openChat(context, on.server.url, 'Bob', 'talk');
  await say(ada, 'hello Bob');
  await untilTexts(bob, ['hello Bob']);
  await say(bob, 'hello Ada');
  await untilTexts(ada, ['hello Bob', 'hello Ada']);
  await message(ada, 'hello Bob').getByText('Ada').waitFor();
  await message(ada, 'hello Ada').getByText('Bob').waitFor();
  await message(ada, 'hello Bob').getByText('sent', { exact: true }).waitFor({ state: 'attached' });
  expect(await message(ada, 'hello Ada').getByText('sent', { exact: true }).count()).toBe(0);
});

it('shows the history and keeps the guest over a reload', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Cleo', 'reload');
  await say(page, 'written before');
  await message(page, 'written before').getByText('sent', { exact: true }).waitFor();
  const id = () => page.evaluate(() => JSON.parse(sessionStorage.getItem('trunkline.guest.chat') ?? '{}').id);
  const before = await id();
  await page.reload();
  await untilTexts(page, ['written before']);
  expect(await id()).toBe(before);
  await message(page, 'written before').getByText('you').waitFor();
});

it('asks for a name, and Enter accepts it', async () => {
  const context = await on.context();
  const page = await context.newPage();
  await page.goto(`${on.server.url}/chat/asked`);
  const name = page.getByRole('textbox', { name: 'Your name' });
  await name.press('Enter');
  await page.getByRole('alert').getByText('at least one visible character').waitFor();
  await name.fill('   ');
  await name.press('Enter');
  await page.getByRole('alert').getByText('at least one visible character').waitFor();
  await name.fill('x'.repeat(41));
  await name.press('Enter');
  await page.getByRole('alert').getByText('at most 40 characters').waitFor();
  await name.fill('  Dora ');
  await name.press('Enter');
  await untilLive(page);
  await page.getByText('You are Dora').waitFor();
  await page.getByText('Nobody has written here yet. Say hello.').waitFor();
});

it('gives each tab a guest of its own', async () => {
  const context = await on.context();
  const first = await openChat(context, on.server.url, 'Eve', 'tabs');
  const second = await context.newPage();
  await second.goto(`${on.server.url}/chat/tabs`);
  await second.getByRole('textbox', { name: 'Your name' }).waitFor();
  await first.getByText('You are Eve').waitFor();
});

it('talks side by side on the first page, and opens another window', async () => {
  const context = await on.context();
  const page = await context.newPage();
  await page.goto(on.server.url);
  const ada = page.getByRole('region', { name: 'Ada' });
  const bob = page.getByRole('region', { name: 'Bob' });
  await page.getByText('2 connections live').waitFor();
  await say(ada, 'from the left');
  await untilTexts(bob, ['from the left']);
  await say(bob, 'from the right');
  await untilTexts(ada, ['from the left', 'from the right']);
  const opened = context.waitForEvent('page');
  await page.getByRole('link', { name: 'Open another window' }).click();
  await (await opened).getByRole('textbox', { name: 'Your name' }).waitFor();
});

it('goes from room to room, and keeps what each of them says apart', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Finn', 'here');
  await say(page, 'said here');
  await untilTexts(page, ['said here']);
  await page.getByRole('textbox', { name: 'Another room' }).fill('over there');
  await page.getByRole('textbox', { name: 'Another room' }).press('Enter');
  await page.getByRole('heading', { name: 'over there' }).waitFor();
  await page.getByText('Nobody has written here yet').waitFor();
  await say(page, 'said there');
  await untilTexts(page, ['said there']);
  await page.getByRole('navigation', { name: 'Rooms' }).getByRole('link', { name: 'here', exact: true }).click();
  await untilTexts(page, ['said here']);
  await expect.poll(() => new URL(page.url()).pathname).toBe('/chat/here');
});

it('has the messages as a list in a log, with exact times on hover', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Gail', 'markup');
  await say(page, 'one');
  await untilTexts(page, ['one']);
  expect(await log(page).getByRole('list').count()).toBe(1);
  expect(await log(page).getByRole('list').getByRole('listitem').count()).toBe(1);
  const time = message(page, 'one').locator('time');
  expect(await time.textContent()).toBe('now');
  expect(await time.getAttribute('title')).toMatch(/\d{4} at \d\d:\d\d:\d\d/);
  await page.getByRole('button', { name: 'Send' }).waitFor();
});

it('says what is wrong with a message before it is sent', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Hal', 'input');
  await field(page).press('Enter');
  await page.getByRole('alert').getByText('there is nothing to send').waitFor();
  await field(page).fill('x'.repeat(5000));
  await page.getByText('5,000 of 4,000 characters').waitFor();
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByRole('alert').getByText('this one is 1,000 over').waitFor();
  expect(await texts(page)).toEqual([]);
  await field(page).fill('y'.repeat(4000));
  await field(page).press('Enter');
  await untilTexts(page, ['y'.repeat(4000)]);
  await message(page, 'yyy').getByText('sent', { exact: true }).waitFor();
});

it('shows markup as text, keeps emoji and line breaks, and wraps long words', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Ines', 'odd');
  const odd = [
    '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>',
    '👩‍👩‍👧‍👦 𝕏 ¡olé! שלום',
    'w'.repeat(900),
  ];
  for (const text of odd) await say(page, text);
  await field(page).fill('two');
  await field(page).press('Shift+Enter');
  await field(page).pressSequentially('lines');
  await field(page).press('Enter');
  await untilTexts(page, [...odd, 'two\nlines']);
  // Shown is what is on its way too, which a reload might stop.
  await message(page, 'lines').getByText('sent', { exact: true }).waitFor();
  await page.reload();
  await untilTexts(page, [...odd, 'two\nlines']);
  expect(await page.evaluate(() => 'hacked' in window)).toBe(false);
  expect(await log(page).evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
});

it('changes the name, and keeps the new one over a reload', async () => {
  const context = await on.context();
  const page = await openChat(context, on.server.url, 'Jo', 'changing');
  await page.getByRole('button', { name: 'Change' }).click();
  await page.getByRole('textbox', { name: 'Your name' }).fill('Joanna');
  await page.getByRole('textbox', { name: 'Your name' }).press('Enter');
  await page.getByText('You are Joanna').waitFor();
  await untilLive(page);
  await say(page, 'under another name');
  await message(page, 'under another name').getByText('Joanna').waitFor();
  await page.reload();
  await untilLive(page);
  await page.getByText('You are Joanna').waitFor();
});
