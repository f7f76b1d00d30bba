// A copy of what the simulation runs, with a deliberate bug in it: the compiled packages in a folder of their own, where some text
// of theirs is another. A text that is not there, or there twice, is an error: the bug would not be in the copy.

import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const OURS = ['protocol', 'websocket', 'broker', 'broker-sqlite', 'core', 'client', 'server', 'testing'];
const THEIRS = ['libsql'];

/** @param {readonly { in: string, find: string, put: string }[]} patches `in`: the package, or `package/file.js` (`package/folder/file.js`), whose compiled code has the text `find` in one place */
export function patchedCopy(patches) {
  const folder = mkdtempSync(join(tmpdir(), 'trunkline-bug-'));
  const modules = join(folder, 'node_modules');
  for (const name of OURS) {
    const [from, to] = [join(ROOT, 'packages', name), join(modules, '@trunkline', name)];
    mkdirSync(to, { recursive: true });
    cpSync(join(from, 'package.json'), join(to, 'package.json'));
    cpSync(join(from, 'dist'), join(to, 'dist'), {
      recursive: true,
      filter: (path) => !/\.(ts|map|tsbuildinfo)$/.test(path),
    });
  }
  for (const name of THEIRS) symlinkSync(realpathSync(join(ROOT, 'node_modules', name)), join(modules, name));
  try {
    for (const patch of patches) apply(modules, patch);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    world: join(modules, '@trunkline/testing/dist/index.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function apply(modules, patch) {
  const [name, ...inside] = patch.in.split('/');
  const dist = join(modules, '@trunkline', name, 'dist');
  const files =
    inside.length > 0
      ? [inside.join('/')]
      : readdirSync(dist, { recursive: true }).filter((file) => file.endsWith('.js'));
  const texts = files.map((file) => {
    const path = join(dist, file);
    return { path, parts: readFileSync(path, 'utf8').split(patch.find) };
  });
  const places = texts.reduce((sum, { parts }) => sum + parts.length - 1, 0);
  if (places !== 1) throw new Error(`${patch.in} has ${places} places like this, not one:\n${patch.find}`);
  for (const { path, parts } of texts) if (parts.length === 2) writeFileSync(path, parts.join(patch.put));
}
