// Child processes of a bench. Each announces itself in one line of JSON on standard output and may then be asked things, a line each,
// answered by a line of JSON. Whatever ends the bench ends them: they leave when their standard input closes.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

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

/** @typedef {Record<string, unknown>} Answer */

/**
 * @typedef {object} Helper
 * @property {Answer} hello What it announced.
 * @property {(line: string) => Promise<Answer>} ask Rejects when it ends instead, or takes too long.
 * @property {() => Promise<void>} stop Never rejects.
 * @property {() => void} kill At once, without a word to its clients.
 */

/**
 * Starts a process and waits for its announcement.
 * @param {readonly string[]} command
 * @param {number} deadlineMs For the announcement, and for each answer.
 * @returns {Promise<Helper>}
 */
export async function startHelper(command, deadlineMs) {
  const [program = '', ...args] = command;
  // DEBUG makes some peers log; nobody means that here.
  const { DEBUG: _, ...env } = process.env;
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...env, NODE_ENV: 'production' },
  });
  running.add(child);
  // Its end is seen in `close`; a write to one that is gone must not end the bench.
  child.stdin.on('error', () => undefined);
  const name = args.find((argument) => argument.endsWith('.mjs')) ?? program;
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('close', (code, signal) => resolve(`ended with ${signal ?? code}`));
  }).then((how) => {
    running.delete(child);
    return new Error(`${name} ${how}`);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();

  /** @returns {Promise<Answer>} */
  const answer = async () => {
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve(new Error(`${name} said nothing for ${deadlineMs} ms`)), deadlineMs);
    });
    const first = await Promise.race([lines.next(), ended, late]);
    clearTimeout(timer);
    if (first instanceof Error) throw first;
    if (first.done) throw await ended;
    return JSON.parse(first.value);
  };
  const stop = async () => {
    child.stdin.end();
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
    await ended;
    clearTimeout(timer);
  };

  try {
    const hello = await answer();
    return {
      hello,
      ask: (line) => {
        child.stdin.write(`${line}\n`);
        return answer();
      },
      stop,
      kill: () => void child.kill('SIGKILL'),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
