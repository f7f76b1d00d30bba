// The generator as somebody else's program, and the tables as it and others see them: over the HTTP API.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Match, Station, TickerEntry } from '../../../apps/demo/server/feeds/rows.js';

const PROGRAM = fileURLToPath(new URL('../../../apps/demo/generators/feeds.py', import.meta.url));

/** Of the servers of these tests. */
export const API_KEY = 'key-of-the-tests-0123456789-0123456789';

interface Rows {
  readonly weather: Station;
  readonly matches: Match;
}

/** Runs it to its end. */
export async function generate(url: string, args: readonly string[]): Promise<void> {
  const child = spawn('python3', ['-B', PROGRAM, '--url', url, ...args], {
    env: { PATH: process.env.PATH, TRUNKLINE_API_KEY: API_KEY },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the generator ended with ${code}: ${errors}`);
}

export async function tableOf<Name extends keyof Rows>(url: string, name: Name): Promise<Map<string, Rows[Name]>> {
  const page = (await ask(url, 'GET', `${name}/rows?limit=1000`)) as { rows: { key: string; data: Rows[Name] }[] };
  return new Map(page.rows.map(({ key, data }) => [key, data]));
}

export async function putMatch(url: string, key: string, match: Match): Promise<void> {
  await ask(url, 'PUT', `matches/rows/${key}`, match);
}

export async function tell(url: string, entry: TickerEntry): Promise<void> {
  await ask(url, 'POST', 'ticker/entries', entry);
}

async function ask(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${url}/v1/channels/${path}`, {
    method,
    headers: { Authorization: `Bearer ${API_KEY}`, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** The processes that a process has started and not yet seen the end of. */
export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A process that has ended and is not yet asked for its exit code is a zombie.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
