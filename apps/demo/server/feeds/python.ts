// The generator as a child process: Python, with the API key in its environment, which other users of the computer cannot read.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Child, ChildEnd } from './supervisor.js';

const PROGRAM = fileURLToPath(new URL('../../../generators/feeds.py', import.meta.url));

export interface GeneratorOptions {
  /** The server's own. */
  readonly url: string;
  readonly apiKey: string;
  /** What it says, a line at a time. */
  readonly onLine: (line: string) => void;
}

/** Its standard input stays open as long as this process lives: it ends with it, also when nobody could tell it to. */
export function startGenerator({ url, apiKey, onLine }: GeneratorOptions): Child {
  // -B: no compiled files beside the sources.
  const child = spawn('python3', ['-B', '-u', PROGRAM, '--url', url, '--until-eof'], {
    env: { ...process.env, TRUNKLINE_API_KEY: apiKey },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  // Written to never; a child that is gone may say so here first.
  child.stdin.on('error', () => {});
  let lastLine = '';
  createInterface({ input: child.stderr }).on('line', (line) => {
    lastLine = line;
    onLine(line);
  });
  const ended = new Promise<ChildEnd>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      // Of one that runs: a signal could not be sent. Its end is yet to come.
      if (child.pid === undefined) resolve({ how: error.message, isMissing: error.code === 'ENOENT' });
    });
    // All it said has been read by then.
    child.on('close', (code, signal) => {
      const end = signal === null ? `exit code ${code}` : `ended by ${signal}`;
      resolve({ how: lastLine === '' ? end : `${end}, last words: ${lastLine}`, isMissing: false });
    });
  });
  return {
    onEnd: (listener) => void ended.then(listener),
    signal: (signal) => void child.kill(signal),
  };
}
