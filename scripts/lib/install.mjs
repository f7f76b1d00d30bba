// Dependencies: installed when they differ from the lockfile, and only then.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { Explained, step } from './progress.mjs';
import { runNpm } from './run.mjs';

/** Installs what `folder`'s lockfile asks for, unless it is there already. */
export async function ensureInstalled(folder = ROOT, title = 'installing dependencies') {
  if (isInstalled(folder)) return;
  await step(title, async () => {
    const { code, output } = await runNpm(['ci', '--no-audit', '--no-fund'], { cwd: folder, capture: true });
    process.stdout.write(
      output
        .replaceAll(/^\s*\n/gm, '')
        .replaceAll(/^/gm, '  ')
        .trimEnd()
        .concat('\n'),
    );
    if (code !== 0) throw new Explained('npm ci failed: its own words are above.');
  });
}

/**
 * Whether node_modules holds what the lockfile names, by npm's own record of what it installed. It is written last, so
 * an install that was cut short counts as none; and it is right as well after somebody ran npm by hand.
 */
export function isInstalled(folder = ROOT) {
  const wanted = readLock(join(folder, 'package-lock.json'));
  const installed = readLock(join(folder, 'node_modules/.package-lock.json'));
  if (wanted === null || installed === null) return false;
  return Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
    if (!path.includes('node_modules/')) return true;
    const found = installed[path];
    // Optional: made for another platform, and rightly absent.
    if (found === undefined) return optional === true;
    return found.version === version && found.integrity === integrity;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}
