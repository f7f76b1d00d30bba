// The suites of `npm test`, in the order of what is cheapest to fail.

import { join } from 'node:path';
import { ensureChromium, ensureInteropPeers, ensurePython } from './debian.mjs';
import { ROOT, TOOLS } from './paths.mjs';
import { failure, resultOf } from './result.mjs';
import { runNode } from './run.mjs';
import { typeTests } from './type-tests.mjs';
import { vitestSuite } from './vitest-suite.mjs';

export const SUITES = [
  { name: 'lint', title: 'format and lint (Biome)', run: lint },
  { name: 'types', title: 'types, and the tests of types', run: typeTests },
  {
    name: 'unit',
    title: 'unit, contract and property tests',
    config: 'vitest.config.ts',
    needs: () => ensurePython("the tests of the demo's generator"),
  },
  {
    name: 'simulation',
    title: 'simulated worlds, and bugs to find in them',
    config: 'test/simulation/vitest.config.ts',
  },
  { name: 'crash', title: 'kill -9 under load', config: 'test/crash/vitest.config.ts' },
  {
    name: 'browser',
    title: 'the demo in Chromium',
    config: 'test/browser/vitest.config.ts',
    needs: ensureBrowserPeers,
  },
  {
    name: 'interop',
    title: 'the engine with what is not ours',
    config: 'test/interop/vitest.config.ts',
    needs: ensureInteropPeers,
  },
  { name: 'packed', title: 'the packages as they ship', config: 'test/packed/vitest.config.ts' },
  { name: 'reference', title: 'docs/api is what the code says', run: reference, needsBuild: true, isDeep: true },
].map((suite) => ({ needsBuild: suite.config !== undefined, ...suite, run: suite.run ?? (() => tests(suite)) }));

async function ensureBrowserPeers() {
  return (await ensureChromium()) ?? ensurePython("the tests of the demo's weather and sports pages");
}

async function tests({ name, config, needs }) {
  const missing = await needs?.();
  return missing ? failure(missing) : vitestSuite(name, config);
}

async function lint() {
  // Biome colours each character of a diff, which is unreadable in a file.
  const plain = process.stdout.isTTY ? [] : ['--colors=off'];
  const { code } = await runNode(TOOLS.biome, ['ci', '.', '--max-diagnostics=20', ...plain]);
  return code === 0 ? resultOf(1, 0, []) : failure('biome ci found problems; `npm run format` mends most of them');
}

async function reference() {
  const { code } = await runNode(join(ROOT, 'scripts/reference.mjs'), ['--check']);
  return code === 0 ? resultOf(1, 0, []) : failure('docs/api is not what the code says: `npm run reference` writes it');
}
