import { defineConfig } from 'vitest/config';

// Unit, contract and property tests of the packages. Cross-package imports resolve to the built output (`npm run build`
// first), so what is tested is what ships. Browser, crash and packed-package suites have runners of their own.
/** What takes long. */
const deep = process.env.TRUNKLINE_DEEP === '1' ? ['packages/*/test/**/*.deep.ts'] : [];

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.{ts,tsx}',
      'apps/*/test/**/*.test.{ts,tsx}',
      'examples/test/**/*.test.ts',
      'test/conformance/**/*.test.ts',
      'test/workspace/**/*.test.ts',
      ...deep,
    ],
    pool: 'forks',
    // By itself it leaves one processor idle, which on two is half of the time.
    maxWorkers: 2,
    // What a machine takes that is three times slower, and has other things to do: nothing waits for its end that comes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
});
