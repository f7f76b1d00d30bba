// Many worlds, none of which may break a promise; together they have to meet everything that can go wrong.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const SIMULATE = fileURLToPath(new URL('simulate.mjs', import.meta.url));
const SEEDS = process.env.TRUNKLINE_DEEP ? 1_000 : 150;

function simulate(...args: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
  const child = spawn(process.execPath, [SIMULATE, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk;
    // Progress, for whoever waits.
    if (args[0] === '--seeds') process.stdout.write(chunk);
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })));
}

it(`${SEEDS} seeds keep every promise, and meet every kind of fault`, async () => {
  const { code, output } = await simulate('--seeds', String(SEEDS));
  expect(output).toContain('no promise was broken');
  expect(output).not.toContain('not met');
  expect(code).toBe(0);
});

it('a seed gives the same world each time, to the last event', async () => {
  const [first, second] = [await simulate('--seed', '7', '--trace'), await simulate('--seed', '7', '--trace')];
  expect(first.code).toBe(0);
  expect(first.output.split('\n').length).toBeGreaterThan(1_000);
  expect(second.output === first.output).toBe(true);
});
