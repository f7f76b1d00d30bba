// Runs the appending process and kills it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The broker's module, as other programs find it. */
export const BROKER = createRequire(import.meta.url).resolve('@trunkline/broker-sqlite');
const APPENDER = fileURLToPath(new URL('./appender.mjs', import.meta.url));

/** One acknowledgement. */
export interface Acknowledged {
  readonly producer: number;
  readonly seq: number;
  readonly offset: number;
  readonly duplicate: boolean;
}

/**
 * Lets producer n append from `seqs[n]` on, kills the process with SIGKILL at its `killAfter`-th acknowledgement, and gives
 * every acknowledgement that it had written by then.
 */
export async function appendUntilKilled(
  file: string,
  seqs: readonly number[],
  seed: number,
  killAfter: number,
): Promise<Acknowledged[]> {
  const task = JSON.stringify({ seqs, seed });
  const child = spawn(process.execPath, [APPENDER, BROKER, file, task], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  const acknowledged: Acknowledged[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const [producer, seq, offset, duplicate] = line.split(' ');
    // The kernel may cut the last line; what is complete was written before.
    if (duplicate !== 'true' && duplicate !== 'false') continue;
    acknowledged.push({
      producer: Number(producer),
      seq: Number(seq),
      offset: Number(offset),
      duplicate: duplicate === 'true',
    });
    if (acknowledged.length === killAfter) child.kill('SIGKILL');
  }
  const [code, signal] = (await ended) as [number | null, string | null];
  if (signal !== 'SIGKILL') throw new Error(`the process ended by itself, with code ${code}`);
  return acknowledged;
}

/** What producer `p` says at `seq`: the same as in appender.mjs. */
export function textOf(p: number, seq: number): string {
  return `${p}:${seq}:${'x'.repeat((p * 131 + seq * 7919) % (seq % 97 === 0 ? 20_000 : 300))}`;
}
