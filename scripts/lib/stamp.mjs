// "Has anything changed since?": a hash over the contents of files, remembered beside the dependencies.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { NOTES, ROOT } from './paths.mjs';

const SKIPPED = new Set(['node_modules', 'dist', 'data', '.git']);

/** All files under the given files and folders, sorted; what does not exist has none. */
export function filesUnder(paths) {
  const found = [];
  for (const path of paths) collect(path, found);
  return found.sort();
}

function collect(path, found) {
  const kind = statSync(path, { throwIfNoEntry: false });
  if (kind === undefined) return;
  if (kind.isFile()) {
    found.push(path);
    return;
  }
  for (const name of readdirSync(path)) {
    if (!SKIPPED.has(name)) collect(join(path, name), found);
  }
}

/** A hash over names and contents. Contents, not times: a checkout back and forth is no change. */
export function hashOf(paths) {
  const hash = createHash('sha256');
  for (const file of filesUnder(paths)) {
    const content = readFileSync(file);
    hash.update(`${relative(ROOT, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** Whether the note `name` says `value`. */
export function isNoted(name, value) {
  try {
    return readFileSync(join(NOTES, name), 'utf8') === value;
  } catch {
    return false;
  }
}

export function note(name, value) {
  const file = join(NOTES, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, value);
}
