// `npm start`: install, build, serve the demo. Each step only if something changed since the last start. Without Python two of its pages
// stand still, and the rest works.
// The server runs in this process: signals reach it, its exit code is ours, and nothing can be left behind.

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ensureBuilt } from './lib/build.mjs';
import { ensurePython } from './lib/debian.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { DEMO_SERVER } from './lib/paths.mjs';
import { Explained, main } from './lib/progress.mjs';
import { endWithNpm, releaseSignals } from './lib/run.mjs';

requireNode();
await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  if (!existsSync(DEMO_SERVER)) throw new Explained(`The build made no ${DEMO_SERVER}.`);
  const feedsAreOff = process.env.TRUNKLINE_FEEDS?.trim().toLowerCase() === 'off';
  const missing = feedsAreOff ? null : await ensurePython("the demo's weather and sports pages");
  if (missing !== null) process.stdout.write(`· ${missing}\n  The rest of the demo runs without.\n`);
  releaseSignals();
  endWithNpm();
  process.argv[1] = DEMO_SERVER;
  await import(pathToFileURL(DEMO_SERVER).href);
  return process.exitCode;
});
