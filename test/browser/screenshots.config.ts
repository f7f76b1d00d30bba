import { defineConfig } from 'vitest/config';

// Takes the pictures of the documents anew, on demand: npx vitest run --config test/browser/screenshots.config.ts
export default defineConfig({
  test: { include: ['test/browser/screenshots.ts'], testTimeout: 60_000, hookTimeout: 30_000, reporters: ['default'] },
});
