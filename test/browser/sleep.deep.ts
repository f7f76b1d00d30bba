// A computer that slept for hours, with the demo open: its processes stood still, its token ended, and its connection is closed or
// leads nowhere. It ends in live with everything it missed, or in refused with the reason, and does not dial in circles.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryBroker } from '@trunkline/broker';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Demo, startDemo } from '../../apps/demo/server/demo.js';
import { problems } from './support/browser.js';
import { openChat, say, texts, untilLive, untilTexts } from './support/chat.js';
import { Link } from './support/link.js';
import { seedRoom } from './support/seed.js';
import { putBack, putForward } from './support/server-clock.js';
import { type Sleeper, startSleeper } from './support/sleeper.js';
import { noteStates } from './support/states.js';

const HOUR_MS = 3_600_000;
const NIGHT_MS = 8 * HOUR_MS;
const MISSED = 70;

const folder = mkdtempSync(join(tmpdir(), 'trunkline-sleep-'));
let demo: Demo;
let link: Link;
let sleeper: Sleeper;

beforeAll(async () => {
  const built = new URL('../../apps/demo/dist/server/demo.js', import.meta.url).href;
  const { startDemo: start } = (await import(built)) as { startDemo: typeof startDemo };
  const feeds = { isOn: false, apiKey: undefined };
  demo = await start({ port: 0, host: '127.0.0.1', dataFolder: folder, drainMs: 0, feeds }, memoryBroker());
  link = await Link.to(Number(new URL(demo.address).port));
});
beforeEach(async () => {
  sleeper = await startSleeper();
});
afterEach(async () => {
  putBack();
  const { context } = sleeper;
  await sleeper.close();
  expect(problems.get(context)).toEqual([]);
});
afterAll(async () => {
  await link?.close();
  await demo?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How often the page has dialled from now on. */
function countDials(page: Page): () => number {
  let dials = 0;
  page.on('websocket', () => {
    dials += 1;
  });
  return () => dials;
}

const written = Array.from({ length: MISSED }, (_, index) => `message ${index + 1}`);

/** Goes to sleep in a room, and wakes up eight hours later, when others have written there and the server has closed. */
async function sleepOver(page: Page, room: string, fate: (typeof FATES)[number]): Promise<void> {
  await say(page, 'good night');
  await untilTexts(page, ['good night']);
  expect(demo.connections).toBe(1);
  await sleeper.sleep();
  if (fate.isHalfOpen) link.swallow();
  await seedRoom(demo.address, room, MISSED);
  putForward(NIGHT_MS);
  // The token has ended: the server does not keep the connection for it.
  await expect.poll(() => demo.connections).toBe(0);
  await sleeper.wake(fate.isClockLate ? 0 : NIGHT_MS);
}

const FATES = [
  { name: 'closed', fate: 'the server has closed it', isHalfOpen: false, isClockLate: false },
  { name: 'half-open', fate: 'it leads nowhere', isHalfOpen: true, isClockLate: false },
  // As after a suspended virtual machine: until it asks for the time it believes that no time has passed.
  {
    name: 'late',
    fate: 'the server has closed it, and with a clock that is late',
    isHalfOpen: false,
    isClockLate: true,
  },
] as const;

describe.each(FATES)('after a night, its connection: $fate', (fate) => {
  const { name } = fate;

  it('comes back live by one dial, with all it missed, in order', async () => {
    const room = `night-${name}`;
    const page = await openChat(sleeper.context, link.url, 'Ada', room);
    const dials = countDials(page);
    await sleepOver(page, room, fate);
    await untilTexts(page, ['good night', ...written]);
    await untilLive(page);
    await say(page, 'good morning');
    await untilTexts(page, ['good night', ...written, 'good morning']);
    expect(dials()).toBe(1);
  });

  it('is refused in words, and dials no more, if its source has no other token', async () => {
    const room = `refused-${name}`;
    const page = await openChat(sleeper.context, link.url, 'Bob', room);
    const dials = countDials(page);
    const pass = await page.evaluate(() => sessionStorage.getItem('trunkline.guest.chat') ?? '');
    await page.route('**/guest', (route) => route.fulfill({ contentType: 'application/json', body: pass }));
    await sleepOver(page, room, fate);
    await page
      .getByRole('alert')
      .getByText(/^The server refused this connection: .*token.*expired/)
      .waitFor();
    await page.locator('header [data-state="refused"]').waitFor();
    // What was on its way before the token ended had come as far as this computer; where nothing came, nothing is shown.
    expect(await texts(page)).toEqual(fate.isHalfOpen ? ['good night'] : ['good night', ...written]);
    const before = dials();
    expect(before).toBeLessThanOrEqual(1);
    // Nothing waits to try again.
    await page.clock.fastForward(HOUR_MS);
    await page.clock.runFor(60_000);
    expect(dials()).toBe(before);
    await page.unroute('**/guest');
    await page.getByRole('button', { name: 'Join again as Bob' }).click();
    await untilTexts(page, ['good night', ...written]);
  });
});

describe('a connection that leads nowhere, without sleep', () => {
  /** Live with a clock that stands, so that a bound is met to the millisecond. */
  async function halfOpen(room: string): Promise<{ page: Page; shown: () => Promise<readonly string[]> }> {
    const page = await openChat(sleeper.context, link.url, 'Cleo', room);
    await page
      .locator('header')
      .getByText(/^live ·/)
      .first()
      .waitFor();
    const states = await noteStates(page);
    await page.clock.pauseAt(new Date((await page.evaluate(() => Date.now())) + 1_000));
    link.swallow();
    return { page, shown: async () => (await states()).map(({ state }) => state) };
  }

  it('is noticed 3 s after the network came back, and not before', async () => {
    const { page, shown } = await halfOpen('probe');
    await sleeper.context.setOffline(true);
    await sleeper.context.setOffline(false);
    await page.clock.runFor(2_900);
    expect(await shown()).toEqual(['live']);
    await page.clock.runFor(200);
    await page.locator('header [data-state="waiting"], header [data-state="connecting"]').waitFor();
    await page.clock.resume();
    await untilLive(page);
  });

  it('is noticed within two of the server’s ping intervals if nothing else tells', async () => {
    const { page, shown } = await halfOpen('silence');
    // The demo pings every 5 s, looking once a second: the last word came at most 6 s ago, and one passed until the clock stood.
    await page.clock.runFor(2_000);
    expect(await shown()).toEqual(['live']);
    await page.clock.runFor(8_200);
    expect((await shown()).slice(0, 2)).toEqual(['live', 'waiting']);
    await page.clock.resume();
    await untilLive(page);
  });
});
