// `npm run dev`: compiles on save, restarts the demo's server, reloads its pages. Ctrl-C ends all of it.

import { ensureBuilt, projects } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { DEMO, DEMO_SERVER, TOOLS } from './lib/paths.mjs';
import { Explained, main } from './lib/progress.mjs';
import { start } from './lib/run.mjs';

requireNode();
await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  // The server runs compiled code, so it restarts when the compiler has written; a page asks Vite and Vite asks the server.
  const parts = {
    compiler: node([TOOLS.tsc, '-b', '--watch', '--preserveWatchOutput', ...projects()]),
    server: node(['--watch', '--watch-preserve-output', DEMO_SERVER]),
    pages: node([TOOLS.vite, '--clearScreen', 'false'], { cwd: DEMO }),
  };
  const ended = Object.entries(parts).map(
    ([name, child]) => new Promise((resolve) => child.on('close', (code) => resolve({ name, code }))),
  );
  const { name, code } = await Promise.race(ended);
  for (const child of Object.values(parts)) child.kill('SIGTERM');
  throw new Explained(`The ${name} ended with exit code ${code}; so does npm run dev.`);
});

function node(args, options) {
  return start(process.execPath, args, options);
}
