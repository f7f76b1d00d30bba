// What is built from what, and building the parts that are out of date.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEMO, DEMO_PAGE, DEMO_SERVER, packageNames, ROOT, TOOLS } from './paths.mjs';
import { Explained, step } from './progress.mjs';
import { runNode } from './run.mjs';
import { hashOf, isNoted, note } from './stamp.mjs';

/** The project files that `tsc -b` builds: all packages, then the demo's. */
export function projects() {
  const demo = existsSync(DEMO) ? readdirSync(DEMO).filter((name) => /^tsconfig.*\.json$/.test(name)) : [];
  return [join(ROOT, 'tsconfig.json'), ...demo.map((name) => join(DEMO, name))];
}

const LIBRARIES = () => packageNames().map((name) => join(ROOT, 'packages', name));

/** Builds what changed since the last time. Silent when nothing did. */
export async function ensureBuilt() {
  await ensureCompiled();
  await ensureBundled();
}

/** Compiles the packages and the demo's server, if a source changed. */
export async function ensureCompiled() {
  const sources = LIBRARIES().flatMap((folder) => [join(folder, 'src'), join(folder, 'tsconfig.json')]);
  const stamp = hashOf([join(ROOT, 'tsconfig.base.json'), join(ROOT, 'tsconfig.json'), ...sources, ...demoInputs()]);
  const outputs = [...LIBRARIES().map((folder) => join(folder, 'dist/index.js')), DEMO_SERVER];
  if (isNoted('compiled', stamp) && outputs.every((file) => existsSync(file))) return;
  await step('compiling TypeScript', async () => {
    const { code } = await runNode(TOOLS.tsc, ['-b', ...projects()]);
    if (code !== 0) throw new Explained('tsc found errors: they are above.');
  });
  note('compiled', stamp);
}

async function ensureBundled() {
  if (!existsSync(join(DEMO, 'index.html')) && !existsSync(join(DEMO, 'vite.config.ts'))) return;
  const libraries = LIBRARIES().map((folder) => join(folder, 'src'));
  const stamp = hashOf([...libraries, ...demoInputs()]);
  if (isNoted('bundled', stamp) && existsSync(DEMO_PAGE)) return;
  await step("bundling the demo's pages", async () => {
    const { code } = await runNode(TOOLS.vite, ['build', '--logLevel', 'warn'], { cwd: DEMO });
    if (code !== 0) throw new Explained('Vite failed: its own words are above.');
  });
  note('bundled', stamp);
}

/** Everything of the demo but its tests. */
function demoInputs() {
  if (!existsSync(DEMO)) return [];
  return readdirSync(DEMO)
    .filter((name) => !['dist', 'node_modules', 'test', 'data'].includes(name))
    .map((name) => join(DEMO, name));
}
