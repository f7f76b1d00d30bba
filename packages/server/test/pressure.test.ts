// Peers that read slowly, or never, or send rubbish, through real TCP: what is held for them stays bounded, others do not notice.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { seeded } from '@trunkline/broker/contract';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LineServer, lineServer } from '../src/line.js';
import { fillIn } from '../src/options.js';
import { chatApp, listeningLog } from './support/app.js';
import { enter, frame, rawLine } from './support/dial.js';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
const sockets: Socket[] = [];
let log: ReturnType<typeof listeningLog>;
let http: Server;
let line: LineServer;
let port: number;
let url: string;

beforeEach(async () => {
  process.on('unhandledRejection', onUnhandled);
  log = listeningLog();
  const options = fillIn({ broker: memoryBroker(), log, limits: { publishBurst: 100_000 }, ringBytes: 1_000_000 });
  line = lineServer(chatApp(), options, () => ({ allowed: [], isLoopbackServer: true, isProduction: false }));
  http = createServer().listen(0, '127.0.0.1');
  await once(http, 'listening');
  line.attach(http);
  ({ port } = http.address() as AddressInfo);
  url = `http://127.0.0.1:${port}`;
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await line.close({ drainMs: 0, spreadMs: 0, deadlineMs: 0 });
  expect(line.engine.sessions.size).toBe(0);
  http.close();
  await once(http, 'close');
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled.splice(0)).toEqual([]);
});

async function raw(): Promise<Socket> {
  const socket = await rawLine(port);
  sockets.push(socket);
  return socket;
}
const hello = frame('{"type":"hello","version":1,"token":"slow"}');

/** Bytes that wait for the connection for which most wait. */
function mostBuffered(): number {
  return Math.max(...[...line.engine.sessions].map(({ connection }) => connection.bufferedBytes));
}

/** Calls `take` with what a socket receives, as text, until it says that it has enough. */
async function readUntil(socket: Socket, take: (text: string) => boolean): Promise<void> {
  let rest = '';
  for await (const chunk of socket) {
    rest += (chunk as Buffer).toString('latin1');
    if (take(rest)) return;
    // Enough to find what was cut.
    rest = rest.slice(-200);
  }
}

describe('SUB-10: a peer that does not read', () => {
  it('holds up nobody, costs no more than a buffer and a slice, and gets everything once it reads again', async () => {
    const slow = await raw();
    slow.write(Buffer.concat([hello, frame('{"type":"subscribe","id":1,"stream":"chat/a"}')]));
    await once(slow, 'data');
    slow.pause();
    const fast = await enter(url);
    await fast.ask({ type: 'subscribe', stream: 'chat/a' });
    // 36 MB: far more than the kernel's buffers take.
    const text = 'x'.repeat(60_000);
    const count = 600;
    let most = 0;
    for (let n = 1; n <= count; n++) {
      await line.engine.publish('chat', ['a'], { text });
      await fast.next((message) => message.type === 'entries' && message.to >= n);
      fast.messages.length = 0;
      most = Math.max(most, mostBuffered());
    }
    expect(most).toBeGreaterThan(200_000);
    expect(most).toBeLessThan(262_144 + 70_000);
    let last = 0;
    await readUntil(slow, (seen) => {
      for (const [, offset] of seen.matchAll(/\{"offset":(\d+),/g)) {
        const next = Number(offset);
        if (last !== 0 && next !== last && next !== last + 1) throw new Error(`${next} came after ${last}`);
        last = next;
      }
      most = Math.max(most, mostBuffered());
      return last === count;
    });
    expect(most).toBeLessThan(262_144 + 70_000);
  });

  it('is not worked for while it sends and never reads', async () => {
    await line.engine.publish('chat', ['a'], { text: 'x'.repeat(60_000) });
    const greedy = await raw();
    greedy.pause();
    greedy.write(hello);
    // 60 MB of answers would come of it.
    const count = 1_000;
    const read = (id: number) => frame(`{"type":"read","id":${id},"stream":"chat/a","before":9,"limit":1}`);
    greedy.write(Buffer.concat(Array.from({ length: count }, (_, index) => read(index + 1))));
    const other = await enter(url);
    let most = 0;
    for (let n = 0; n < 300; n++) {
      expect((await other.ask({ type: 'ping' })).type).toBe('pong');
      most = Math.max(most, mostBuffered());
    }
    expect(most).toBeGreaterThan(200_000);
    // A full buffer, and the eight pages that were in work.
    expect(most).toBeLessThan(262_144 + 8 * 70_000);
    let last = 0;
    await readUntil(greedy, (seen) => {
      for (const [, id] of seen.matchAll(/\{"type":"ok","id":(\d+),/g)) last = Number(id);
      return last === count;
    });
  });
});

describe('rubbish', () => {
  it('of any kind ends nothing but its own connection', async () => {
    const random = seeded(7);
    const below = (n: number) => Math.floor(random() * n);
    const pieces = [
      '{"type":"publish","id":1,',
      '"stream":"chat/a"',
      '{',
      '}',
      '[',
      '"',
      '\n',
      'null',
      '\u0000',
      'ä',
      '"type":',
      '__proto__',
    ];
    const other = await enter(url);
    for (let round = 0; round < 60; round++) {
      const socket = await raw();
      const ended = once(socket, 'close');
      if (round % 2 === 0) socket.write(hello);
      for (let n = below(30); n >= 0; n--) {
        const text = Array.from({ length: below(6) }, () => pieces[below(pieces.length)]).join('');
        if (round % 3 === 0 && n === 0) socket.write(Buffer.from(Array.from({ length: 40 }, () => below(256))));
        else socket.write(frame(text, random() < 0.1 ? 2 : 1));
      }
      if (random() < 0.5) socket.destroy();
      else socket.end();
      socket.resume();
      await ended;
    }
    expect((await other.ask({ type: 'ping' })).type).toBe('pong');
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('a connection that is cut while it publishes: the entry is stored, and nothing is left', async () => {
    for (let n = 0; n < 20; n++) {
      const socket = await raw();
      const ended = once(socket, 'close');
      const publish = `{"type":"publish","id":1,"stream":"chat/a","producer":"p${n}","seq":1,"data":{"text":"${n}"}}`;
      socket.write(Buffer.concat([hello, frame(`${publish}\n{"type":"subscribe","id":2,"stream":"chat/a"}`)]));
      if (n % 2 === 0) await once(socket, 'data');
      socket.resetAndDestroy();
      await ended;
    }
    const other = await enter(url);
    expect(await other.ask({ type: 'subscribe', stream: 'chat/a', last: 100 })).toMatchObject({ type: 'ok' });
    expect((await other.ask({ type: 'ping' })).type).toBe('pong');
  });
});
