// `npm run build`: compiles the packages and the demo, bundles the demo's pages.

import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { main } from './lib/progress.mjs';

requireNode();
await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
});
