// The chat over HTTP requests, under the client that shows it: a real server, the real client, and polls in the place of a WebSocket.

import { memoryBroker } from '@trunkline/broker';
import { connect, type Line } from '@trunkline/client';
import { connect as connectNode } from '@trunkline/client/node';
import { serve } from '@trunkline/server';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Polling } from '../client/polling/polling-socket.js';
import { type App, demoApp } from '../server/app.js';
import { Guests } from '../server/guests.js';

const guests = new Guests(new Uint8Array(32).fill(7));
const stops: (() => unknown)[] = [];
afterEach(async () => {
  while (stops.length > 0) await stops.pop()?.();
  vi.unstubAllGlobals();
});

const QUIET = { warn() {}, error() {} };

async function startServer(port = 0, broker = memoryBroker()) {
  const trunk = await serve(demoApp(guests), { port, broker, log: QUIET });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  return trunk;
}

/** Every request that was sent, as `METHOD path`. */
function noteRequests(): string[] {
  const asked: string[] = [];
  const { fetch } = globalThis;
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const { pathname, search } = new URL(url);
    asked.push(`${init.method} ${pathname}${search.replace(/&epoch=\w+/, '')}`);
    return fetch(url, init);
  });
  return asked;
}

async function poller(port: number, intervalMs = 10, token?: string, onProblem: (problem: string) => void = () => {}) {
  const pass = await guests.issue('Ada', undefined);
  const user = { id: pass.id, name: pass.name };
  const polling = new Polling({ origin: `http://127.0.0.1:${port}`, user, headers: {}, intervalMs, besideMs: 0 });
  const line: Line<App> = connect<App>(`ws://127.0.0.1:${port}/line`, {
    token: token ?? pass.token,
    socket: polling.open,
    onProblem: ({ message }) => onProblem(message),
    random: () => 0,
  });
  stops.push(() => line.close());
  return { line, polling, pass };
}

type Room = ReturnType<Line<App>['channel']['chat']>;

/** Resolves when the log is as wanted. */
function until(room: Room, isSo: (snapshot: ReturnType<Room['snapshot']>) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo(room.snapshot())) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = room.subscribe(look, { last: 3 });
    stops.push(unsubscribe);
    room.open({ last: 3 });
    look();
  });
}
const texts = (room: Room) => room.snapshot().entries.map(({ data }) => data?.text ?? '');

describe('a chat that polls', () => {
  it('begins with the newest messages, reads older ones, and shows what others write at the next poll', async () => {
    const trunk = await startServer();
    for (const text of ['1', '2', '3', '4', '5']) await trunk.channel.chat('lobby').publish({ text });
    const { line } = await poller(trunk.port);
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    expect(texts(room)).toEqual(['3', '4', '5']);
    await trunk.channel.chat('lobby').publish({ text: '6' });
    await until(room, ({ entries }) => entries.length === 4);
    await room.loadOlder();
    expect(texts(room)).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(room.snapshot().hasOlder).toBe(false);
  });

  it('reads on until it has all that came between two polls', async () => {
    const trunk = await startServer();
    const { line, polling } = await poller(trunk.port, 60_000);
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    // Three pages, as one holds 64 KB.
    for (let n = 1; n <= 90; n += 1) await trunk.channel.chat('lobby').publish({ text: `${n} ${'x'.repeat(1_900)}` });
    polling.intervalMs = 10;
    await until(room, ({ entries }) => entries.length === 90);
    expect(texts(room).map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: 90 }, (_, n) => n + 1));
  });

  it('writes with POST and knows its own message: it is shown once, under the key that it had while it was sent', async () => {
    const trunk = await startServer();
    const { line, pass } = await poller(trunk.port, 60_000);
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    const published = room.publish({ text: 'hello' });
    const key = room.snapshot().pending[0]?.key;
    await published;
    await until(room, ({ entries }) => entries.length === 1);
    expect(room.snapshot().pending).toEqual([]);
    expect(room.snapshot().entries[0]).toMatchObject({
      key,
      user: { id: pass.id, name: 'Ada' },
      data: { text: 'hello' },
    });
  });

  it('may ask for the interval and for its own message at once', async () => {
    const trunk = await startServer();
    const problems: string[] = [];
    const { line } = await poller(trunk.port, 1, undefined, (problem) => problems.push(problem));
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    for (let n = 1; n <= 40; n += 1) await room.publish({ text: String(n) });
    await until(room, ({ entries }) => entries.length === 40);
    expect(problems).toEqual([]);
  });

  it('tells what the rules refuse', async () => {
    const trunk = await startServer();
    const { line } = await poller(trunk.port);
    await expect(line.channel.chat('lobby').publish({ text: ' ' })).rejects.toMatchObject({
      code: 'refused',
      refusal: 'empty',
    });
    const room = line.channel.chat('no such room, as it has spaces around '.repeat(9));
    await until(room, ({ state }) => state === 'refused');
    expect(room.snapshot().error?.code).toBe('forbidden');
  });

  it('is refused with a token that is not taken', async () => {
    const trunk = await startServer();
    const { line } = await poller(trunk.port, 10, 'nobody');
    await until(line.channel.chat('lobby'), () => line.connection.snapshot().state === 'refused');
    expect(line.connection.snapshot().lastClose?.code).toBe(4501);
  });

  it('comes back when the server does, without a hole, and stores what was written meanwhile once', async () => {
    const broker = Object.assign(memoryBroker(), { close: async () => {} });
    const first = await startServer(0, broker);
    const { line } = await poller(first.port);
    const room = line.channel.chat('lobby');
    await first.channel.chat('lobby').publish({ text: 'before' });
    await until(room, ({ entries }) => entries.length === 1);
    await first.close({ deadlineMs: 0 });
    await until(room, ({ state }) => state === 'offline');
    const written = room.publish({ text: 'meanwhile' });
    const second = await startServer(first.port, broker);
    await second.channel.chat('lobby').publish({ text: 'after' });
    await written;
    await until(room, ({ entries }) => entries.length === 3);
    expect(texts(room).toSorted()).toEqual(['after', 'before', 'meanwhile']);
    const { entries } = await broker.readBack('chat/lobby' as never, undefined, { entries: 9 });
    expect(entries).toHaveLength(3);
  });

  it('tells of another history', async () => {
    const broker = memoryBroker();
    const trunk = await startServer(0, broker);
    await trunk.channel.chat('lobby').publish({ text: 'old' });
    const { line } = await poller(trunk.port);
    const room = line.channel.chat('lobby');
    await until(room, ({ entries }) => entries.length === 1);
    await broker.remove('chat/lobby' as never);
    await trunk.channel.chat('lobby').publish({ text: 'new' });
    await until(room, ({ gap }) => gap !== undefined);
    await until(room, ({ entries }) => entries.length === 1);
    expect([texts(room), room.snapshot().gap?.reason]).toEqual([['new'], 'epoch']);
  });

  it('asks as often as it is told, with one request at a time, and stops when nobody looks', async () => {
    const trunk = await startServer();
    const asked = noteRequests();
    const { line, polling } = await poller(trunk.port, 60_000);
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    expect(asked.slice(0, 2)).toEqual([
      'GET /v1/channels/chat/lobby/entries?limit=3',
      'GET /v1/channels/chat/lobby/entries?after=0&limit=500',
    ]);
    polling.intervalMs = 5;
    const polls = () => asked.length;
    await vi.waitUntil(() => polls() > 6, { interval: 1, timeout: 30_000 });
    await line.close();
    const after = polls();
    await new Promise((resolve) => setImmediate(resolve));
    expect(polls()).toBe(after);
  });

  it('edits, deletes and reacts by PATCH, PUT and DELETE, and sees what others do to messages', async () => {
    const trunk = await startServer();
    const asked = noteRequests();
    const { line, pass } = await poller(trunk.port);
    const room = line.channel.chat('lobby');
    await until(room, ({ state }) => state === 'live');
    const { offset } = await room.publish({ text: 'helo' });
    const other = await trunk.channel.chat('lobby').publish({ text: 'of the server' });
    await room.edit(offset, { text: 'hello' });
    await room.react(offset, '👍');
    await room.react(other.offset, '🏳️‍🌈');
    await until(room, ({ entries }) => entries[1]?.reactions['🏳️‍🌈'] !== undefined);
    expect(room.snapshot().entries).toMatchObject([
      { data: { text: 'hello' }, editedAt: expect.any(Number), reactions: { '👍': [pass.id] } },
      { data: { text: 'of the server' }, reactions: { '🏳️‍🌈': [pass.id] } },
    ]);
    await room.unreact(offset, '👍');
    await room.delete(offset);
    await until(room, ({ entries }) => entries[0]?.deletedAt !== undefined);
    expect(room.snapshot().entries[0]).toMatchObject({ data: undefined, reactions: {} });
    await trunk.channel.chat('lobby').edit(other.offset, { text: 'put right' });
    await until(room, ({ entries }) => entries[1]?.data?.text === 'put right');
    await expect(room.edit(other.offset, { text: 'mine' })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(room.edit(offset, { text: 'again' })).rejects.toMatchObject({ code: 'conflict' });
    const at = `/v1/channels/chat/lobby/entries/${offset}`;
    expect(asked.filter((one) => one.includes(at)).slice(0, 4)).toEqual([
      `PATCH ${at}`,
      `PUT ${at}/reactions/${encodeURIComponent('👍')}`,
      `DELETE ${at}/reactions/${encodeURIComponent('👍')}`,
      `DELETE ${at}`,
    ]);
  });

  it('shows who is here, who has read what and what is unread, and tells what it has read itself', async () => {
    const trunk = await startServer();
    const { line, pass } = await poller(trunk.port);
    const room = line.channel.chat('lobby');
    const bobs = await guests.issue('Bob', undefined);
    const bob = connectNode<App>(`ws://127.0.0.1:${trunk.port}/line`, { token: bobs.token });
    stops.push(() => bob.close());
    const there = bob.channel.chat('lobby');
    stops.push(there.open());
    const person = { id: bobs.id, name: 'Bob' };
    await told(room.presence, ({ people, count }) => count === 1 && people[0]?.user.name === 'Bob');
    expect(room.presence.snapshot().people).toEqual([{ user: person, since: expect.any(Number) }]);

    const { offset } = await there.publish({ text: 'one' });
    there.mark(offset);
    await told(room.readers, ({ readers }) => readers.length === 1);
    expect(room.readers.snapshot().readers).toEqual([{ user: person, offset }]);
    room.mark(offset);
    await told(there.readers, ({ readers }) => readers.some(({ user }) => user.id === pass.id));
    await there.publish({ text: 'two' });
    await told(room.unread, ({ unread }) => unread === 1);
    expect(room.unread.snapshot()).toEqual({ unread: 1, more: false, mark: offset, isFollowing: true });

    // Whoever polls the log is here, until they leave it.
    const leave = room.open();
    await told(there.presence, ({ people }) => people.some(({ user }) => user.id === pass.id));
    leave();
    await told(there.presence, ({ people }) => people.every(({ user }) => user.id !== pass.id));

    await bob.close();
    await told(room.presence, ({ count }) => count === 0);
    expect(room.presence.snapshot().people).toEqual([]);
  }, 45_000);
});

/** Resolves when a store shows what is wanted. */
function told<T>(
  store: { subscribe(onChange: () => void): () => void; snapshot(): T },
  isSo: (now: T) => boolean,
): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (isSo(store.snapshot())) resolve();
    };
    stops.push(store.subscribe(look));
    look();
  });
}
