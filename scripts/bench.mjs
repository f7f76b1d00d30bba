// `npm run bench -- NAME …`: the benchmarks bring dependencies of their own (the peers they compare with), installed on first use.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureCompiled } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { ROOT } from './lib/paths.mjs';
import { Explained, main } from './lib/progress.mjs';
import { runNode } from './lib/run.mjs';

const BENCH = join(ROOT, 'bench');

requireNode();
await main(async () => {
  if (!existsSync(join(BENCH, 'run.mjs'))) throw new Explained('bench/run.mjs does not exist.');
  await ensureInstalled();
  await ensureInstalled(BENCH, "installing the benchmarks' peers");
  await ensureCompiled();
  const { code } = await runNode(join(BENCH, 'run.mjs'), process.argv.slice(2));
  return code;
});
