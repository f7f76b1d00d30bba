// A deploy with somebody to move to: two servers on one store behind a relay, and two pages that keep writing while they are
// moved from one to the other. The servers are the demo's own, in this process: what one store for two processes does is the broker's matter.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBroker } from '@trunkline/broker';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Demo, startDemo } from '../../apps/demo/server/demo.js';
import { launch, newContext, problems } from './support/browser.js';
import { openChat, texts } from './support/chat.js';
import { expectAll, write } from './support/deploy.js';
import { Link } from './support/link.js';
import { noteStates } from './support/states.js';

const folder = mkdtempSync(join(tmpdir(), 'trunkline-move-'));
let browser: Browser;
let context: BrowserContext;
let servers: [Demo, Demo];
let link: Link;

const portOf = ({ address }: Demo): number => Number(new URL(address).port);

beforeAll(async () => {
  const built = new URL('../../apps/demo/dist/server/demo.js', import.meta.url).href;
  const demo = (await import(built)) as { startDemo: typeof startDemo };
  // Each of them thinks the store its own, and closes it.
  const broker = Object.assign(memoryBroker(), { close: async () => {} });
  const feeds = { isOn: false, apiKey: undefined };
  const settings = { port: 0, host: '127.0.0.1', dataFolder: folder, drainMs: 60_000, feeds };
  servers = [await demo.startDemo(settings, broker), await demo.startDemo(settings, broker)];
  link = await Link.to(portOf(servers[0]));
  browser = await launch();
  context = await newContext(browser);
});
afterAll(async () => {
  await browser?.close();
  await link?.close();
  for (const server of servers ?? []) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

it('pages that are told to move show live all the while: nothing lost, nothing twice', async () => {
  const [before, after] = servers;
  const ada = await openChat(context, link.url, 'Ada', 'move');
  const bob = await openChat(context, link.url, 'Bob', 'move');
  const shown = [await noteStates(ada), await noteStates(bob)];
  const writing = Promise.all([write(ada, 'ada'), write(bob, 'bob')]);
  await expect.poll(async () => (await texts(ada)).length).toBeGreaterThanOrEqual(10);
  expect([before.connections, after.connections]).toEqual([2, 0]);
  link.turnTo(portOf(after));
  const sinceMs = performance.now();
  // Ends when the last one has left, a minute before it would say goodbye.
  await before.close();
  const movedMs = performance.now() - sinceMs;
  expect([before.connections, after.connections]).toEqual([0, 2]);
  await writing;
  await expectAll(ada, bob);
  console.log(`moved in ${Math.round(movedMs)} ms`);
  for (const read of shown) expect((await read()).map(({ state }) => state)).toEqual(['live']);
  expect(problems.get(context)).toEqual([]);
});
