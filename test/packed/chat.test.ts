// docs/guides/chat.md as its reader does it: the files of the page in an empty folder, on the tarballs, compiled, started and used by two people in
// Chromium, with what it says about bots and about a database of one's own.

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { launch, newContext, problems } from '../browser/support/browser.js';
import { freePort } from '../support/free-port.js';
import { guide, portOf } from './guide.js';
import { Programs, run, type Started, startUntil } from './tools.js';

const chat = guide('docs/guides/chat.md');
const { folder } = chat;
const BOT_KEY = 'bot-0123456789-0123456789-0123456789';
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

beforeAll(chat.make);
afterAll(chat.remove);

it('needs what the page tells to install, and nothing else', () => {
  expect(chat.installed).toEqual(chat.told);
  expect(chat.untold).toEqual([]);
});

it('does not compile where nobody asks whether an entry was deleted', async () => {
  const mend = chat.breakIn('message.tsx', 'entry.deletedAt !== undefined', 'entry.offset < 0');
  await expect(chat.tsc()).rejects.toThrow(/message\.tsx.*'data' is possibly 'undefined'/s);
  mend();
});

describe('compiled', () => {
  const programs = new Programs();
  let browser: Browser;
  const contexts: BrowserContext[] = [];
  let server: Started;
  let url: string;
  let site: string;

  beforeAll(async () => {
    expect(await chat.tsc()).toBe('');
    browser = await launch();
  });
  afterAll(() => browser?.close());
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    await programs.stop();
    rmSync(join(folder, 'data'), { recursive: true, force: true });
  });

  async function serveChat(settings: Readonly<Record<string, string>> = {}) {
    server = await programs.start(chat.startServer({ BOT_KEY, ...settings }));
    url = `http://127.0.0.1:${portOf(server)}`;
  }

  async function servePage() {
    const served = await programs.start(chat.startPage(portOf(server)));
    site = served.match[1] ?? '';
  }

  /** Somebody who has entered the lobby. */
  async function enter(name: string): Promise<Page> {
    const context = await newContext(browser);
    contexts.push(context);
    const page = await context.newPage();
    await page.goto(site);
    await page.getByLabel('Your name').fill(name);
    await page.getByRole('button', { name: 'Enter' }).click();
    await page.getByText('The lobby is live.').waitFor();
    return page;
  }

  const say = async (page: Page, text: string) => {
    await page.getByLabel('Message').fill(text);
    await page.getByRole('button', { name: 'Send' }).click();
  };
  /** What is said on a page, without its buttons. */
  const said = (page: Page) =>
    page.locator('ol > li').evaluateAll((items) =>
      items.map((item) =>
        [...item.childNodes]
          .filter(({ nodeName }) => !['BUTTON', 'FORM'].includes(nodeName))
          .map(({ textContent }) => textContent)
          .join('')
          .trim(),
      ),
    );
  const item = (page: Page, text: string) => page.getByRole('listitem').filter({ hasText: text });
  const publish = async (text: string, room = 'lobby') => {
    const answer = await fetch(`${url}/v1/channels/chat/${room}/entries`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${BOT_KEY}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ text }),
    });
    expect(answer.status).toBe(201);
  };
  const complaints = () => contexts.flatMap((context) => problems.get(context));

  it('two people write, edit, react and delete, as far as the rules allow', async () => {
    await serveChat();
    await servePage();
    const [ada, bob] = [await enter('Ada'), await enter('Bob')];
    await say(ada, 'hello :)');
    await expect.poll(() => said(bob)).toEqual(['Ada: hello 🙂']);
    await say(bob, 'darn');
    await expect.poll(() => said(bob)).toEqual(['Ada: hello 🙂', 'darn (Please be kind.)']);
    await bob.getByRole('button', { name: 'Forget it' }).click();

    // What is another's has no buttons for it.
    expect(await item(bob, 'hello').getByRole('button').allTextContents()).toEqual(['👍']);
    await item(bob, 'hello').getByRole('button').click();
    await item(ada, 'hello').getByRole('button', { name: '👍 1' }).click();
    await item(bob, 'hello').getByRole('button', { name: '👍 2', pressed: true }).click();
    await item(ada, 'hello').getByRole('button', { name: '👍 1', pressed: true }).waitFor();

    const rewrite = async (text: string) => {
      await ada.getByLabel('New text').fill(text);
      await ada.getByRole('button', { name: 'Save' }).click();
    };
    await item(ada, 'hello').getByRole('button', { name: 'Edit' }).click();
    await rewrite('darn');
    await item(ada, 'hello').getByText('Please be kind.').waitFor();
    await rewrite('good morning');
    await expect.poll(() => said(bob)).toEqual(['Ada: good morning edited']);
    await item(ada, 'good morning').getByRole('button', { name: 'Delete' }).click();
    await expect.poll(() => said(bob)).toEqual(['Ada deleted this.']);
    expect(complaints()).toEqual([]);
  });

  it('they see who is here, who types and who has read, and are told what is unread elsewhere', async () => {
    await serveChat();
    await servePage();
    const [ada, bob] = [await enter('Ada'), await enter('Bob')];
    await ada.getByText('2 here: Ada, Bob').waitFor();
    await bob.getByText('2 here: Ada, Bob').waitFor();

    // She goes on: each word of it is old after a while.
    await expect
      .poll(async () => {
        await ada.getByLabel('Message').pressSequentially('m');
        return bob.getByText('Ada typing …').count();
      })
      .toBe(1);
    await say(ada, 'hello');
    await bob.getByText('Ada typing …').waitFor({ state: 'detached' });
    await ada.getByText('Seen by Bob').waitFor();

    await bob.getByRole('button', { name: 'Follow the kitchen' }).click();
    await bob.getByText('0 unread').nth(1).waitFor();
    await ada.getByRole('button', { name: 'kitchen', exact: true }).click();
    await ada.getByText('The kitchen is live.').waitFor();
    // After the grace of five seconds.
    await bob.getByText('1 here: Bob').waitFor();
    await say(ada, 'tea?');
    await bob.getByText('1 unread').waitFor();
    await bob.getByRole('button', { name: 'kitchen', exact: true }).click();
    await expect.poll(() => said(bob)).toEqual(['Ada: tea?']);
    await bob.getByText('0 unread').nth(1).waitFor();
    await ada.getByText('Seen by Bob').waitFor();
    expect(complaints()).toEqual([]);
  });

  it('what is written while the server is dead arrives once, in one order, when it is back', async () => {
    await serveChat({ PORT: String(await freePort()) });
    await servePage();
    const [ada, bob] = [await enter('Ada'), await enter('Bob')];
    await say(ada, 'before');
    await expect.poll(() => said(bob)).toEqual(['Ada: before']);
    const port = portOf(server);
    await server.kill();
    for (const page of [ada, bob]) await page.getByText('The lobby is offline.').waitFor();
    await say(ada, 'in the dark');
    await say(bob, 'me too');
    await expect.poll(() => said(ada)).toEqual(['Ada: before', 'in the dark (sending)']);
    server = await programs.start(chat.startServer({ PORT: port, BOT_KEY }));
    for (const page of [ada, bob]) await page.getByText('The lobby is live.').waitFor();
    await expect
      .poll(async () => (await said(bob)).toSorted())
      .toEqual(['Ada: before', 'Ada: in the dark', 'Bob: me too']);
    await expect.poll(async () => JSON.stringify(await said(ada))).toBe(JSON.stringify(await said(bob)));
    await ada.getByText('2 here:').waitFor();
    expect(complaints()).toEqual([]);
  });

  it('pages back through what is older, and finds it by words', async () => {
    await serveChat();
    await servePage();
    for (let i = 1; i <= 35; i += 1) await publish(`number ${i}`);
    const ada = await enter('Ada');
    await expect.poll(async () => (await said(ada)).length).toBe(30);
    await ada.getByRole('button', { name: 'Older' }).click();
    await expect
      .poll(async () => [(await said(ada)).length, (await said(ada))[0]])
      .toEqual([35, 'The server: number 1']);
    await ada.getByRole('button', { name: 'Older' }).waitFor({ state: 'detached' });
    await ada.getByLabel('Search').fill('NUMBER 3');
    const found = () => ada.getByText(/^Found: /).allTextContents();
    await expect.poll(found).toEqual(['35', '34', '33', '32', '31', '30', '3'].map((n) => `Found: number ${n}`));
    expect(complaints()).toEqual([]);
  });

  it('lets in nobody whose token is not its own, nobody into other rooms, and nobody at what others wrote', async () => {
    await serveChat();
    const guest = async (name: string) => (await fetch(`${url}/guest?name=${name}`, { method: 'POST' })).text();
    const ask = async (path: string, token: string, method = 'GET', data?: object) => {
      const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
      const body = data === undefined ? null : JSON.stringify(data);
      return (await fetch(`${url}/v1/channels/chat/${path}`, { method, headers, body })).status;
    };
    const [ada, eve] = [await guest('Ada'), await guest('Eve')];
    expect(await ask('lobby/entries', ada, 'POST', { text: 'mine' })).toBe(201);
    expect(await ask('cellar/entries', ada, 'POST', { text: 'mine' })).toBe(403);
    expect(await ask('lobby/entries/1', eve, 'PATCH', { text: 'hers' })).toBe(403);
    expect(await ask('lobby/entries/1', eve, 'DELETE')).toBe(403);
    expect(await ask('lobby/entries/1', ada, 'PATCH', { text: 'still mine' })).toBe(200);
    const [body = '', signature = ''] = ada.split('.');
    const other = Buffer.from(JSON.stringify({ id: 'guest-of-ada', name: 'Ada' })).toString('base64url');
    for (const token of [`${other}.${signature}`, `${body}.`, `${ada}A`, ''])
      expect(await ask('lobby/entries', token), token).toBe(401);
    expect((await fetch(`${url}/guest?name=%20`, { method: 'POST' })).status).toBe(404);
  });

  it('takes what curl says, corrects it and reads it, and stores once what comes twice', async () => {
    await serveChat();
    await servePage();
    const ada = await enter('Ada');
    const curl = () => run('sh', ['bot.sh'], folder, { URL: url, BOT_KEY });
    expect(await curl()).toContain('"data":{"text":"Version 7.1 is live"}');
    await expect.poll(() => said(ada)).toEqual(['The server: Version 7.1 is live edited']);
    expect(await curl()).toContain('"offset":1');
    await publish('the end');
    await expect.poll(() => said(ada)).toEqual(['The server: Version 7.1 is live edited', 'The server: the end']);
    expect(complaints()).toEqual([]);
  });

  it('tells a program with a database of each message, also of what came while it was away', async () => {
    const startStore = (port: string) =>
      startUntil(/waiting at .*port: (\d+)/, ['build/store.js'], folder, {
        settings: { WEBHOOK_SECRET, STORE_PORT: port },
      });
    const [wants = ''] = /^ {2}backend: \[.*\n/m.exec(chat.text) ?? [];
    const [whom = ''] = /^ {2}backend: \{.*\n/m.exec(chat.text) ?? [];
    expect(whom).toContain(':3001/');
    const port = String(await freePort());
    const store = await programs.start(startStore(port));
    const mends = [
      chat.breakIn('app.ts', '  presence: true', `${wants}  presence: true`),
      chat.breakIn('server.ts', '  request: welcome', `${whom.replace('3001', port)}  request: welcome`),
    ];
    expect(await chat.tsc()).toBe('');
    for (const mend of mends) mend();
    await serveChat({ WEBHOOK_SECRET });
    await publish('first');
    await store.until(/INSERT \S+: \{"text":"first"\}/);
    expect((await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' })).status).toBe(401);
    await store.kill();
    await publish('second');
    const again = await programs.start(startStore(port));
    await again.until(/INSERT \S+: \{"text":"second"\}/);
  });
});
