// Child processes that never outlive the script: what ends the script ends them.

import { spawn } from 'node:child_process';
import { ROOT } from './paths.mjs';

const running = new Set();
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
let guarded = false;

function guard() {
  if (guarded) return;
  guarded = true;
  endWithNpm();
  for (const signal of Object.keys(EXIT_CODES)) process.on(signal, end);
  process.on('exit', stopAll);
}

/** Gives the signals back, for a script whose own work is done. */
export function releaseSignals() {
  if (!guarded) return;
  guarded = false;
  for (const signal of Object.keys(EXIT_CODES)) process.off(signal, end);
  process.off('exit', stopAll);
}

let watching = false;

/**
 * Ends this process when the npm that started it is gone. Signals that npm passes on end at the shell between the two
 * where that does not replace itself by its command; without this, what `kill` ended would go on unseen.
 */
export function endWithNpm() {
  if (watching || process.env.npm_lifecycle_event === undefined) return;
  watching = true;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.kill(process.pid, 'SIGTERM');
  }, 500).unref();
}

function end(signal) {
  stopAll();
  process.exit(EXIT_CODES[signal]);
}

function stopAll() {
  for (const child of running) child.kill('SIGTERM');
}

/** Starts a program that is ended with the script. */
export function start(command, args, options = {}) {
  guard();
  const child = spawn(command, args, {
    cwd: ROOT,
    stdio: 'inherit',
    ...options,
    env: { ...process.env, ...options.env },
  });
  running.add(child);
  child.on('close', () => running.delete(child));
  child.on('error', () => running.delete(child));
  return child;
}

/**
 * Runs a program to its end.
 * `capture` keeps its output instead of showing it. Resolves with the exit code (127: it could not be started) and that output.
 */
export function run(command, args, { capture = false, ...options } = {}) {
  const child = start(command, args, { ...options, stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
  return new Promise((resolve) => {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        output += text;
      });
    }
    child.on('error', (error) => resolve({ code: 127, output: `${command}: ${error.message}\n` }));
    child.on('close', (code, signal) => resolve({ code: code ?? (signal === null ? 0 : 1), output }));
  });
}

/** Runs a JavaScript file with this Node. */
export function runNode(file, args, options) {
  return run(process.execPath, [file, ...args], options);
}

/** Runs npm: the very one that started the script, if one did. */
export function runNpm(args, options) {
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) return runNode(npm, args, options);
  return run('npm', args, { ...options, shell: process.platform === 'win32' });
}
