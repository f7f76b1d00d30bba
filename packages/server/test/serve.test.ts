// An app on a port of its own, through real sockets.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { CLOSE, type StreamName } from '@trunkline/protocol';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { ListenError, serve, trunkline } from '../src/index.js';
import { chatApp, listeningLog, served } from './support/app.js';
import { Dialled, dialTcp, enter, frame, rawLine } from './support/dial.js';

const open: { close(options?: { deadlineMs: number }): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close({ deadlineMs: 0 });
});
async function start(...args: Parameters<typeof served>) {
  const server = await served(...args);
  open.push(server.trunk);
  return server;
}

describe('TRA-1: the endpoint', () => {
  it('answers a plain GET with 426 and a sentence', async () => {
    const { url } = await start();
    for (const path of ['/line', '/line?x=1']) {
      const response = await fetch(url + path);
      expect(response.status).toBe(426);
      expect(response.headers.get('upgrade')).toBe('websocket');
      expect(await response.text()).toMatch(/^This is a WebSocket endpoint: .*\.\n$/);
    }
  });

  it('answers everything else with 404, or hands it to the request handler', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/lines`)).status).toBe(404);
    const own = await start({ request: (_, response) => response.end('mine') });
    expect(await (await fetch(`${own.url}/`)).text()).toBe('mine');
    expect((await fetch(`${own.url}/line`)).status).toBe(426);
  });

  it('gives up a connection whose request does not come in time', async () => {
    const { trunk } = await start({ helloTimeoutMs: 200 });
    const mute = dialTcp(trunk.port);
    const answer: Buffer[] = [];
    mute.on('data', (bytes) => answer.push(bytes));
    mute.write('GET /line HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    await once(mute, 'close');
    expect(Buffer.concat(answer).toString()).toMatch(/^HTTP\/1.1 408 /);
  });

  it('can have another path', async () => {
    const { url } = await start({ path: '/live' });
    expect((await fetch(`${url}/line`)).status).toBe(404);
    const peer = new Dialled(`${url}/live`);
    await peer.opened;
    const lost = new Dialled(`${url}/line`);
    expect(await lost.closed).toMatchObject({ code: 1006 });
    peer.socket.close();
  });
});

describe('TRA-2: the subprotocol', () => {
  it.each([
    [['trunkline.v1.json'], 'trunkline.v1.json'],
    [['other', 'trunkline.v1.json'], 'trunkline.v1.json'],
    [[], ''],
  ])('of %j is %j, and the connection is served', async (protocols, chosen) => {
    const { url } = await start();
    const peer = new Dialled(`${url}/line`, { protocols });
    await peer.opened;
    expect(peer.socket.protocol).toBe(chosen);
    peer.say({ type: 'hello', version: 1, token: 'ada' });
    expect((await peer.type('welcome')).user).toEqual({ id: 'ada', name: 'ADA' });
  });
});

describe('TRA-3: a message', () => {
  it('may hold several objects, blank lines and unknown fields', async () => {
    const { url } = await start();
    const peer = new Dialled(`${url}/line`);
    await peer.opened;
    peer.say(
      '{"type":"hello","version":1,"token":"ada","later":true}',
      '',
      '{"type":"ping","id":1}\r',
      '{"type":"ping","id":2}',
      '',
    );
    await peer.next((message) => message.type === 'pong' && message.id === 2);
    expect(peer.messages.map(({ type }) => type)).toEqual(['welcome', 'pong', 'pong']);
  });

  it('may be thousands of tiny ones in one chunk', async () => {
    const { port } = await start();
    const socket = await rawLine(port);
    const pings = Array.from({ length: 5_000 }, (_, index) => frame(`{"type":"ping","id":${index + 1}}`));
    socket.write(Buffer.concat([frame('{"type":"hello","version":1,"token":"ada"}'), ...pings]));
    let text = '';
    for await (const chunk of socket) {
      text += String(chunk);
      if (text.includes('"id":5000,')) break;
    }
    expect(text.match(/"pong"/g)).toHaveLength(5_000);
  });
});

describe('TRA-5: a message that is too large', () => {
  it.each([
    [0, undefined],
    [1, 1009],
  ])('of %i bytes above the limit', async (above, code) => {
    const { url } = await start({ limits: { maxMessageBytes: 1_000 } });
    const peer = await enter(url);
    const ping = '{"type":"ping","id":1}';
    peer.say(`${' '.repeat(1_000 - ping.length + above)}${ping}`);
    if (code === undefined) await peer.type('pong');
    else expect(await peer.closed).toMatchObject({ code });
  });
});

describe('TRA-4: a binary message', () => {
  it('is answered with an error, and the connection goes on', async () => {
    const { url } = await start();
    const peer = await enter(url);
    peer.socket.send(new Uint8Array([1, 2, 3]));
    expect(await peer.type('error')).toMatchObject({ code: 'invalid' });
    expect((await peer.ask({ type: 'ping' })).type).toBe('pong');
  });
});

describe('an app', () => {
  it('delivers what is published to who subscribed, and to the hooks', async () => {
    const { url, trunk } = await start();
    const [ada, bob] = [await enter(url), await enter(url, 'bob')];
    expect(await ada.ask({ type: 'subscribe', stream: 'chat/lobby' })).toMatchObject({ type: 'ok', head: 0 });
    await bob.ask({ type: 'publish', stream: 'chat/lobby', producer: 'p', seq: 1, data: { text: 'audit', more: 1 } });
    const { items } = await ada.type('entries');
    expect(items).toMatchObject([{ offset: 1, user: { id: 'bob', name: 'BOB' }, data: { text: 'audit' } }]);
    expect(await ada.ask({ type: 'read', stream: 'audit', before: 9, limit: 9 })).toMatchObject({
      items: [{ data: { what: 'bob wrote' } }],
    });
    expect(await trunk.channel.chat('lobby').publish({ text: 'from the server' })).toMatchObject({ offset: 2 });
    const live = await ada.next((message) => message.type === 'entries' && message.to === 2);
    expect(live).toMatchObject({ items: [{ offset: 2, data: { text: 'from the server' } }] });
    expect(live).not.toHaveProperty('items.0.user');
  });

  it('refuses by schema, by rule and by hook', async () => {
    const { url } = await start();
    const peer = await enter(url);
    const publish = (room: string, data: unknown, seq: number) =>
      peer.ask({ type: 'publish', stream: `chat/${room}`, producer: 'p', seq, data });
    const invalid = await publish('a', { text: 5 }, 1);
    expect(invalid).toMatchObject({ type: 'error', code: 'invalid' });
    expect(invalid).toHaveProperty('message', expect.stringMatching(/^text: /));
    expect(await publish('staff', { text: 'hi' }, 2)).toMatchObject({ code: 'forbidden' });
    expect(await publish('a', { text: 'rude' }, 3)).toMatchObject({
      code: 'refused',
      refusal: 'rude',
      message: 'Please be kind',
    });
  });

  it('says what is wrong with a handle', async () => {
    const { trunk } = await start();
    await expect(trunk.channel.chat('').publish({ text: '' })).rejects.toThrow('non-empty');
    const wrong = trunk.channel.chat as unknown as (...params: string[]) => unknown;
    expect(() => wrong()).toThrow('chat takes 1 parameters, 0 were given');
    await expect(trunk.channel.chat('x').publish({ text: 'x'.repeat(70_000) })).rejects.toMatchObject({
      code: 'too_large',
    });
  });

  it('tells a hook that reaches for a channel of another app', async () => {
    const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
    const stray = t.log([], { entry: z.string() });
    const log = t.log([], {
      entry: z.string(),
      onPublish: async ({ at }) => {
        await at(stray).publish('x');
      },
    });
    const lines: object[] = [];
    const trunk = await serve(t.app({ channels: { log } }), {
      port: 0,
      broker: memoryBroker(),
      log: { warn: () => {}, error: (details) => void lines.push(details) },
    });
    open.push(trunk);
    const peer = await enter(trunk.url);
    expect(await peer.ask({ type: 'publish', stream: 'log', producer: 'p', seq: 1, data: 'x' })).toMatchObject({
      code: 'internal',
    });
    expect(lines).toMatchObject([{ error: { message: expect.stringContaining('not in the app') } }]);
  });
});

describe('options', () => {
  const broker = memoryBroker();
  it.each([
    ['no broker', {}, /^broker is missing/],
    ['a port that is none', { broker, port: 70_000 }, /^port must be/],
    ['a path without a slash', { broker, path: 'line' }, /^path must begin/],
    ['a path with a query', { broker, path: '/line?x' }, /^path must begin/],
    ['an origin with a path', { broker, origins: ['https://a.example/'] }, /is not an origin/],
    ['an origin without a scheme', { broker, origins: ['a.example'] }, /is not an origin/],
    ['a limit that does not exist', { broker, limits: { maxFun: 1 } }, /there is no limit "maxFun"/],
    ['a limit of 0', { broker, limits: { maxSubscriptions: 0 } }, /maxSubscriptions must be/],
    ['a time that is none', { broker, pingMs: Number.NaN }, /^pingMs must be/],
    ['a time of 0 that ends every connection', { broker, helloTimeoutMs: 0 }, /^helloTimeoutMs must be/],
    ['a part of a millisecond', { broker, pingMs: 0.5 }, /^pingMs must be/],
  ])('%s is a TypeError in one sentence', async (_, options, message) => {
    await expect(serve(chatApp(), options as Parameters<typeof serve>[1])).rejects.toThrow(message);
    await expect(serve(chatApp(), options as Parameters<typeof serve>[1])).rejects.toBeInstanceOf(TypeError);
  });

  it('an app that was not made by t.app is a TypeError', async () => {
    await expect(serve({ channels: {} } as ReturnType<typeof chatApp>, { broker })).rejects.toThrow(
      'make it with t.app',
    );
  });
});

describe('a port that cannot be had', () => {
  let other: Server | undefined;
  afterEach(() => other?.close());

  it('is a ListenError with one clear sentence, and the store is closed', async () => {
    other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const broker = memoryBroker();
    const attempt = serve(chatApp(), { port, broker, log: listeningLog() });
    await expect(attempt).rejects.toBeInstanceOf(ListenError);
    await expect(attempt).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `port ${port} on 127.0.0.1 is in use: stop the program that has it, or choose another port`,
    });
    await expect(broker.readBack('chat/a' as StreamName, undefined, { entries: 1 })).rejects.toThrow('closed');
  });

  it('an address that is not ours says so', async () => {
    // Also by the environment, which says where to bind when the options do not.
    vi.stubEnv('HOST', '203.0.113.2');
    const byEnvironment = serve(chatApp(), { port: 0, broker: memoryBroker() });
    await expect(byEnvironment).rejects.toThrow('203.0.113.2 is not an address of this machine');
    vi.unstubAllEnvs();
    const attempt = serve(chatApp(), { port: 0, host: '203.0.113.1', broker: memoryBroker() });
    await expect(attempt).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL',
      message: '203.0.113.1 is not an address of this machine',
    });
  });

  it('a store that cannot be opened rejects with its own reason', async () => {
    const broker = Object.assign(memoryBroker(), {
      ready: async () => {
        throw new Error('locked');
      },
    });
    await expect(serve(chatApp(), { port: 0, broker })).rejects.toThrow('locked');
    // A port that is taken is told first: who starts a server twice should read that.
    other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    await expect(serve(chatApp(), { port, broker })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    // And nothing is left listening.
    other.close();
    await once(other, 'close');
    await expect(serve(chatApp(), { port, broker })).rejects.toThrow('locked');
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
  });
});

describe('close()', () => {
  it('says goodbye, closes with 1001 cleanly, frees the port, closes the store once', async () => {
    const { trunk, url, port, store } = await start();
    const peers = await Promise.all(Array.from({ length: 5 }, () => enter(url)));
    for (const peer of peers) await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    const closing = trunk.close();
    expect(trunk.close()).toBe(closing);
    for (const peer of peers) {
      expect(await peer.closed).toMatchObject({ code: CLOSE.goingAway, wasClean: true });
      expect(peer.messages.at(-1)).toMatchObject({ type: 'goodbye', code: CLOSE.goingAway, afterMs: 0, spreadMs: 500 });
    }
    await closing;
    expect(store.closed).toBe(1);
    await expect(trunk.channel.chat('lobby').publish({ text: '' })).rejects.toMatchObject({ code: 'unavailable' });
    const again = createServer().listen(port, '127.0.0.1');
    await once(again, 'listening');
    again.close();
  });

  it('cuts off who does not answer, after the deadline', async () => {
    const { trunk, port } = await start();
    const deaf = await rawLine(port);
    deaf.pause();
    const halfOpen = await rawLine(port);
    await trunk.close({ deadlineMs: 50 });
    deaf.destroy();
    halfOpen.destroy();
  });

  it('ends connections that wait for an authenticate that never answers', async () => {
    const t = trunkline({ authenticate: () => new Promise<null>(() => {}) });
    const trunk = await serve(t.app({ channels: {} }), { port: 0, broker: memoryBroker() });
    const peer = new Dialled(`${trunk.url}/line`);
    await peer.opened;
    peer.say({ type: 'hello', version: 1 });
    await new Promise(setImmediate);
    await trunk.close();
    expect(await peer.closed).toMatchObject({ code: CLOSE.goingAway, wasClean: true });
  });
});
