// The programs that servers run in, and why one of them may not be here.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const load = createRequire(import.meta.url);

/** Flags for servers on Node, e.g. `BENCH_NODE_FLAGS="--cpu-prof --cpu-prof-dir=/tmp/profiles"`. */
const NODE_FLAGS = (process.env.BENCH_NODE_FLAGS ?? '').split(' ').filter((flag) => flag !== '');

/** The command that runs a server on Node. */
export const node = () => [process.execPath, ...NODE_FLAGS];

/** The command that runs a server on Bun. */
export const bun = () => [bunPath()];

/** Why Bun cannot take part, in words; `null` if it can. */
export function bunProblem() {
  let path;
  try {
    path = bunPath();
  } catch {
    return `@oven/bun-linux-x64 is not installed (${process.platform} ${process.arch})`;
  }
  const { status, signal } = spawnSync(path, ['--version']);
  return status === 0 ? null : `its program does not run here (${signal ?? status})`;
}

/** Why `ws` cannot have its native addon, in words; `null` if it can. Its fallback in JavaScript does not count. */
export function bufferutilProblem() {
  try {
    const { unmask } = load('bufferutil');
    return /\[native code\]/.test(String(unmask)) ? null : 'bufferutil has no binary for this platform';
  } catch {
    return `bufferutil is not installed (${process.platform} ${process.arch})`;
  }
}

function bunPath() {
  return load.resolve('@oven/bun-linux-x64/bin/bun');
}
