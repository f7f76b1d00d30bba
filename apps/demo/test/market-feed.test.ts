// The plain feed: every tick to everyone, so many readers and no more, and an end for those who do not read.

import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PLAIN_BUFFER_BYTES_MAX, PLAIN_READERS_MAX, PlainFeed } from '../server/market/plain-feed.js';

let feed: PlainFeed;
let server: Server;
let url = '';
const open: IncomingMessage[] = [];

beforeEach(async () => {
  feed = new PlainFeed();
  server = createServer((request, response) => feed.answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  for (const response of open.splice(0)) response.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function read(headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => {
      response.on('error', () => {});
      open.push(response);
      resolve(response);
    }).on('error', reject);
  });
}

const lineOf = (response: IncomingMessage) =>
  new Promise<string>((resolve) => response.once('data', (bytes: Buffer) => resolve(bytes.toString())));

describe('the plain feed', () => {
  it('writes each tick as a line to all', async () => {
    const [one, two] = [await read(), await read()];
    expect(feed.readers).toBe(2);
    const lines = [lineOf(one), lineOf(two)];
    feed.send({ at: 5, prices: { AMFO: 1.5 } });
    expect(await Promise.all(lines)).toEqual(Array(2).fill('{"at":5,"prices":{"AMFO":1.5}}\n'));
  });

  it('has a place for so many, and not for one more, until one leaves', async () => {
    const all = await Promise.all(Array.from({ length: PLAIN_READERS_MAX }, () => read()));
    expect(all.map(({ statusCode }) => statusCode)).toEqual(Array(PLAIN_READERS_MAX).fill(200));
    expect((await read()).statusCode).toBe(503);
    all[0]?.destroy();
    await expect.poll(() => feed.readers).toBe(PLAIN_READERS_MAX - 1);
    expect((await read()).statusCode).toBe(200);
  });

  it('cuts off who does not read when too much waits, and not before', async () => {
    const response = await read();
    response.pause();
    const gone = new Promise((resolve) => response.once('close', resolve));
    const tick = { at: 1, prices: { ['x'.repeat(1_048_576)]: 1 } };
    let sent = 0;
    // What kernels take comes first.
    while (feed.readers === 1) {
      feed.send(tick);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent * 1_048_576).toBeGreaterThan(PLAIN_BUFFER_BYTES_MAX);
    response.resume();
    await gone;
  });

  it('is for pages of its own origin, and only to read', async () => {
    expect((await read({ origin: 'https://elsewhere.example' })).statusCode).toBe(403);
    expect((await fetch(url, { method: 'POST' })).status).toBe(405);
    expect(feed.readers).toBe(0);
  });
});
