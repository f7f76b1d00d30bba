// Rights that end: `expiresAt` and `trunk.revoke`, over real sockets.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { CLOSE, type ServerMessage } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { attach, serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { Dialled, enter } from './support/dial.js';

const stops: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

type ExpiresAt = NonNullable<Parameters<typeof trunkline<{ id: string }>>[0]['expiresAt']>;

/** An app whose rule says no to whom and what is in `denied`: `ada`, `ada lobby`. */
function ruledApp(expiresAt?: ExpiresAt) {
  const denied = new Set<string>();
  const t = trunkline({
    authenticate: ({ token = '' }) => ({ id: token }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  const chat = t.log(['room'], {
    entry: z.json(),
    authorize: ({ user, params }) => !denied.has(user.id) && !denied.has(`${user.id} ${params.room}`),
  });
  return { denied, app: t.app({ channels: { chat, notes: t.log([], { entry: z.json() }) } }) };
}

async function ruled(expiresAt?: ExpiresAt) {
  const log = listeningLog();
  const { app, denied } = ruledApp(expiresAt);
  const trunk = await serve(app, { port: 0, broker: memoryBroker(), log });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  return { trunk, denied, url: trunk.url, log: log.lines };
}

const isEnded = (message: ServerMessage) => message.type === 'ended';

describe('trunk.revoke', () => {
  it('SUB-9: ends what the user may no longer read, on every connection; then nothing more of it comes', async () => {
    const { trunk, denied, url } = await ruled();
    const [phone, laptop, bob] = [await enter(url, 'ada'), await enter(url, 'ada'), await enter(url, 'bob')];
    for (const peer of [phone, laptop, bob]) await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    denied.add('ada');
    expect(await trunk.revoke('ada')).toEqual({ ended: 2 });
    await trunk.channel.chat('lobby').publish('secret');
    await bob.type('entries');
    for (const peer of [phone, laptop]) {
      expect(await peer.next(isEnded)).toMatchObject({ code: 'forbidden', retry: false });
      await peer.ask({ type: 'ping' });
      expect(JSON.stringify(peer.messages)).not.toContain('secret');
    }
    expect(bob.messages.some(isEnded)).toBe(false);
  });

  it.each([
    ['a handle', (trunk: Awaited<ReturnType<typeof ruled>>['trunk']) => trunk.channel.chat('a/b')],
    ['the name on the wire', () => 'chat/a%2Fb'],
  ])('of one channel, named by %s, leaves the others', async (_, channel) => {
    const { trunk, denied, url } = await ruled();
    const peer = await enter(url, 'ada');
    const subscribed = await peer.ask({ type: 'subscribe', stream: 'chat/a%2Fb' });
    await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    denied.add('ada');
    expect(await trunk.revoke('ada', channel(trunk))).toEqual({ ended: 1 });
    expect(await peer.next(isEnded)).toMatchObject({ ch: (subscribed as { ch: number }).ch });
    await trunk.channel.chat('lobby').publish('still');
    expect(await peer.type('entries')).toMatchObject({ items: [{ data: 'still' }] });
  });

  it('keeps what is still allowed, with nothing lost', async () => {
    const { trunk, url } = await ruled();
    const peer = await enter(url, 'ada');
    await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    for (let n = 1; n <= 20; n++) {
      await Promise.all([trunk.channel.chat('lobby').publish(n), trunk.revoke('ada'), trunk.revoke('ada')]);
    }
    await peer.next((message) => message.type === 'entries' && message.to === 20);
    const items = peer.messages.flatMap((message) => (message.type === 'entries' ? message.items : []));
    expect(items.map(({ data }) => data)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('works on an app that was attached', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { app, denied } = ruledApp();
    const trunk = await attach(app, server, { broker: memoryBroker(), log: listeningLog() });
    stops.push(async () => {
      await trunk.close({ deadlineMs: 0 });
      server.close();
    });
    const peer = await enter(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, 'ada');
    await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    denied.add('ada lobby');
    expect(await trunk.revoke('ada', trunk.channel.chat('lobby'))).toEqual({ ended: 1 });
  });

  it.each([
    ['no user', ['']],
    ['a user that is no text', [7]],
    ['a channel that the app does not have', ['ada', 'char/lobby']],
    ['a channel without its parameter', ['ada', 'chat']],
    ['another spelling of a name', ['ada', 'chat/%6Cobby']],
    ['what is no channel', ['ada', {}]],
    ['null', ['ada', null]],
  ])('with %s is a TypeError: a mistake must not pass for a revocation of nothing', async (_, given) => {
    const { trunk } = await ruled();
    await expect(trunk.revoke(...(given as [string]))).rejects.toThrow(TypeError);
  });

  it('of a user who is not here is no mistake', async () => {
    const { trunk } = await ruled();
    expect(await trunk.revoke('nobody', 'notes')).toEqual({ ended: 0 });
  });
});

describe('expiresAt', () => {
  it('CON-9: closes the connection when the time has come', async () => {
    let endMs = 0;
    const { url } = await ruled(() => {
      endMs = Date.now() + 1_000;
      return endMs;
    });
    const peer = await enter(url, 'ada');
    expect(await peer.closed).toMatchObject({ code: CLOSE.unauthorized, reason: 'the token expired' });
    expect(Date.now()).toBeGreaterThanOrEqual(endMs);
    expect(peer.messages.at(-1)).toMatchObject({ type: 'error', code: 'unauthorized', message: 'the token expired' });
  });

  it('CON-9: a refresh extends it', async () => {
    let endMs = 0;
    const ends = [
      // Counted from when it is let in, and time enough for the refresh on a machine that has other things to do.
      () => {
        endMs = Date.now() + 2_000;
        return endMs;
      },
      () => endMs + 3_600_000,
      () => endMs,
    ];
    const { url } = await ruled(() => ends.shift()?.());
    const refreshed = await enter(url, 'ada');
    await refreshed.ask({ type: 'refresh', token: 'ada' });
    // The end of this one shows that the time of the other has passed, too.
    await (await greet(url, 'bob')).closed;
    expect(await refreshed.ask({ type: 'ping' })).toMatchObject({ type: 'pong' });
  });

  it.each([-1, 0, 999_999_999, 1e11, 1_700_000_000_000])(
    'that lies in the past (%d) lets nobody in: unauthorized',
    async (ms) => {
      const { url, log } = await ruled(() => ms);
      const peer = await greet(url);
      expect(await peer.closed).toMatchObject({ code: CLOSE.unauthorized });
      expect(log).toEqual([]);
    },
  );

  it.each([undefined, Date.now() + 2 ** 31, 8.64e15, Number.MAX_VALUE])('that is %d: welcome', async (ms) => {
    const { url } = await ruled(() => ms);
    await enter(url, 'ada');
  });

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['text', '2030-01-01'],
    ['null', null],
    ['a Date', new Date()],
    ['a promise', Promise.resolve(1e13)],
    ['seconds', 1_763_650_000],
    ['the first of what looks like seconds', 1e9],
    ['the last of what looks like seconds', 1e11 - 1],
  ])('that is %s lets nobody in for now, and the log says why', async (_, nonsense) => {
    const { url, log } = await ruled(() => nonsense as number);
    const peer = await greet(url);
    expect(await peer.closed).toMatchObject({ code: CLOSE.unavailable });
    expect(peer.messages).toMatchObject([{ type: 'error', code: 'unavailable', retry: true }]);
    expect(log).toMatchObject([{ level: 'error', message: 'authenticate failed' }]);
    expect(String((log[0]?.details as { error?: unknown } | undefined)?.error)).toContain('expiresAt must return');
  });

  it.each(['expiresAt', 'publicUser'])('%s must be a function', (name) => {
    const options = { authenticate: () => null, [name]: 7 } as unknown as Parameters<typeof trunkline>[0];
    expect(() => trunkline(options)).toThrow(`${name} must be a function`);
  });
});

async function greet(url: string, token = 'ada'): Promise<Dialled> {
  const peer = new Dialled(`${url}/line`);
  await peer.opened;
  peer.say({ type: 'hello', version: 1, token });
  return peer;
}
