// Programs that the tests run, and what they said.

import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const CONSUMER = fileURLToPath(new URL('./consumer', import.meta.url));

/** Folder names under packages/ of what is published. */
export const PACKAGES = readdirSync(join(ROOT, 'packages')).filter((name) => {
  const manifest = join(ROOT, 'packages', name, 'package.json');
  return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).private !== true;
});

/** Runs a program to its end and gives what it printed. Rejects with that if it fails. */
export async function run(
  command: string,
  words: readonly string[],
  cwd: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(command, words, {
    cwd,
    env: { ...environment(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${code}:\n${output}`);
  return output;
}

export function node(words: readonly string[], cwd: string): Promise<string> {
  return run(process.execPath, words, cwd);
}

export function npm(words: readonly string[], cwd: string): Promise<string> {
  return run('npm', words, cwd);
}

/** Starts a program and resolves with the first match in what it prints, and a way to stop it. */
export function startUntil(
  pattern: RegExp,
  words: readonly string[],
  cwd: string,
  { command = process.execPath, settings = {} }: StartOptions = {},
): Promise<Started> {
  const env = { ...environment(), ...settings };
  const child = spawn(command, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  let output = '';
  const printed = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      printed.emit('text');
    });
  }
  const until = (wanted: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = wanted.exec(output);
        if (match === null) return;
        printed.off('text', look);
        resolve(match);
      };
      printed.on('text', look);
      look();
      void ended.then((code) => reject(new Error(`${words.join(' ')} ended with ${code}:\n${output}`)));
    });
  return until(pattern).then((match) => ({
    match,
    until,
    stop: () => stop(child, ended, 'SIGTERM'),
    kill: () => stop(child, ended, 'SIGKILL'),
  }));
}

export interface StartOptions {
  /** Default: this Node. */
  readonly command?: string;
  /** Environment of its own. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Started {
  readonly match: RegExpExecArray;
  /** The first match of something else, in all that it printed. Rejects if it ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Asks it to end, and resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<number | null>;
}

/** What a test starts, ended in the reverse order. */
export class Programs {
  readonly #started: Started[] = [];

  async start(starting: Promise<Started>): Promise<Started> {
    const program = await starting;
    this.#started.push(program);
    return program;
  }

  async stop(): Promise<void> {
    for (const program of this.#started.splice(0).reverse()) await program.stop();
  }
}

function stop(
  child: ChildProcess,
  ended: Promise<number | null>,
  signal: 'SIGTERM' | 'SIGKILL',
): Promise<number | null> {
  child.kill(signal);
  return ended;
}

/** Without what npm and Vitest put there for their own children: an adopter's shell has none of it. */
export function environment(): NodeJS.ProcessEnv {
  const foreign = /^(?:npm_|VITEST|NODE_OPTIONS$|NODE_ENV$|NODE_PATH$|PORT$|HOST$|TRUNKLINE_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)));
}
