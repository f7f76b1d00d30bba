// Other processes that use a broker.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./program.mjs', import.meta.url));
/** Root may write everything, so a test of permissions runs as somebody else. */
const NOBODY = 65_534;

function run(task: string, path: string, unprivileged = false): ChildProcess {
  const user = unprivileged && process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  return spawn(process.execPath, [PROGRAM, task, path], { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...user });
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

export async function endOf(child: ChildProcess): Promise<Ended> {
  let output = '';
  child.stdout?.on('data', (piece: Buffer) => {
    output += piece.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

/** A process that has the file open until it is killed. */
export async function spawnHolder(path: string): Promise<ChildProcess> {
  const child = run('hold', path);
  if (child.stdout !== null) await once(child.stdout, 'data');
  return child;
}

/** Opens the file as a user without privileges; gives the error, or `{}`. */
export async function openInChild(path: string): Promise<{ readonly code?: string; readonly message?: string }> {
  const { output } = await endOf(run('open', path, true));
  return JSON.parse(output) as { code?: string };
}

/** A process that does `task` and then has nothing more to do. */
export function runProgram(task: 'idle' | 'append' | 'close', path: string): Promise<Ended> {
  return endOf(run(task, path));
}
