// The public names of every package, types included. A change of this list is a change of the API: it is made on
// purpose (`npx vitest run test/workspace/exports.test.ts -u` after a build) and read in review.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { exportedTypes } from './import-scanner.js';
import { type Package, ROOT, readWorkspace } from './packages.js';

it('the public names are those that were decided on', async () => {
  const published = readWorkspace().filter((pkg) => pkg.manifest.private !== true);
  const entries = published.flatMap((pkg) =>
    Object.entries(pkg.manifest.exports ?? {}).map((entry) => ({ pkg, entry })),
  );
  const lines: string[] = [];
  for (const { pkg, entry } of entries) {
    const [subpath, target] = entry;
    const name = `${pkg.manifest.name}${subpath.slice(1)}`;
    const file = typeof target === 'string' ? target : (target.default ?? '');
    lines.push(...(await valuesOf(pkg, file)).map((value) => `${name}  ${value}`));
    lines.push(...typesOf(pkg, file).map((type) => `${name}  type ${type}`));
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('exports.txt');
  // Every module of every package is read for it.
}, 240_000);

async function valuesOf(pkg: Package, file: string): Promise<string[]> {
  const module = (await import(pathToFileURL(join(ROOT, pkg.folder, file)).href)) as object;
  return Object.keys(module).sort();
}

function typesOf(pkg: Package, file: string): string[] {
  const source = file.replace('./dist/', 'src/').replace(/\.js$/, '.ts');
  const text = readFileSync(join(ROOT, pkg.folder, source), 'utf8');
  // A second entry may give all that the first one lists.
  const others = [...text.matchAll(/^export \* from '\.\/([\w-]+\.js)';$/gm)].map(([, name]) => `./dist/${name}`);
  return [...new Set([...exportedTypes(text), ...others.flatMap((other) => typesOf(pkg, other))])].sort();
}
