// The simulation can fail: each deliberate bug, in a copy of the compiled packages, is found within 200 seeds, as a breach of the promise
// that it breaks. What else goes wrong because of it does not count.

import { describe, expect, it } from 'vitest';
import { BUGS } from './bugs/list.mjs';
import { patchedCopy } from './lib/patched-copy.mjs';
import { runSeeds } from './lib/pool.mjs';

const SEEDS = 200;
/** Looking for all of them takes minutes. `npm test` looks for every ninth, and sees that the others can still be made. */
const STRIDE = process.env.TRUNKLINE_DEEP ? 1 : 9;
const SOUGHT = BUGS.filter((_, index) => index % STRIDE === 0);

interface Verdict {
  readonly seed: number;
  readonly violation: { readonly promise: string; readonly what: string } | null;
}

describe('finds within 200 seeds that', () => {
  it.each(SOUGHT.map((bug) => [bug.name, bug] as const))('%s', async (_name, { patches, breaks }) => {
    const copy = patchedCopy(patches);
    let found: Verdict | undefined;
    try {
      await runSeeds({
        from: 1,
        count: SEEDS,
        world: copy.world,
        onVerdict: (verdict: Verdict) => {
          if (verdict.violation?.promise === breaks) found ??= verdict;
          return found === undefined;
        },
      });
    } finally {
      copy.remove();
    }
    expect(found?.violation?.promise).toBe(breaks);
    process.stdout.write(
      `  seed ${found?.seed}: ${found?.violation?.promise}: ${found?.violation?.what.split('\n')[0]}\n`,
    );
  });

  it('and can make those that it does not look for now', () => {
    for (const { patches } of BUGS) patchedCopy(patches).remove();
  });

  it('and says loudly when a bug cannot be made any more', () => {
    expect(() => patchedCopy([{ in: 'core', find: 'no such text', put: '' }])).toThrow('not one');
  });
});
