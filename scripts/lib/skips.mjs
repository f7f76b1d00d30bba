// Skipped tests need a reason: `test/skips.json` holds, by suite, the full name of each and why.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';

/** A line for each skip without a reason, and for each reason whose test does not exist. */
export function skipProblems(suite, { all, skipped }, listed = readList()[suite] ?? {}) {
  const reasonless = skipped
    .filter((name) => typeof listed[name] !== 'string' || listed[name].trim() === '')
    .map((name) => `skipped without a reason in test/skips.json: ${name}`);
  const stale = Object.keys(listed)
    .filter((name) => !all.includes(name))
    .map((name) => `test/skips.json lists a test that does not exist: ${name}`);
  return [...reasonless, ...stale];
}

function readList() {
  return JSON.parse(readFileSync(join(ROOT, 'test/skips.json'), 'utf8'));
}
