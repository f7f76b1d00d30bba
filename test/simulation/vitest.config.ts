import { defineConfig } from 'vitest/config';

// The simulated world of packages/testing: many seeds, and bugs that they have to find. `TRUNKLINE_DEEP` runs a thousand.
export default defineConfig({
  test: {
    include: ['test/simulation/**/*.test.ts'],
    pool: 'forks',
    // Each test runs processes of its own, as many as there are processors.
    fileParallelism: false,
    testTimeout: 600_000,
    reporters: ['default'],
  },
});
