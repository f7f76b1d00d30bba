import { defineConfig } from 'vitest/config';

// Our engine with what is not ours, over loopback (`npm run build` first): Chromium, ws, Vite, Debian's python3-websockets and
// nginx. What has to sit out a proxy's timeouts runs with TRUNKLINE_DEEP only.
const deep = process.env.TRUNKLINE_DEEP === '1' ? ['test/interop/**/*.deep.ts'] : [];

export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts', ...deep],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default'],
  },
});
