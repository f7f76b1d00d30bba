import { defineConfig } from 'vitest/config';

// The packages as they ship: packed once, installed into one folder outside the repository, and used from there.
export default defineConfig({
  test: {
    include: ['test/packed/*.test.ts'],
    globalSetup: ['test/packed/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    // Compilers and installers run in them.
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
