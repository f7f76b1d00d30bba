// What every file of these tests needs: a server, a browser, a context for each test, and an end to all of it.

import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { launch, newContext, problems } from './browser.js';
import { DemoServer } from './demo-server.js';

export interface Stage {
  readonly server: DemoServer;
  readonly browser: Browser;
  /** A browser profile of its own, closed after the test. */
  context(options?: BrowserContextOptions): Promise<BrowserContext>;
}

/** Call at the top of a file. No page of a test may have thrown or logged an error. @param env of the server */
export function stage(env: Readonly<Record<string, string>> = {}): Stage {
  let server: DemoServer | undefined;
  let browser: Browser | undefined;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    [server, browser] = await Promise.all([DemoServer.start(env), launch()]);
  });
  afterEach(async () => {
    const open = contexts.splice(0);
    await Promise.all(open.map((context) => context.close()));
    expect(open.flatMap((context) => problems.get(context) ?? [])).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await server?.remove();
  });

  const started = <T>(thing: T | undefined): T => {
    if (thing === undefined) throw new Error('used before it was started');
    return thing;
  };
  return {
    get server() {
      return started(server);
    },
    get browser() {
      return started(browser);
    },
    context: async (options) => {
      const context = await newContext(started(browser), options);
      contexts.push(context);
      return context;
    },
  };
}
