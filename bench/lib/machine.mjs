// What the numbers were measured on, and where processes may be put.

import { spawnSync } from 'node:child_process';
import { availableParallelism, cpus } from 'node:os';

/**
 * @typedef {object} Cores
 * @property {readonly string[]} server Command prefix that puts a server on its core; empty where that is impossible.
 * @property {readonly string[]} load The same for the load, on another core.
 * @property {string} words
 */

/** @returns {{ node: string, cpu: string, commit: string }} */
export function describeMachine() {
  const model = cpus()[0]?.model.trim() ?? process.arch;
  return { node: process.version, cpu: `${model}, ${availableParallelism()} cores`, commit: commit() };
}

/** Server and load each on a core of their own, so that neither takes the other's time. @returns {Cores} */
export function pinCores() {
  if (availableParallelism() < 2) {
    return { server: [], load: [], words: 'one core only: server and load share it, so wall-clock figures say little' };
  }
  const taskset = spawnSync('taskset', ['-c', '0,1', 'true']);
  if (taskset.status !== 0) return { server: [], load: [], words: 'not pinned: taskset is not here' };
  return {
    server: ['taskset', '-c', '0'],
    load: ['taskset', '-c', '1'],
    words: 'servers on core 0, the load on core 1 (taskset)',
  };
}

function commit() {
  const git = (/** @type {string[]} */ ...args) =>
    spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  const head = git('rev-parse', '--short', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--untracked-files=no', '--', '../../packages', '..');
  return changed.stdout === '' ? head.stdout.trim() : `${head.stdout.trim()} with changes`;
}
