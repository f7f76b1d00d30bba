// SIGTERM under clients, as a deploy sends it.

import { existsSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { openSqliteBroker } from '@trunkline/broker-sqlite';
import { connect } from '@trunkline/client/node';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workshop } from './command.js';
import type { app } from './fixtures/app.mjs';

let workshop: Workshop;
const stops: (() => unknown)[] = [];
beforeEach(() => {
  workshop = new Workshop();
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  await workshop.close();
});

const file = () => join(workshop.folder, 'data/trunkline.db');

async function serving(module: string, ...more: string[]) {
  const running = workshop.start(['start', module, '--port', '0', '--data', join(workshop.folder, 'data'), ...more]);
  const [, url = ''] = await running.outputs(/ is served at (http:\/\/\S+), /);
  return { ...running, url };
}

function client(url: string) {
  const line = connect<typeof app>(`${url}/line`, { token: 'ada' });
  stops.push(() => line.close());
  return line;
}

/** A WebSocket that was opened, and never says or reads anything again. */
function deaf(url: string): Promise<void> {
  const socket = connectTcp({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true });
  stops.push(() => socket.destroy());
  socket.on('error', () => {});
  socket.write(
    'GET /line HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  return new Promise((resolve) =>
    socket.once('data', () => {
      socket.pause();
      resolve();
    }),
  );
}

describe('SIGTERM', () => {
  it('ends with 0, and leaves a file that is whole and free at once', async () => {
    const { child, ended, url } = await serving('app.mjs');
    const room = client(url).channel.chat('lobby');
    for (const text of ['one', 'two', 'three']) await room.publish({ text });
    child.kill('SIGTERM');
    const { code, out, err } = await ended;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('trunkline: SIGTERM: goodbye to 1 client, at most 5 s\n');
    // All of it is in the database: nothing is left in its write-ahead log.
    expect(existsSync(`${file()}-wal`)).toBe(false);
    const broker = await openSqliteBroker(file());
    const { entries } = await broker.readBack('chat/lobby' as never, undefined, { entries: 9 });
    await broker.close();
    expect(entries.map(({ data }) => JSON.parse(data))).toEqual([{ text: 'one' }, { text: 'two' }, { text: 'three' }]);
  });

  it('ends with 0 in time, though a hook hangs, a client never answers, and the app holds a timer', async () => {
    const { child, ended, url, outputs } = await serving('stuck-app.mjs');
    const hanging = client(url).channel.chat('lobby').publish({ text: 'hang' });
    hanging.catch(() => {});
    await outputs(/^the hook hangs$/m);
    await deaf(url);
    const sinceMs = performance.now();
    child.kill('SIGTERM');
    const { code, out } = await ended;
    expect(code).toBe(0);
    expect(out).toContain('trunkline: SIGTERM: goodbye to 2 clients, at most 5 s\n');
    // 5 s, half a second of the sweep, a second for the app's own leftovers; and a machine with other things to do. The hook hangs for ever.
    expect(performance.now() - sinceMs).toBeLessThan(30_000);
  });

  it('lets clients move for as long as --drain says, and a second one ends at once', async () => {
    const { child, ended, url, outputs } = await serving('app.mjs', '--drain', '3600');
    await deaf(url);
    child.kill('SIGTERM');
    await outputs(/^trunkline: SIGTERM: 1 client may move for 3600 s; then goodbye to who is left, at most 5 s$/m);
    // The port is free already.
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
    // What comes within a second counts as the first signal, so it is sent until it is obeyed.
    const again = setInterval(() => child.kill('SIGTERM'), 100);
    stops.push(() => clearInterval(again));
    expect((await ended).code).toBe(143);
  });

  it('does not wait for --drain when nobody is there', async () => {
    const { child, ended } = await serving('app.mjs', '--drain', '3600');
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, err: '' });
  });
});
