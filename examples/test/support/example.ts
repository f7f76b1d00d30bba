/** An example as a user runs it: a child process on a free port. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const stops: (() => Promise<unknown>)[] = [];

/** Called at the end of each test, for everything it has started. */
export async function stopAll(): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}

export function onStop(stop: () => unknown): void {
  stops.push(async () => stop());
}

export interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

/** A running example. */
export interface Example {
  /** `http://127.0.0.1:…` */
  readonly url: string;
  /** Asks it to end, and resolves when it has. */
  end(): Promise<Ended>;
  /** Ends it without a word (SIGKILL). */
  kill(): Promise<Ended>;
}

/** @param file from the folder of the examples. Rejects if it ends before it listens. */
export async function run(file: string, env: Readonly<Record<string, string>> = {}): Promise<Example> {
  const path = fileURLToPath(new URL(`../../${file}`, import.meta.url));
  const child = spawn(file.endsWith('.py') ? 'python3' : process.execPath, [path], {
    env: { ...process.env, PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, errors })));
  onStop(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const url = await new Promise<string>((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      const found = /^listening on (\S+)$/m.exec(output)?.[1];
      if (found !== undefined) resolve(found);
    });
    void ended.then(({ code }) => reject(new Error(`${file} ended with ${code}: ${errors}`)));
  });
  return {
    url,
    end: () => {
      child.kill('SIGTERM');
      return ended;
    },
    kill: () => {
      child.kill('SIGKILL');
      return ended;
    },
  };
}

/** Resolves once `holds` does; `onChange` calls back after each change that may matter. */
export function until(holds: () => boolean, onChange: (check: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (holds()) resolve();
    };
    onChange(check);
    check();
  });
}
