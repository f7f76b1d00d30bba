// Our client through deploys: two servers on one store, one after the other, behind a relay that takes newcomers to the one that
// stays, as a load balancer does. Clients that never stop writing show nothing but `live`.

import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { type Broker, memoryBroker } from '@trunkline/broker';
import { connect, type Line } from '@trunkline/client/node';
import { serve, trunkline } from '@trunkline/server';
import { afterEach, expect, it } from 'vitest';
import * as z from 'zod';

const t = trunkline({ authenticate: ({ token }) => (token ? { id: token } : null) });
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.object({ text: z.string() }) }) } });
type App = typeof app;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Passes connections on to whatever `port` is when they come. */
async function relay() {
  const target = { port: 0 };
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connectTcp(target.port, '127.0.0.1');
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => open.delete(one));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    for (const socket of open) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  return { target, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/line` };
}

/** One store for several servers, which each of them thinks its own. */
const shared: Broker = Object.assign(memoryBroker(), { close: async () => {} });

async function start() {
  const trunk = await serve(app, { broker: shared, port: 0, host: '127.0.0.1' });
  ends.push(() => trunk.close({ deadlineMs: 0 }));
  return trunk;
}

/** A client that publishes, three at a time, whenever it has an answer, and notes all that it shows. */
function writer(url: string, name: string) {
  const line: Line<App> = connect<App>(url, { token: name, maxEntries: 100_000 });
  ends.push(() => line.close());
  const chat = line.channel.chat('deploys');
  const shown = new Set<string>();
  const look = () => {
    if (isLive) shown.add(`${line.connection.snapshot().state}, ${chat.snapshot().state}`);
  };
  let isLive = false;
  let isOver = false;
  let written = 0;
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      chat.subscribe(() => holds() && resolve(), { last: 1_000 });
      if (holds()) resolve();
    });
  const live = until(() => {
    isLive ||= chat.snapshot().state === 'live';
    return isLive;
  });
  line.connection.subscribe(look);
  chat.subscribe(look, { last: 1_000 });
  const write = async () => {
    while (!isOver) {
      const three = [1, 2, 3].map(() => chat.publish({ text: `${name} ${++written}` }));
      await Promise.all(three);
    }
  };
  const stop = async (writing: Promise<void>) => {
    isOver = true;
    await writing;
  };
  const texts = () => chat.snapshot().entries.map(({ data }) => data.text);
  return { line, name, chat, shown, live, write, stop, texts, until, written: () => written };
}

it('three deploys under clients that keep writing: nothing lost, nothing twice, in order, and nothing but live is shown', async () => {
  const { target, url } = await relay();
  let trunk = await start();
  target.port = trunk.port;
  const writers = ['ada', 'bob', 'cyd'].map((name) => writer(url, name));
  await Promise.all(writers.map(({ live }) => live));
  const writing = writers.map((one) => one.write());
  const moves: number[] = [];
  for (let deploy = 1; deploy <= 3; deploy++) {
    const sinceMs = performance.now();
    const next = await start();
    target.port = next.port;
    // Resolves when the last client has left: long before it would be told to go.
    await trunk.close({ drainMs: 60_000, spreadMs: 100 });
    moves.push(performance.now() - sinceMs);
    trunk = next;
  }
  await Promise.all(writers.map((one, index) => one.stop(writing[index] ?? Promise.resolve())));
  const total = writers.reduce((sum, { written }) => sum + written(), 0);
  await Promise.all(writers.map((one) => one.until(() => one.texts().length >= total)));

  console.info(`${total} entries over 3 deploys; a deploy took ${moves.map(Math.round).join(', ')} ms`);
  const [first] = writers;
  const all = first?.texts() ?? [];
  for (const { name, shown, texts, chat, line, written } of writers) {
    expect([...shown]).toEqual(['live, live']);
    expect(texts()).toEqual(all);
    expect(all.filter((text) => text.startsWith(name))).toEqual(
      Array.from({ length: written() }, (_, index) => `${name} ${index + 1}`),
    );
    expect(chat.snapshot()).toMatchObject({ pending: [], gap: undefined });
    expect(line.connection.snapshot().lastClose).toEqual({ code: 1000, reason: '', wasClean: true });
  }
  expect(all).toHaveLength(total);
  expect(Math.max(...moves)).toBeLessThan(40_000);
});
