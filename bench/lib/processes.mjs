// Child processes of a bench: servers that announce themselves in one line of JSON, and loads that end with one.
// Whatever ends the bench ends them: a server leaves when its standard input closes.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const START_DEADLINE_MS = 20_000;
const STOP_DEADLINE_MS = 5_000;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});
for (const [signal, code] of /** @type {const} */ ([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
])) {
  process.on(signal, () => process.exit(code));
}

/**
 * Starts a server.
 * @param {readonly string[]} command
 * @returns {Promise<{ hello: Record<string, unknown>, stop: () => Promise<void> }>} What it announced.
 */
export async function startServer(command) {
  const child = launch(command);
  const hello = await within(START_DEADLINE_MS, firstLine(child, command), `${command.join(' ')} did not start`);
  return {
    hello,
    stop: async () => {
      const ended = ending(child);
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

/**
 * Runs a load to its end.
 * @param {readonly string[]} command
 * @param {number} deadlineMs
 * @returns {Promise<Record<string, unknown>>} The JSON that it printed.
 */
export async function runLoad(command, deadlineMs) {
  const child = launch(command);
  const ended = ending(child);
  try {
    return await within(deadlineMs, firstLine(child, command), `${command[0]}: the load took too long`);
  } finally {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  }
}

/** @param {readonly string[]} command */
function launch(command) {
  const [program = '', ...args] = command;
  // DEBUG makes some peers log; nobody means that here.
  const { DEBUG: _, ...env } = process.env;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, NODE_ENV: 'production' },
  });
  // Its end is seen elsewhere; a write to one that is gone must not end the bench.
  child.stdin.on('error', () => undefined);
  running.add(child);
  child.on('close', () => running.delete(child));
  return child;
}

/**
 * @param {import('node:child_process').ChildProcessByStdio<any, import('node:stream').Readable, null>} child
 * @param {readonly string[]} command
 * @returns {Promise<Record<string, unknown>>}
 */
function firstLine(child, command) {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.once('line', (line) => {
      try {
        resolve(JSON.parse(line));
      } catch {
        reject(new Error(`${command.join(' ')} printed: ${line}`));
      }
    });
    child.once('error', reject);
    child.once('close', (code, signal) => reject(new Error(`${command.join(' ')} ended with ${signal ?? code}`)));
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<void>}
 */
function ending(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('close', () => resolve()));
}

/**
 * @template T
 * @param {number} deadlineMs
 * @param {Promise<T>} work
 * @param {string} message
 * @returns {Promise<T>}
 */
async function within(deadlineMs, work, message) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${message} within ${deadlineMs} ms`)), deadlineMs);
  });
  try {
    return await /** @type {Promise<T>} */ (Promise.race([work, late]));
  } finally {
    clearTimeout(timer);
  }
}
