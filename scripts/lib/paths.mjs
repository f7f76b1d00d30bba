// Where things are, for every script. Tools are started by their own file, not through npx: that saves half a second each.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const MODULES = join(ROOT, 'node_modules');

/** The entry file of each tool that the scripts start with Node. */
export const TOOLS = {
  tsc: join(MODULES, 'typescript/bin/tsc'),
  vite: join(MODULES, 'vite/bin/vite.js'),
  vitest: join(MODULES, 'vitest/vitest.mjs'),
  biome: join(MODULES, '@biomejs/biome/bin/biome'),
};

/** Notes of the scripts to themselves. Inside node_modules, so that a new install forgets them. */
export const NOTES = join(MODULES, '.trunkline');

export const DEMO = join(ROOT, 'apps/demo');
export const DEMO_SERVER = join(DEMO, 'dist/server/main.js');
export const DEMO_PAGE = join(DEMO, 'dist/client/index.html');

/** Folder names under packages/ that are packages. */
export function packageNames() {
  return readdirSync(join(ROOT, 'packages')).filter((name) => existsSync(join(ROOT, 'packages', name, 'package.json')));
}
