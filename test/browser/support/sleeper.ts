// A computer that sleeps: a browser of its own whose processes all stand still until they are woken. Then the clock of its pages has
// moved on by hours, and timers that were due meanwhile fire once, late: what they measure by did not go on while it slept.

import type { Browser, BrowserContext } from 'playwright-core';
import { launch, newContext } from './browser.js';

export interface Sleeper {
  /** Its pages have a clock that can be moved. */
  readonly context: BrowserContext;
  /** Resolves when none of its processes runs. */
  sleep(): Promise<void>;
  /** @param afterMs how long it slept, by the clock on the wall. Resolves when the pages know. */
  wake(afterMs: number): Promise<void>;
  close(): Promise<void>;
}

export async function startSleeper(): Promise<Sleeper> {
  const browser = await launch();
  const context = await newContext(browser);
  await context.clock.install();
  let stopped: number[] = [];
  const wakeUp = () => {
    for (const pid of stopped.splice(0).reverse()) process.kill(pid, 'SIGCONT');
  };
  return {
    context,
    async sleep() {
      stopped = await processesOf(browser);
      for (const pid of stopped) process.kill(pid, 'SIGSTOP');
    },
    async wake(afterMs) {
      // On its way before anything moves: the clock is the first thing that is different.
      const moved = context.clock.fastForward(afterMs);
      wakeUp();
      await moved;
    },
    async close() {
      wakeUp();
      await browser.close();
    },
  };
}

/** The browser itself and all that it has started: renderers, network, GPU. */
async function processesOf(browser: Browser): Promise<number[]> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  return processInfo.map(({ id }) => id);
}
