#!/usr/bin/env node
// The demo's server. Environment: PORT (7400), HOST (127.0.0.1), TRUNKLINE_DATA (./data), TRUNKLINE_DRAIN (0), TRUNKLINE_FEEDS (on),
// TRUNKLINE_API_KEY (a random one).
// Ctrl-C and SIGTERM end it.

import { startDemo } from './demo.js';
import { readSettings } from './settings.js';

/** What closing may take after the drain: 5 s for clients, and as long for the store. */
const CLOSE_MS = 10_000;

try {
  const settings = readSettings(process.env);
  const demo = await startDemo(settings);
  let endingSince: number | null = null;
  const end = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (endingSince === null) endingSince = now;
    // npm passes on what the terminal sent to the whole group already: the same Ctrl-C. The second one does not wait.
    else if (now - endingSince < 1_000) return;
    else process.exit(signal === 'SIGINT' ? 130 : 143);
    const moving = settings.drainMs === 0 ? '' : `, which may move for ${settings.drainMs / 1_000} s`;
    console.log(`Trunkline demo: ${signal}: goodbye to ${counted(demo.connections)}${moving}.`);
    const hung = () => fail(new Error('the store did not close in time; what it has acknowledged is safe.'));
    setTimeout(hung, settings.drainMs + CLOSE_MS).unref();
    demo.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  // Last: whoever reads it may send a signal at once.
  console.log(`Trunkline demo: ${demo.address}`);
} catch (error) {
  fail(error);
}

function counted(connections: number): string {
  return connections === 1 ? '1 connection' : `${connections} connections`;
}

/** One line: whoever starts a demo wants the sentence, not the stack. */
function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`Trunkline demo: ${message.replace(/\s*\n\s*/g, ' ')}`);
  process.exit(1);
}
