// `npm test`: every suite in order, a table of them, and the sum as the last line.
// `--deep` runs the long forms; `--only unit,browser` runs some suites.

import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/build.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { requireNode } from './lib/node-version.mjs';
import { Explained, main } from './lib/progress.mjs';
import { printReport } from './lib/report.mjs';
import { failure } from './lib/result.mjs';
import { SUITES } from './lib/suites.mjs';

requireNode();
await main(async () => {
  const chosen = choose();
  await ensureInstalled();
  const unbuilt = await buildProblem();
  const results = [];
  for (const suite of chosen) {
    process.stdout.write(`\n── ${suite.name}: ${suite.title}\n`);
    const began = performance.now();
    const result = unbuilt !== null && suite.needsBuild ? failure(`not run: ${unbuilt}`) : await suite.run();
    results.push({ name: suite.name, ...result, ms: performance.now() - began });
  }
  return printReport(results);
});

/** A build that fails is a failure of each suite that needs it, not the end of the report. */
async function buildProblem() {
  try {
    await ensureBuilt();
    return null;
  } catch (error) {
    if (error instanceof Explained) return error.message;
    throw error;
  }
}

function choose() {
  const { values } = parseArgs({ options: { deep: { type: 'boolean' }, only: { type: 'string' } } });
  // What a shell has set for its own servers is not for those of the tests.
  for (const name of ['HOST', 'PORT', 'TRUNKLINE_DATA', 'TRUNKLINE_DRAIN', 'NODE_ENV']) delete process.env[name];
  if (values.deep) Object.assign(process.env, { TRUNKLINE_DEEP: '1', CRASH_ROUNDS: '50' });
  if (values.only === undefined) return SUITES;
  const names = values.only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    throw new Explained(
      `No such suite: ${unknown.join(', ')}. There are: ${SUITES.map((suite) => suite.name).join(', ')}.`,
    );
  }
  return SUITES.filter((suite) => names.includes(suite.name));
}
