// Chromium for the browser tests: found, or installed from Debian, or asked for in one line.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { step } from './progress.mjs';
import { run } from './run.mjs';

/**
 * Sees to it that CHROMIUM_PATH names a Chromium to test with: the one it names already, one on the PATH, or one installed now.
 * `null` when it does, else what to do about it.
 */
export async function ensureChromium() {
  if (process.env.CHROMIUM_PATH !== undefined) {
    return existsSync(process.env.CHROMIUM_PATH) ? null : `CHROMIUM_PATH=${process.env.CHROMIUM_PATH} does not exist`;
  }
  if (found()) return null;
  const ask = 'The browser tests need Chromium: apt-get install chromium, or set CHROMIUM_PATH';
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return ask;
  return step('installing Chromium with apt-get, for the browser tests', async () => {
    const quiet = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' } };
    await run('apt-get', ['update', '-qq'], quiet);
    const { code, output } = await run(
      'apt-get',
      ['install', '-qq', '-y', '--no-install-recommends', 'chromium'],
      quiet,
    );
    if (code === 0 && found()) return null;
    return `${ask} (apt-get failed: ${output.trim().split('\n').at(-1)})`;
  });
}

function found() {
  const path = onPath('chromium');
  if (path !== undefined) process.env.CHROMIUM_PATH = path;
  return path !== undefined;
}

function onPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}
