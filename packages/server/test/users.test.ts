// What is done with a user from outside: connections that are ended (`trunk.disconnect`), and both that and `trunk.revoke` over HTTP.

import { memoryBroker } from '@trunkline/broker';
import { connect } from '@trunkline/client/node';
import { CLOSE, type ServerMessage } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { enter } from './support/dial.js';
import { asking } from './support/http.js';

const KEY = 'back-end-0123456789-0123456789-0123456789';
const CHAT_KEY = 'chats-0123456789-0123456789-0123456789-01';

const stops: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

function usersApp(denied: Set<string>) {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const chat = t.log(['room'], { entry: z.json(), authorize: ({ user }) => !denied.has(user.id) });
  return t.app({ channels: { chat, notes: t.log([], { entry: z.json() }) } });
}

async function start() {
  const denied = new Set<string>();
  const apiKeys = { all: KEY, chat: { secret: CHAT_KEY, channels: ['chat'] } };
  const trunk = await serve(usersApp(denied), { port: 0, broker: memoryBroker(), apiKeys, log: listeningLog() });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  const ask = asking(trunk.url);
  const post = (path: string, body: unknown = {}, token: string | null = KEY) => ask('POST', path, { token, body });
  return { trunk, denied, url: trunk.url, ask, post };
}

const isError = (message: ServerMessage) => message.type === 'error';

describe('CON-10: trunk.disconnect', () => {
  it('ends every connection of the user, of nobody else, and says why and that they may come back', async () => {
    const { trunk, url } = await start();
    const [phone, laptop, bob] = [await enter(url, 'ada'), await enter(url, 'ada'), await enter(url, 'bob')];
    expect(await trunk.disconnect('ada', { reason: 'signed in elsewhere' })).toEqual({ closed: 2 });
    for (const peer of [phone, laptop]) {
      expect(await peer.closed).toEqual({ code: CLOSE.disconnected, reason: 'signed in elsewhere', wasClean: true });
      expect(peer.messages.find(isError)).toMatchObject({ code: 'unavailable', retry: true });
    }
    await bob.ask({ type: 'ping' });
    expect(bob.messages.some(isError)).toBe(false);
    expect(await trunk.disconnect('nobody')).toEqual({ closed: 0 });
  });

  it.each([
    [true, 'live'],
    [false, 'refused'],
  ])('with reconnect: %s a client becomes %s again by itself', async (reconnect, wanted) => {
    const { trunk, url } = await start();
    const line = connect<ReturnType<typeof usersApp>>(`${url}/line`, { token: 'ada' });
    stops.push(() => line.close());
    const reached = (state: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (line.connection.snapshot().state !== state) return;
          stop();
          resolve();
        };
        const stop = line.connection.subscribe(look);
        look();
      });
    stops.push(line.open());
    await reached('live');
    const left = wanted === 'live' ? reached('waiting') : undefined;
    expect(await trunk.disconnect('ada', { reconnect, reason: 'because' })).toEqual({ closed: 1 });
    await left;
    await reached(wanted);
    if (wanted === 'refused') expect(line.connection.snapshot().reason).toBe('because');
  });

  it('a long reason is cut where a close frame ends, and told whole in the message', async () => {
    const { trunk, url } = await start();
    const ada = await enter(url, 'ada');
    const reason = 'ü'.repeat(1_000);
    await trunk.disconnect('ada', { reason });
    expect(Buffer.byteLength((await ada.closed).reason)).toBeLessThanOrEqual(123);
    expect(ada.messages.find(isError)).toMatchObject({ message: reason });
  });

  it('refuses what makes no sense', async () => {
    const { trunk } = await start();
    for (const [id, options] of [
      ['', {}],
      [7, {}],
      ['ada', { reason: 'x'.repeat(1_001) }],
      ['ada', { reason: 7 }],
      ['ada', { reconnect: 'yes' }],
    ] as const) {
      await expect(trunk.disconnect(id as string, options as object)).rejects.toThrow(TypeError);
    }
  });
});

describe('over HTTP', () => {
  it('an API key ends connections', async () => {
    const { url, post } = await start();
    const ada = await enter(url, 'ada/x');
    const answer = await post('/v1/users/ada%2Fx/disconnect', { reconnect: false, reason: 'banned' });
    expect(answer).toMatchObject({ status: 200, body: { closed: 1 } });
    expect(await ada.closed).toMatchObject({ code: CLOSE.dismissed, reason: 'banned' });
    expect(await post('/v1/users/ada%2Fx/disconnect')).toMatchObject({ status: 200, body: { closed: 0 } });
  });

  it('an API key has rights judged again, all or those of one channel', async () => {
    const { url, post, denied } = await start();
    const ada = await enter(url, 'ada');
    for (const stream of ['chat/a', 'chat/b', 'notes']) await ada.ask({ type: 'subscribe', stream });
    denied.add('ada');
    expect(await post('/v1/users/ada/revoke', { channel: 'chat/a' })).toMatchObject({ body: { ended: 1 } });
    expect(await post('/v1/users/ada/revoke')).toMatchObject({ status: 200, body: { ended: 1 } });
    expect(await post('/v1/users/ada/revoke', { channel: 'nothing/a' })).toMatchObject({ status: 404 });
  });

  it('is for API keys alone, and for those of some channels only within them', async () => {
    const { url, post, ask } = await start();
    const ada = await enter(url, 'ada');
    expect(await post('/v1/users/ada/disconnect', {}, 'ada')).toMatchObject({ status: 403 });
    expect(await post('/v1/users/ada/revoke', {}, null)).toMatchObject({ status: 401 });
    expect(await post('/v1/users/ada/disconnect', {}, CHAT_KEY)).toMatchObject({ status: 403 });
    expect(await post('/v1/users/ada/revoke', {}, CHAT_KEY)).toMatchObject({ status: 403 });
    expect(await post('/v1/users/ada/revoke', { channel: 'notes' }, CHAT_KEY)).toMatchObject({ status: 403 });
    expect(await post('/v1/users/ada/revoke', { channel: 'chat/a' }, CHAT_KEY)).toMatchObject({ status: 200 });
    const headers = { origin: url };
    const page = await ask('POST', '/v1/users/ada/disconnect', { token: KEY, body: {}, headers });
    expect(page.status).toBe(403);
    await ada.ask({ type: 'ping' });
  });

  it.each([
    ['disconnect', { reconnect: 'no' }],
    ['disconnect', { reason: 1 }],
    ['disconnect', { reason: 'x'.repeat(1_001) }],
    ['disconnect', { code: 4_999 }],
    ['disconnect', []],
    ['revoke', { channel: 1 }],
    ['revoke', { user: 'bob' }],
    ['revoke', null],
  ])('%s refuses %j', async (verb, body) => {
    const { post } = await start();
    expect(await post(`/v1/users/ada/${verb}`, body)).toMatchObject({
      status: 400,
      body: { error: { code: 'invalid' } },
    });
  });

  it('leaves other paths of users to whoever has them', async () => {
    const { ask } = await start();
    for (const path of ['/v1/users/ada', '/v1/users/ada/avatar', '/v1/users/', '/v1/users/a/b/disconnect']) {
      expect((await ask('POST', path, { token: KEY, body: {} }).catch(() => ({ status: 'no JSON' }))).status).toBe(
        'no JSON',
      );
    }
  });
});
