import { defineConfig } from 'vitest/config';

// The SQLite broker, killed under load. `CRASH_ROUNDS` says how often (default 15), `CRASH_SEED` repeats a run.
export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts'],
    pool: 'forks',
    // The load needs the processors for itself: one file after the other.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    reporters: ['default'],
  },
});
