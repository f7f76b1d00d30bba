// `npm run simulate -- --seeds N [--from S]`: the simulated world of packages/testing, built first. test/simulation has the rest.

import { join } from 'node:path';
import { ensureCompiled } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { ROOT } from './lib/paths.mjs';
import { main } from './lib/progress.mjs';
import { runNode } from './lib/run.mjs';

requireNode();
await main(async () => {
  await ensureInstalled();
  await ensureCompiled();
  const { code } = await runNode(join(ROOT, 'test/simulation/simulate.mjs'), process.argv.slice(2));
  return code;
});
