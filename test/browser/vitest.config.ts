import { defineConfig } from 'vitest/config';

// The built demo in Chromium (`npm run build` first; CHROMIUM_PATH names a browser elsewhere). Each file has its own server,
// data folder and browser, and ends them. What has to wait long runs with TRUNKLINE_DEEP only.
const deep = process.env.TRUNKLINE_DEEP === '1' ? ['test/browser/**/*.deep.ts'] : [];

export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts', ...deep],
    pool: 'forks',
    maxWorkers: 2,
    // What a machine takes that is three times slower, and has other things to do: nothing waits for its end that comes.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
});
