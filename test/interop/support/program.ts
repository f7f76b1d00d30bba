// A program that is not ours, run beside the tests and stopped after each.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onStop } from './cleanup.js';
import { Inbox } from './inbox.js';

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

export interface Program {
  /** Lines of its standard output and of its errors; ends with it. */
  readonly output: Inbox<string>;
  readonly errors: Inbox<string>;
}

export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  running.add(child);
  const output = new Inbox<string>();
  const errors = new Inbox<string>();
  const said: string[] = [];
  createInterface(child.stdout).on('line', (line) => output.add(line));
  createInterface(child.stderr).on('line', (line) => {
    said.push(line);
    errors.add(line);
  });
  const ended = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      running.delete(child);
      for (const inbox of [output, errors]) inbox.end(`${command} ${how}\n${said.join('\n')}`);
      resolve();
    };
    child.on('error', (error) => end(error.message));
    child.on('close', (code, signal) => end(`ended with ${signal ?? code}`));
  });
  onStop(() => {
    child.kill('SIGTERM');
    return ended;
  });
  return { output, errors };
}

/** Debian's Python, the one that its package is installed for. @param options become one JSON argument. */
export function runPython(script: string, args: readonly string[], options: unknown): Program {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return run('/usr/bin/python3', ['-u', path, ...args, JSON.stringify(options)]);
}
