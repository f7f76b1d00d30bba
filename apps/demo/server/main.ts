#!/usr/bin/env node
// The demo's server. Environment: PORT (7400), HOST (127.0.0.1), TRUNKLINE_DATA (./data). Ctrl-C ends it.

import { startDemo } from './demo.js';
import { readSettings } from './settings.js';

try {
  const demo = await startDemo(readSettings(process.env));
  console.log(`Trunkline demo: ${demo.address}`);
  let ending = false;
  const end = () => {
    // The second Ctrl-C does not wait.
    if (ending) process.exit(130);
    ending = true;
    demo.close().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
} catch (error) {
  fail(error);
}

/** One line: whoever starts a demo wants the sentence, not the stack. */
function fail(error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`Trunkline demo: ${message.replace(/\s*\n\s*/g, ' ')}`);
  process.exit(1);
}
