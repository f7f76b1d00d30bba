// A seed is a world: the same one each time, to the last event, whatever else the process did before.

import { describe, expect, it } from 'vitest';
import { runSeed, type Verdict } from '../src/index.js';

async function traced(seed: number): Promise<{ readonly verdict: Verdict; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  const verdict = await runSeed(seed, (line) => lines.push(line));
  return { verdict, lines };
}

/** Worlds take seconds on a computer that has other work. */
describe('a seed', { timeout: 240_000 }, () => {
  // Between them: a disk and a memory, logs, tables and calls.
  it.each([2, 3])('%i gives the same world each time', async (seed) => {
    const first = await traced(seed);
    await runSeed(seed + 100);
    const second = await traced(seed);
    expect(first.verdict.violation).toBe(null);
    expect(first.lines.length).toBeGreaterThan(1_000);
    const other = second.lines.findIndex((line, index) => line !== first.lines[index]);
    expect([other, second.lines[other]]).toEqual([-1, undefined]);
    expect(second.verdict).toEqual(first.verdict);
  });

  it('runs the same without anybody who reads its trace', async () => {
    const [seen, unseen] = [await traced(3), await runSeed(3)];
    expect(unseen).toEqual(seen.verdict);
  });

  it('gives another world than another seed', async () => {
    const [one, other] = [await runSeed(3), await runSeed(4)];
    expect(one.events).not.toBe(other.events);
    expect(one.met).not.toEqual(other.met);
  });
});
