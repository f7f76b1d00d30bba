// `npm run conformance -- ws://127.0.0.1:9001/`: judges any WebSocket echo server. The suite needs nothing installed; only
// `--report` does, which compares this engine with others and so needs them and it.

import { join } from 'node:path';
import { ensureCompiled } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { ROOT } from './lib/paths.mjs';
import { main } from './lib/progress.mjs';
import { runNode } from './lib/run.mjs';

requireNode();
await main(async () => {
  const args = process.argv.slice(2);
  if (args.includes('--report')) {
    await ensureInstalled();
    await ensureInstalled(join(ROOT, 'bench'), "installing the benchmarks' peers");
    await ensureCompiled();
  }
  const { code } = await runNode(join(ROOT, 'test/conformance/run.mjs'), args);
  return code;
});
