#!/usr/bin/env node
// The demo's server. Environment: PORT (7400), HOST (127.0.0.1), TRUNKLINE_DATA (./data). Ctrl-C ends it.

import { startDemo } from './demo.js';
import { readSettings } from './settings.js';

try {
  const demo = await startDemo(readSettings(process.env));
  let endingSince: number | null = null;
  const end = () => {
    const now = performance.now();
    if (endingSince === null) endingSince = now;
    // npm passes on what the terminal sent to the whole group already: the same Ctrl-C. The second one does not wait.
    else if (now - endingSince < 1_000) return;
    else process.exit(130);
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

/** One line: whoever starts a demo wants the sentence, not the stack. */
function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`Trunkline demo: ${message.replace(/\s*\n\s*/g, ' ')}`);
  process.exit(1);
}
