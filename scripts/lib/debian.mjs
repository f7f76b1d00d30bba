// Chromium for the browser tests: found, or installed from Debian, or asked for in one line.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { step } from './progress.mjs';
import { run } from './run.mjs';

/** `null` when there is a Chromium to test with (CHROMIUM_PATH names one elsewhere), else what to do about it. */
export async function chromiumProblem() {
  if (process.env.CHROMIUM_PATH !== undefined) {
    return existsSync(process.env.CHROMIUM_PATH) ? null : `CHROMIUM_PATH=${process.env.CHROMIUM_PATH} does not exist`;
  }
  if (onPath('chromium')) return null;
  const ask = 'The browser tests need Chromium: apt-get install chromium, or set CHROMIUM_PATH';
  if (process.getuid?.() !== 0 || !onPath('apt-get')) return ask;
  return step('installing Chromium with apt-get, for the browser tests', async () => {
    const quiet = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' } };
    await run('apt-get', ['update', '-qq'], quiet);
    const { code, output } = await run(
      'apt-get',
      ['install', '-qq', '-y', '--no-install-recommends', 'chromium'],
      quiet,
    );
    if (code === 0 && onPath('chromium')) return null;
    return `${ask} (apt-get failed: ${output.trim().split('\n').at(-1)})`;
  });
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, program)));
}
