// What tests need of Debian: found, or installed, or asked for in one line.

import { existsSync, rmSync, writeFileSync } from 'node:fs';
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
  return install(['chromium'], 'Chromium, for the browser tests', ask, found);
}

const PYTHON = '/usr/bin/python3';

/**
 * The same for what the engine is tested with: Chromium, nginx (NGINX_PATH names it then) and python3-websockets.
 * `null` when they are there, else what to do about it.
 */
export async function ensureInteropPeers() {
  const missing = await ensureChromium();
  if (missing !== null) return missing;
  const { NGINX_PATH } = process.env;
  if (NGINX_PATH !== undefined && !existsSync(NGINX_PATH)) return `NGINX_PATH=${NGINX_PATH} does not exist`;
  const packages = [];
  if (!foundNginx()) packages.push('nginx-light');
  if (!(await hasPythonWebsockets())) packages.push('python3-websockets');
  if (packages.length === 0) return null;
  const ask = `The interop tests need nginx and python3-websockets: apt-get install ${packages.join(' ')}`;
  const areThere = async () => foundNginx() && (await hasPythonWebsockets());
  return install(packages, `${packages.join(' and ')}, for the interop tests`, ask, areThere);
}

/** @returns `null`, or what to ask of the user. */
async function install(packages, what, ask, areThere) {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return ask;
  return step(`installing ${what}, with apt-get`, () =>
    withoutServices(async () => {
      const quiet = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' } };
      await run('apt-get', ['update', '-qq'], quiet);
      const { code, output } = await run(
        'apt-get',
        ['install', '-qq', '-y', '--no-install-recommends', ...packages],
        quiet,
      );
      if (code === 0 && (await areThere())) return null;
      return `${ask} (apt-get failed: ${output.trim().split('\n').at(-1)})`;
    }),
  );
}

/** What Debian asks before it starts the service of a package. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d';

/** No web server is to run on this machine because its tests did. */
async function withoutServices(work) {
  if (existsSync(SERVICE_POLICY)) return work();
  const undo = () => rmSync(SERVICE_POLICY, { force: true });
  process.once('exit', undo);
  try {
    writeFileSync(SERVICE_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    return await work();
  } finally {
    process.off('exit', undo);
    undo();
  }
}

/** Debian has it where only the PATH of root leads. */
function foundNginx() {
  if (process.env.NGINX_PATH !== undefined) return true;
  const path = onPath('nginx') ?? ['/usr/sbin/nginx'].find((usual) => existsSync(usual));
  if (path !== undefined) process.env.NGINX_PATH = path;
  return path !== undefined;
}

async function hasPythonWebsockets() {
  if (!existsSync(PYTHON)) return false;
  return (await run(PYTHON, ['-c', 'import websockets'], { capture: true })).code === 0;
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
