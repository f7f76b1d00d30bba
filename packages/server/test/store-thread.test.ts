// A thread of the store that dies under a running app: what a probe, a publisher and a subscriber meet.

import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { sqliteBroker } from '@trunkline/broker-sqlite';
import type { Entries, ErrorMessage, PublishOk } from '@trunkline/protocol';
import { afterEach, expect, it, vi } from 'vitest';
import * as z from 'zod';
import { serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { type Dialled, enter } from './support/dial.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
const app = t.app({ channels: { chat: t.log(['room'], { entry: z.object({ n: z.number() }) }) } });

const publish = (peer: Dialled, seq: number) =>
  peer.ask({ type: 'publish', stream: 'chat/lobby', producer: 'tab', seq, data: { n: seq } }) as Promise<
    PublishOk | ErrorMessage
  >;

it('a writer that dies: 503 and "send it again" until the next one is there, and each publish is stored once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-server-'));
  closing.push(() => rm(folder, { recursive: true, force: true }));
  const writers = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  const spy = vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, message: unknown) {
    if (JSON.stringify(message).includes('"burst"')) writers.add(this);
    post.call(this, message);
  });
  closing.push(() => spy.mockRestore());
  let died = () => {};
  const dead = new Promise<void>((resolve) => {
    died = resolve;
  });
  const broker = sqliteBroker(join(folder, 'chat.db'), { onFailure: () => died() });
  const { lines: _, ...log } = listeningLog();
  const trunk = await serve(app, { port: 0, log, broker });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  const health = async () => (await fetch(`${trunk.url}/healthz`)).status;

  const [ada, bob] = [await enter(trunk.url, 'ada'), await enter(trunk.url, 'bob')];
  await bob.ask({ type: 'subscribe', stream: 'chat/lobby' });
  expect(await publish(ada, 1)).toMatchObject({ type: 'ok', offset: 1 });
  expect(await health()).toBe(200);

  const [writer] = writers;
  const gone = once(writer as Worker, 'exit');
  // While it has nothing to do: in the middle of the SQLite binding that would abort the process.
  void writer?.terminate();
  const lost = publish(ada, 2);
  // Whether it was stored nobody knows: it may be answered, if it was faster.
  const answer = await lost;
  if (answer.type === 'error') expect(answer).toMatchObject({ code: 'unavailable', outcome: 'unknown', retry: true });
  await Promise.all([gone, dead]);
  expect(await health()).toBe(503);

  await broker.ready();
  expect(await health()).toBe(200);
  for (const seq of [2, 3]) expect(await publish(ada, seq)).toMatchObject({ type: 'ok', offset: seq });
  await bob.next((message) => message.type === 'entries' && message.to === 3);
  const items = bob.messages.filter((message): message is Entries => message.type === 'entries');
  expect(items.flatMap(({ items: some }) => some.map(({ offset }) => offset))).toEqual([1, 2, 3]);
});
