// `trunk.close` over real sockets: moving, the goodbye, what is in work, and that the end comes whatever peers and hooks do.

import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type Broker, memoryBroker } from '@trunkline/broker';
import { CLOSE, type Item } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { attach, type ServeOptions, serve, trunkline } from '../src/index.js';
import { chatApp, listeningLog, served } from './support/app.js';
import { Dialled, dialTcp, enter, rawLine } from './support/dial.js';

const open: { close(options?: { deadlineMs: number }): unknown }[] = [];
const loose: Socket[] = [];
afterEach(async () => {
  for (const socket of loose.splice(0)) socket.destroy();
  for (const one of open.splice(0)) await one.close({ deadlineMs: 0 });
});
async function start(options: Partial<ServeOptions> = {}) {
  const server = await served(options);
  open.push(server.trunk);
  return server;
}

/** A client that knows how to move. */
async function mover(url: string, token = 'ada'): Promise<Dialled> {
  const dialled = new Dialled(`${url}/line`);
  await dialled.opened;
  dialled.say({ type: 'hello', version: 1, token, features: ['drain'] });
  expect((await dialled.type('welcome')).features).toContain('drain');
  return dialled;
}

/** One store for several servers, which each of them thinks its own. */
function sharedStore(): Broker {
  return Object.assign(memoryBroker(), { close: async () => {} });
}

const publish = (seq: number, text: string) => ({
  type: 'publish',
  stream: 'chat/lobby',
  producer: 'tab',
  seq,
  data: { text },
});

/** What the connection has seen of its one stream. */
const seen = ({ messages }: Dialled): Item[] =>
  messages.flatMap((message) => (message.type === 'entries' ? message.items : [])) as Item[];

async function ask(url: string, agent: Agent): Promise<IncomingMessage> {
  const request = get(url, { agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
  return response;
}

describe('close({ drainMs })', () => {
  it('lets clients move to a server that takes the port, without a moment between: nothing lost, nothing twice', async () => {
    const broker = sharedStore();
    const before = await start({ broker });
    const old = await mover(before.url);
    await old.ask({ type: 'subscribe', stream: 'chat/lobby', last: 0 });
    await old.ask(publish(1, 'one'));
    const closing = before.trunk.close({ drainMs: 60_000, spreadMs: 900 });
    expect(await old.type('drain')).toEqual({ type: 'drain', withinMs: 60_000, spreadMs: 900 });

    // The port is free at once, and the old connection is served as before.
    const after = await start({ broker, port: before.port });
    expect(await old.ask(publish(2, 'two'))).toMatchObject({ type: 'ok', offset: 2 });
    const moved = await mover(after.url);
    const [last] = seen(old).slice(-1);
    const { epoch } = (await old.next((message) => message.type === 'ok' && 'offset' in message)) as { epoch: string };
    expect(
      await moved.ask({
        type: 'subscribe',
        stream: 'chat/lobby',
        after: { epoch, offset: last?.offset, at: last?.at },
      }),
    ).toMatchObject({ type: 'ok', from: 2 });
    // Both connections are live until the client has the new one: an entry meanwhile comes over both.
    expect(await moved.ask(publish(3, 'three'))).toMatchObject({ type: 'ok', offset: 3 });
    await old.next((message) => message.type === 'entries' && message.to === 3);
    old.socket.close(1000);
    expect(await old.closed).toMatchObject({ code: 1000, wasClean: true });

    // Nobody is left, so it is over long before its time.
    await closing;
    expect(before.store.closed).toBe(1);
    expect(old.messages.some(({ type }) => type === 'goodbye')).toBe(false);
    expect([...seen(old), ...seen(moved)].map(({ offset }) => offset)).toEqual([1, 2, 3, 3]);
  });

  it('says goodbye to who did not move when its time is over, with the spread that was asked for', async () => {
    const { trunk, url } = await start();
    const [able, old] = [await mover(url), await enter(url, 'bob')];
    const closing = trunk.close({ drainMs: 60, spreadMs: 4_000 });
    expect(await able.type('drain')).toEqual({ type: 'drain', withinMs: 60, spreadMs: 60 });
    for (const peer of [able, old]) {
      expect(await peer.type('goodbye')).toMatchObject({ code: CLOSE.goingAway, afterMs: 0, spreadMs: 4_000 });
      expect(await peer.closed).toMatchObject({ code: CLOSE.goingAway, wasClean: true });
    }
    expect(old.messages.some(({ type }) => type === 'drain')).toBe(false);
    await closing;
  });

  it('turns /healthz to 503 at once where a connection stands, and refuses new ones', async () => {
    const { trunk, url, port } = await start();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(`${url}/healthz`, agent)).statusCode).toBe(200);
    const peer = await mover(url);
    const closing = trunk.close({ drainMs: 60_000 });
    expect(trunk.health()).toMatchObject({ status: 'draining', connections: 1 });
    const answer = await ask(`${url}/healthz`, agent);
    expect([answer.statusCode, answer.headers.connection]).toEqual([503, 'close']);
    await expect(ask(`${url}/healthz`, agent)).rejects.toMatchObject({ code: 'ECONNREFUSED', port });
    const late = new Dialled(`${url}/line`);
    expect(await late.closed).toMatchObject({ code: 1006 });
    expect((await peer.ask({ type: 'ping' })).type).toBe('pong');
    peer.socket.close(1000);
    await closing;
    agent.destroy();
  });

  it('refuses a handshake on a connection that stands, as a proxy may keep some', async () => {
    const { trunk, url, port, log } = await start();
    const peer = await mover(url);
    const proxy = dialTcp(port);
    loose.push(proxy);
    proxy.write('GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(String((await once(proxy, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /);
    const closing = trunk.close({ drainMs: 60_000 });
    proxy.write(
      'GET /line HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    expect(String((await once(proxy, 'data'))[0])).toMatch(/^HTTP\/1.1 503 /);
    expect(log).toEqual([]);
    peer.socket.close(1000);
    await closing;
  });

  it('of a server that is attached leaves the HTTP server to its owner', async () => {
    const server = createServer((request, response) => response.end(`own: ${request.url}`)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const trunk = await attach(chatApp(), server, { broker: memoryBroker(), log: listeningLog() });
    expect(trunk.health()).toEqual({ status: 'ok', connections: 0, streams: 0, subscriptions: 0 });
    const peer = await mover(url);
    const closing = trunk.close({ drainMs: 60_000 });
    await peer.type('drain');
    expect(trunk.health()).toMatchObject({ status: 'draining', connections: 1 });
    const late = new Dialled(`${url}/line`);
    expect(await late.closed).toMatchObject({ code: 1006 });
    expect(await (await fetch(`${url}/x`)).text()).toBe('own: /x');
    peer.socket.close(1000);
    await closing;
    expect(server.listenerCount('upgrade')).toBe(0);
    server.close();
    server.closeAllConnections();
  });
});

describe('the end of close()', () => {
  it('waits for a publish in work, and for nothing that comes after the goodbye', async () => {
    let finish = () => {};
    const broker = sharedStore();
    const { trunk, url } = await slowApp(broker, () => new Promise<void>((resolve) => (finish = resolve)));
    const peer = await enter(url);
    const answer = peer.ask(publish(1, 'in work'));
    await hooked;
    const closing = trunk.close();
    await peer.type('goodbye');
    peer.say({ ...publish(2, 'too late'), id: 99 } as never);
    finish();
    expect(await answer).toMatchObject({ type: 'ok', offset: 1 });
    expect(await peer.closed).toMatchObject({ code: CLOSE.goingAway, wasClean: true });
    await closing;
    expect(peer.messages.filter((message) => 'id' in message && message.id === 99)).toEqual([]);
    expect((await broker.readBack('chat/lobby' as never, undefined, { entries: 9 })).offset).toBe(1);
  });

  it('comes whatever hangs: a hook, a client that reads nothing, one that never answers, an HTTP request', async () => {
    const { trunk, url, port } = await slowApp(memoryBroker(), () => new Promise(() => {}), {
      request: (_, response) => void response.write('for ever'),
    });
    const peer = await enter(url);
    void peer.ask(publish(1, 'stuck'));
    await hooked;
    const deaf = await rawLine(port);
    deaf.pause();
    const halfOpen = dialTcp(port, { allowHalfOpen: true });
    const http = dialTcp(port);
    loose.push(deaf, halfOpen, http);
    await once(halfOpen, 'connect');
    http.write('GET /forever HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(http, 'data');
    const sinceMs = performance.now();
    await trunk.close({ deadlineMs: 300 });
    // 300 ms, the half second of the sweep, and a machine that has other things to do. What hangs does so for ever.
    expect(performance.now() - sinceMs).toBeLessThan(30_000);
    expect(peer.messages.at(-1)?.type).toBe('goodbye');
  });

  it('answers the HTTP requests that are on their way, and does not wait for who has asked nothing', async () => {
    let answer = () => {};
    const { trunk, url, port } = await start({
      request: (_, response) => {
        answer = () => void response.end('late, but here');
        isAsked();
      },
    });
    let isAsked = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    const silent = dialTcp(port);
    loose.push(silent);
    await once(silent, 'connect');
    const peer = await enter(url);
    const response = fetch(`${url}/slow`);
    await asked;
    const closing = trunk.close({ deadlineMs: 60_000 });
    // Every WebSocket is gone; the request is what is left.
    await peer.closed;
    answer();
    expect(await (await response).text()).toBe('late, but here');
    await closing;
  });

  it.each([
    ['drainMs', -1],
    ['drainMs', 0.5],
    ['drainMs', 86_400_001],
    ['spreadMs', Number.NaN],
    ['deadlineMs', -1],
    ['deadlineMs', 86_400_001],
  ])('rejects %s %d, and closes nothing', async (name, value) => {
    const { trunk, url } = await start();
    const attempt = trunk.close({ [name]: value });
    await expect(attempt).rejects.toBeInstanceOf(TypeError);
    await expect(attempt).rejects.toThrow(`${name} must be a whole number from 0 to 86400000`);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('takes a day, which is over at once when nobody is there', async () => {
    const { trunk, store } = await start();
    await trunk.close({ drainMs: 86_400_000, spreadMs: 86_400_000, deadlineMs: 86_400_000 });
    expect(store.closed).toBe(1);
  });
});

let hooked: Promise<void>;

/** A chat whose hook waits for `wait`. `hooked` resolves when it does. */
async function slowApp(broker: Broker, wait: () => Promise<void>, options: Partial<ServeOptions> = {}) {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  let isHooked = () => {};
  hooked = new Promise((resolve) => {
    isHooked = resolve;
  });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string() }),
    onPublish: async () => {
      const waiting = wait();
      isHooked();
      await waiting;
    },
  });
  const trunk = await serve(t.app({ channels: { chat } }), { port: 0, broker, log: listeningLog(), ...options });
  open.push(trunk);
  return { trunk, url: trunk.url, port: trunk.port };
}
