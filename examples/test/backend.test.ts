// Back ends in other processes and another language: what is published through our client stands in their own databases, whoever is stopped.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@trunkline/client/node';
import { type BackendRequest, verifyWebhook } from '@trunkline/server';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { app } from '../chat-app.js';
import { onStop, run, stopAll } from './support/example.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
/** Retries come soon. */
const SOON = { RETRY_MS: '10', BREAK_MS: '50' };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkline-backend-'));
});
afterEach(async () => {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
});

function startTrunkline(url: string, port = '0') {
  return run('backend-app.js', { ...SOON, PORT: port, BACKEND_URL: url, WEBHOOK_SECRET: SECRET, DATA: folder });
}

function startBackend(file: string, port = '0') {
  return run(file, { PORT: port, WEBHOOK_SECRET: SECRET, DATABASE: join(folder, 'messages.db') });
}

const portOf = (url: string) => new URL(url).port;

function lobbyOf(url: string, name: string) {
  const line = connect<typeof app>(`${url}/line`, { token: name, onProblem: () => {} });
  onStop(() => line.close());
  return line.channel.chat('lobby');
}

/** Resolves when the back end was told of everything. */
async function told(url: string): Promise<void> {
  for (;;) {
    const { backend } = (await (await fetch(`${url}/healthz`)).json()) as { backend: { waiting: number } };
    if (backend.waiting === 0) return;
  }
}

/** What the back end has, in the order in which it came. */
function messages(): { offset: number; author: string; text: string }[] {
  const db = new Database(join(folder, 'messages.db'), { readonly: true });
  const rows = db.prepare('SELECT offset, author, text FROM messages ORDER BY id').all();
  db.close();
  return rows as ReturnType<typeof messages>;
}

/** What Trunkline has. */
function logged(): ReturnType<typeof messages> {
  const db = new Database(join(folder, 'chat.db'), { readonly: true });
  const sql = "SELECT offset, user ->> '$' AS author, data ->> 'text' AS text FROM history ORDER BY offset";
  const rows = db.prepare(sql).all();
  db.close();
  return rows as ReturnType<typeof messages>;
}

const BACK_ENDS = ['backend-node/server.js', 'backend-python/server.py'];

describe.each(BACK_ENDS)('%s', (file) => {
  it('stores what is published, refuses rude words, rewrites, and says who may', async () => {
    const backEnd = await startBackend(file);
    const trunkline = await startTrunkline(backEnd.url);
    const ada = lobbyOf(trunkline.url, 'ada');
    await ada.publish({ text: 'hello' });
    await expect(ada.publish({ text: 'Darn it' })).rejects.toMatchObject({
      code: 'refused',
      refusal: 'rude',
      message: 'Please be kind',
    });
    await ada.publish({ text: 'naïve :) :)' });
    await told(trunkline.url);
    expect(messages()).toEqual([
      { offset: 1, author: 'ada', text: 'hello' },
      { offset: 2, author: 'ada', text: 'naïve 🙂 🙂' },
    ]);
    expect(logged()).toEqual(messages());

    const db = new Database(join(folder, 'messages.db'));
    db.exec("INSERT INTO banned VALUES ('mallory')");
    db.close();
    await expect(lobbyOf(trunkline.url, 'mallory').publish({ text: 'x' })).rejects.toMatchObject({ code: 'forbidden' });
    expect(await trunkline.end()).toMatchObject({ code: 0 });
    expect(await backEnd.end()).toMatchObject({ code: 0 });
  });

  it('killed and started again in the middle, it has everything once and in order', async () => {
    const first = await startBackend(file);
    const trunkline = await startTrunkline(first.url);
    const [ada, bob] = [lobbyOf(trunkline.url, 'ada'), lobbyOf(trunkline.url, 'bob')];
    const published: Promise<unknown>[] = [];
    const say = (count: number) => {
      for (let index = 0; index < count; index++) {
        published.push(ada.publish({ text: `a ${published.length}` }), bob.publish({ text: `b ${published.length}` }));
      }
    };
    say(10);
    await Promise.race(published);
    await first.kill();
    say(10);
    const second = await startBackend(file, portOf(first.url));
    await Promise.all(published);
    say(5);
    await Promise.all(published);
    await told(trunkline.url);
    expect(messages()).toHaveLength(50);
    expect(messages()).toEqual(logged());
    expect(second.url).toBe(first.url);
  });

  it('does not believe what is signed with another secret, or long ago', async () => {
    const backEnd = await startBackend(file);
    const ask = (headers: Record<string, string>) =>
      fetch(backEnd.url, { method: 'POST', headers, body: '{"test": 2432232314}' });
    const vector = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    };
    expect((await ask(vector)).status).toBe(401);
    const now = { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)) };
    expect((await ask({ ...vector, ...now })).status).toBe(401);
    expect((await ask({})).status).toBe(401);
    const trunkline = await run('backend-app.js', {
      ...SOON,
      BACKEND_URL: backEnd.url,
      WEBHOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString('base64')}`,
      DATA: folder,
    });
    await expect(lobbyOf(trunkline.url, 'ada').publish({ text: 'x' })).rejects.toMatchObject({ code: 'internal' });
    expect(messages()).toEqual([]);
  });
});

it('what was published before the server was killed is told after it is back, under the same id', async () => {
  // A back end that takes everything, but does not answer what it is told while `isDeaf`.
  const heard: { id: string; offset: number }[] = [];
  const deaf = { is: true, heard: () => {} };
  const heardOne = new Promise<void>((resolve) => {
    deaf.heard = resolve;
  });
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const verified = verifyWebhook(request.headers, Buffer.concat(chunks), SECRET);
    const asked: BackendRequest = verified.request;
    if (asked.type === 'publish.after') {
      heard.push({ id: verified.id, offset: asked.data.offset });
      deaf.heard();
      if (deaf.is) return;
    }
    response.end(asked.type === 'authorize' ? '{"allow":true}' : '{"accept":true}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onStop(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;

  const before = await startTrunkline(url);
  const ada = lobbyOf(before.url, 'ada');
  await Promise.all(['one', 'two', 'three'].map((text) => ada.publish({ text })));
  await heardOne;
  await before.kill();
  const [first] = heard.splice(0);
  deaf.is = false;
  const after = await startTrunkline(url);
  await told(after.url);
  expect(heard.map(({ offset }) => offset)).toEqual([1, 2, 3]);
  expect(heard[0]).toEqual(first);
  expect(new Set(heard.map(({ id }) => id)).size).toBe(3);
});
