// `npm run reference`: writes docs/api from the docstrings. Its tool has a lockfile of its own, installed on first use.

import { join } from 'node:path';
import { ensureCompiled } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { ROOT } from './lib/paths.mjs';
import { main } from './lib/progress.mjs';
import { runNode } from './lib/run.mjs';

const REFERENCE = join(ROOT, 'docs/reference');

requireNode();
await main(async () => {
  await ensureInstalled();
  await ensureInstalled(REFERENCE, 'installing what writes the reference');
  await ensureCompiled();
  const { code } = await runNode(join(REFERENCE, 'write.mjs'), process.argv.slice(2));
  return code;
});
