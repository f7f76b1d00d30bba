// What tests, and the demo, need of Debian: found, or installed, or asked for in one line.

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

/** For a demo that somebody waits for: without a network it goes on after seconds, not minutes. */
const IMPATIENT = ['-o', 'Acquire::Retries=0', '-o', 'Acquire::http::Timeout=10', '-o', 'Acquire::https::Timeout=10'];

/**
 * Sees to it that there is a `python3`, with which the demo makes up its weather and its sports. `null` when there is, else what to do
 * about it. Never rejects: nobody's start fails for that.
 * @param work what it is needed for: "the demo's weather and sports pages"
 */
export async function ensurePython(work) {
  const isThere = () => onPath('python3') !== undefined;
  if (isThere()) return null;
  const ask = `Python 3 is missing, for ${work}: apt-get install python3`;
  try {
    return await install(['python3'], `Python 3, for ${work}`, ask, isThere, IMPATIENT);
  } catch (error) {
    return `${ask} (${error instanceof Error ? error.message : error})`;
  }
}

const PYTHON = '/usr/bin/python3';

/**
 * The same for what the engine is tested with: Chromium, nginx and Caddy (NGINX_PATH and CADDY_PATH name them then) and python3-websockets.
 * `null` when they are there, else what to do about it.
 */
export async function ensureInteropPeers() {
  const missing = await ensureChromium();
  if (missing !== null) return missing;
  for (const name of ['NGINX_PATH', 'CADDY_PATH']) {
    const path = process.env[name];
    if (path !== undefined && !existsSync(path)) return `${name}=${path} does not exist`;
  }
  const packages = [];
  if (!foundProxy('nginx')) packages.push('nginx-light');
  if (!foundProxy('caddy')) packages.push('caddy');
  if (!(await hasPythonWebsockets())) packages.push('python3-websockets');
  if (packages.length === 0) return null;
  const ask = `The interop tests need nginx, Caddy and python3-websockets: apt-get install ${packages.join(' ')}`;
  const areThere = async () => foundProxy('nginx') && foundProxy('caddy') && (await hasPythonWebsockets());
  return install(packages, `${packages.join(' and ')}, for the interop tests`, ask, areThere);
}

/** @returns `null`, or what to ask of the user. */
async function install(packages, what, ask, areThere, options = []) {
  if (process.getuid?.() !== 0 || onPath('apt-get') === undefined) return ask;
  return step(`installing ${what}, with apt-get`, () =>
    withoutServices(async () => {
      const quiet = { capture: true, env: { DEBIAN_FRONTEND: 'noninteractive' } };
      await run('apt-get', [...options, 'update', '-qq'], quiet);
      const { code, output } = await run(
        'apt-get',
        [...options, 'install', '-qq', '-y', '--no-install-recommends', ...packages],
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

/** Debian has some where only the PATH of root leads. */
function foundProxy(name) {
  const variable = `${name.toUpperCase()}_PATH`;
  if (process.env[variable] !== undefined) return true;
  const path = onPath(name) ?? [`/usr/sbin/${name}`].find((usual) => existsSync(usual));
  if (path !== undefined) process.env[variable] = path;
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
