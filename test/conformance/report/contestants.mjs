// @ts-check
// The servers that the report compares: each a process of its own, started for the report and ended with it.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../', import.meta.url);
const BUN = 'bench/node_modules/@oven/bun-linux-x64/bin/bun';

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {string} program `node`, or a path from the root.
 * @property {string} file From the root.
 */

/** @type {readonly Contestant[]} */
export const CONTESTANTS = [
  { name: 'Trunkline', program: 'node', file: 'test/conformance/servers/trunkline.mjs' },
  { name: 'ws', program: 'node', file: 'test/conformance/servers/ws.mjs' },
  { name: 'Bun', program: BUN, file: 'test/conformance/servers/bun.mjs' },
];

/** @typedef {{ url: string, version: string, stop: () => Promise<void> }} Started */

/**
 * @param {Contestant} contestant
 * @returns {Promise<Started>}
 */
export async function start({ program, file }) {
  const command = program === 'node' ? process.execPath : fileURLToPath(new URL(program, ROOT));
  const child = spawn(command, [fileURLToPath(new URL(file, ROOT))], { stdio: ['ignore', 'pipe', 'inherit'] });
  const stopNow = () => child.kill();
  process.once('exit', stopNow);
  const over = new Promise((resolve) => child.once('exit', resolve).once('error', resolve));
  const line = await Promise.race([
    new Promise((resolve) => createInterface(child.stdout).once('line', resolve)),
    over.then(() => null),
  ]);
  if (line === null) throw new Error(`${file} did not start`);
  const { port, version = ownVersion() } = JSON.parse(line);
  return {
    url: `ws://127.0.0.1:${port}/`,
    version,
    stop: async () => {
      process.off('exit', stopNow);
      stopNow();
      await over;
    },
  };
}

function ownVersion() {
  return JSON.parse(readFileSync(new URL('packages/websocket/package.json', ROOT), 'utf8')).version;
}
