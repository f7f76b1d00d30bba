import { defineConfig } from 'vitest/config';

// Our engine with what is not ours, over loopback (`npm run build` first): Chromium, ws, Vite, Debian's python3-websockets and
// nginx. What has to sit out a proxy's timeouts runs with TRUNKLINE_DEEP only.
const deep = process.env.TRUNKLINE_DEEP === '1' ? ['test/interop/**/*.deep.ts'] : [];

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts', ...deep],
    pool: 'forks',
    maxWorkers: 2,
    // What a machine takes that is three times slower, and has other things to do.
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 30_000 } },
    reporters: ['default'],
  },
});
