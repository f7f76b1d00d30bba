// What stands beside a log, of an app on a port of its own, through real sockets.

import { memoryBroker } from '@trunkline/broker';
import type { Rows, ServerSignal } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ServeOptions, serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { enter } from './support/dial.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const entry = z.object({ text: z.string() });

function loungeApp(graceMs = 5_000) {
  const asked: string[] = [];
  const t = trunkline({
    authenticate: ({ token }) => (token === undefined ? null : { id: token }),
    publicUser: ({ id }) => ({ id, name: id.toUpperCase() }),
  });
  const lounge = t.log(['room'], {
    entry,
    presence: { graceMs },
    markers: true,
    signals: { typing: z.object({ on: z.boolean().default(true) }) },
    authorize: ({ user, action }) => {
      asked.push(`${user.id} ${action}`);
      return true;
    },
  });
  const app = t.app({ channels: { lounge, plain: t.log([], { entry, presence: false }) } });
  return { app, asked };
}

async function start(options: Partial<ServeOptions> = {}, graceMs?: number) {
  const { app, asked } = loungeApp(graceMs);
  const { lines, ...log } = listeningLog();
  const trunk = await serve(app, { port: 0, log, broker: memoryBroker(), ...options });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  return { trunk, asked, lines, url: trunk.url, lounge: trunk.channel.lounge('attic') };
}

const isRows = (message: { type: string }): message is Rows => message.type === 'rows';

describe('presence', () => {
  it('is seen by who subscribes to it, and by server code', async () => {
    const { url, lounge, asked } = await start();
    const [ada, bob] = [await enter(url, 'ada'), await enter(url, 'bob')];
    await ada.ask({ type: 'subscribe', stream: 'lounge/attic' });
    await bob.ask({ type: 'subscribe', stream: 'lounge/attic:presence' });
    const told = await bob.next((message) => isRows(message) && message.set?.['user/ada'] !== undefined);
    expect(told).toMatchObject({ set: { 'user/ada': { user: { id: 'ada', name: 'ADA' } }, summary: { count: 1 } } });
    const { people, count } = lounge.presence();
    expect([count, people.map(({ user }) => user)]).toEqual([1, [{ id: 'ada', name: 'ADA' }]]);
    expect(asked).toEqual(['ada subscribe', 'bob presence']);
  });

  it('ends with the connection and the grace', async () => {
    const { url, lounge } = await start({}, 1);
    const [ada, bob] = [await enter(url, 'ada'), await enter(url, 'bob')];
    await ada.ask({ type: 'subscribe', stream: 'lounge/attic' });
    await bob.ask({ type: 'subscribe', stream: 'lounge/attic:presence' });
    await bob.next((message) => isRows(message) && message.set?.['user/ada'] !== undefined);
    ada.socket.close(1000, '');
    await bob.next((message) => isRows(message) && message.delete?.includes('user/ada') === true);
    expect(lounge.presence()).toEqual({ people: [], count: 0 });
  });

  it('is not there where the definition does not say so', async () => {
    const { url } = await start();
    const ada = await enter(url, 'ada');
    expect(await ada.ask({ type: 'subscribe', stream: 'plain:presence' })).toMatchObject({ code: 'unknown_channel' });
  });
});

describe('signals', () => {
  it('go through the schema to who listens; the server may signal too', async () => {
    const { url, lounge, asked } = await start();
    const [ada, bob] = [await enter(url, 'ada'), await enter(url, 'bob')];
    await bob.ask({ type: 'subscribe', stream: 'lounge/attic:signals' });
    ada.say({ type: 'signal', stream: 'lounge/attic', name: 'typing', data: {} });
    const isSignal = (message: { type: string }): message is ServerSignal => message.type === 'signal';
    const first = await bob.next(isSignal);
    expect(first).toMatchObject({ name: 'typing', user: { id: 'ada', name: 'ADA' }, data: { on: true } });
    lounge.signal('typing', { on: false });
    const second = await bob.next((message) => isSignal(message) && message.user === undefined);
    expect(second).toMatchObject({ name: 'typing', data: { on: false } });
    expect(asked).toEqual(['bob subscribe', 'ada signal']);
  });
});

describe('read marks', () => {
  it('of users and of server code reach others, and the user’s own counts', async () => {
    const { url, lounge } = await start();
    const [ada, bob] = [await enter(url, 'ada'), await enter(url, 'bob')];
    for (const text of ['one', 'two', 'three']) await lounge.publish({ text });
    await ada.ask({ type: 'subscribe', stream: ':unread' });
    await bob.ask({ type: 'subscribe', stream: 'lounge/attic:markers' });
    expect(await ada.ask({ type: 'mark', stream: 'lounge/attic', offset: 1 })).toMatchObject({ type: 'ok' });
    await ada.next((message) => isRows(message) && message.set?.['lounge/attic']?.unread === 2);
    await bob.next((message) => isRows(message) && message.set?.ada?.offset === 1);
    await lounge.mark('ada', 3);
    await ada.next((message) => isRows(message) && message.patch?.['lounge/attic']?.unread === 0);
    await expect(lounge.mark('ada', 4)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('t.log', () => {
  it('refuses what makes no sense', () => {
    const t = trunkline({ authenticate: () => null });
    expect(() => t.log([], { entry, presence: { graceMs: -1 } })).toThrow('graceMs');
    expect(() => t.log([], { entry, signals: { ['n'.repeat(65)]: z.number() } })).toThrow('1 to 64');
    expect(() => t.log([], { entry, signals: { typing: {} as never } })).toThrow('Standard Schema');
    t.log([], { entry, presence: { graceMs: 0 }, signals: { ['n'.repeat(64)]: z.number() } });
  });
});
