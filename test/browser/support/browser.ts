// Chromium, and pages that remember what went wrong in them.

import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Of the last such switch: ours, and what Playwright would have switched off. */
const FEATURES_OFF = [
  // The address bar's two pages, which each window loads and nobody sees here: a second of the processor's time a window.
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'AimEnabled',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsFirstBalancedModeAutoEnable',
  'HttpsUpgrades',
  'LensOverlay',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'PreconnectToSearch',
  'ThirdPartyStoragePartitioning',
];

const FLAGS = [
  `--disable-features=${FEATURES_OFF.join(',')}`,
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export function launch(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/** What a page complained about: exceptions, and errors on its console. */
export const problems = new WeakMap<BrowserContext, string[]>();

export async function newContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  const found: string[] = [];
  problems.set(context, found);
  context.on('page', (page) => listen(page, found));
  context.setDefaultTimeout(40_000);
  return context;
}

function listen(page: Page, found: string[]): void {
  page.on('pageerror', (error) => found.push(error.message));
  page.on('console', (message) => {
    // A connection that fails is what some tests are about; browsers report each.
    const isNetwork = /WebSocket connection to|Failed to load resource|net::ERR_/.test(message.text());
    if (message.type() === 'error' && !isNetwork) found.push(message.text());
  });
}
