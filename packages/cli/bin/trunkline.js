#!/usr/bin/env node
// Committed, so that installing links the command before anything is built.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/index.js', import.meta.url);
if (existsSync(entry)) {
  const { main } = await import(entry.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write('trunkline: not built yet; run `npm run build` in the repository\n');
  process.exitCode = 1;
}
