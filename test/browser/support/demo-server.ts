// The demo's server as people run it: a child process of its own, on a free port, with a data folder that is thrown away.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/free-port.js';

const MAIN = fileURLToPath(new URL('../../../apps/demo/dist/server/main.js', import.meta.url));

export interface Run {
  readonly child: ChildProcess;
  /** All it has printed so far. */
  readonly output: () => string;
  readonly errors: () => string;
  /** Resolves with its exit code; `null` if a signal ended it. */
  readonly ended: Promise<number | null>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the program, whatever comes of it. */
export function runDemo(env: Record<string, string>): Run {
  const child = spawn(process.execPath, [MAIN], {
    // Weather and sports are fed where a test asks for it.
    env: { PATH: process.env.PATH, TRUNKLINE_FEEDS: 'off', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return code as number | null;
  });
  return { child, output: () => output, errors: () => errors, ended };
}

export class DemoServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'trunkline-browser-'));
  #run: Run | undefined;

  private constructor(
    readonly port: number,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  /** @param env besides the port and the data folder */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<DemoServer> {
    const server = new DemoServer(await freePort(), env);
    await server.start();
    return server;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** All it has said since it was started last. */
  get errors(): string {
    return this.#run?.errors() ?? '';
  }

  get pid(): number {
    const pid = this.#run?.child.pid;
    if (pid === undefined) throw new Error('the demo does not run');
    return pid;
  }

  /** Starts it again: same port, same data. Resolves when it has printed its address. */
  async start(): Promise<void> {
    const run = runDemo({ PORT: String(this.port), TRUNKLINE_DATA: this.folder, ...this.env });
    this.#run = run;
    await new Promise<void>((resolve, reject) => {
      const look = () => {
        if (run.output().includes('Trunkline demo: http')) resolve();
      };
      run.child.stdout?.on('data', look);
      look();
      void run.ended.then(() => reject(new Error(`the demo did not start: ${run.output()}${run.errors()}`)));
    });
  }

  /** `kill -9`: no goodbye. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#run?.child.kill('SIGKILL');
    await this.#run?.ended;
  }

  /** Ends it as Ctrl-C does, or as a deploy does. Resolves with its exit code. */
  async stop(signal: 'SIGINT' | 'SIGTERM' = 'SIGINT'): Promise<number | null> {
    this.#run?.child.kill(signal);
    return (await this.#run?.ended) ?? null;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
