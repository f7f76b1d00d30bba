import { defineConfig } from 'vitest/config';

// The packages as they ship: packed once, installed into one folder outside the repository, and used from there.
export default defineConfig({
  test: {
    include: ['test/packed/*.test.ts'],
    globalSetup: ['test/packed/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // Compilers and installers run in them, also on a machine that is three times slower, and has other things to do.
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
  },
});
