// The command as a user runs it: a child process, through the committed shim.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SHIM = fileURLToPath(new URL('../bin/trunkline.js', import.meta.url));
const FIXTURES = fileURLToPath(new URL('./fixtures', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** The first match in the output so far or to come; rejects when the command ends without one. */
  outputs(pattern: RegExp): Promise<RegExpMatchArray>;
  /** The same for standard error. */
  remarks(pattern: RegExp): Promise<RegExpMatchArray>;
  /** Writes lines to the command's standard input. */
  type(...lines: readonly string[]): void;
}

/** A workshop for one test: a folder, and commands that are stopped with it. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'trunkline-cli-'));
  readonly #running = new Set<Running>();

  /** Starts `trunkline WORDS` among the fixtures, with no settings from the environment. */
  start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): Running {
    const {
      PORT: _port,
      HOST: _host,
      TRUNKLINE_DATA: _data,
      TRUNKLINE_DRAIN: _drain,
      TRUNKLINE_API_KEYS: _keys,
      ...others
    } = process.env;
    const { TRUNKLINE_TOKEN: _token, ...rest } = others;
    const child = spawn(process.execPath, [SHIM, ...words], { cwd: FIXTURES, env: { ...rest, ...environment } });
    const running = watch(child);
    this.#running.add(running);
    return running;
  }

  /** Runs the command to its end. */
  run(...words: readonly string[]): Promise<Ended> {
    return this.start(words).ended;
  }

  async close(): Promise<void> {
    for (const { child } of this.#running) child.kill('SIGKILL');
    await Promise.all([...this.#running].map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function watch(child: ChildProcess): Running {
  const out = collect(child.stdout);
  const err = collect(child.stderr);
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code) => resolve({ code, out: out.text(), err: err.text() })),
  );
  const matching = (stream: Collected) => (pattern: RegExp) =>
    new Promise<RegExpMatchArray>((resolve, reject) => {
      stream.check(() => {
        const match = pattern.exec(stream.text());
        if (match !== null) resolve(match);
      });
      void ended.then((end) => reject(new Error(`ended with ${end.code}: ${end.out}${end.err}`)));
    });
  const type = (...lines: readonly string[]) => void child.stdin?.write(lines.map((line) => `${line}\n`).join(''));
  return { child, ended, outputs: matching(out), remarks: matching(err), type };
}

interface Collected {
  text(): string;
  /** Calls back now, and whenever more has come. */
  check(check: () => void): void;
}

function collect(stream: NodeJS.ReadableStream | null): Collected {
  let text = '';
  const checks = new Set<() => void>();
  stream?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
    for (const check of checks) check();
  });
  return {
    text: () => text,
    check: (check) => {
      checks.add(check);
      check();
    },
  };
}
