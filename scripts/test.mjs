// `npm test`: every suite in order, a table of them, and the sum as the last line.
// `--deep` runs the long forms; `--only unit,browser` runs some suites; `--help` names them.

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
  const given = readArguments();
  if (given.help) return void process.stdout.write(help());
  const chosen = choose(given);
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

function readArguments() {
  const options = { deep: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    throw new Explained(`${error.message}\n\n${help()}`);
  }
}

function help() {
  const width = Math.max(...SUITES.map(({ name }) => name.length));
  const suites = SUITES.map(
    ({ name, title, isDeep }) => `  ${name.padEnd(width)}  ${title}${isDeep ? ' (among the long forms only)' : ''}`,
  ).join('\n');
  return `npm test                          all suites, one after the other
npm test -- --only unit,browser   some of them
npm run test:deep                 their long forms

Suites:
${suites}

One file: npx vitest run FILE, with -c and the suite's configuration where it has one of its own (test/browser/vitest.config.ts …).
`;
}

function choose({ deep, only }) {
  // What a shell has set for its own servers is not for those of the tests.
  for (const name of ['HOST', 'PORT', 'TRUNKLINE_DATA', 'TRUNKLINE_DRAIN', 'NODE_ENV']) delete process.env[name];
  if (deep) Object.assign(process.env, { TRUNKLINE_DEEP: '1', CRASH_ROUNDS: '50' });
  if (only === undefined) return SUITES.filter(({ isDeep }) => isDeep !== true || deep);
  const names = only.split(',').map((name) => name.trim());
  const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    throw new Explained(
      `No such suite: ${unknown.join(', ')}. There are: ${SUITES.map((suite) => suite.name).join(', ')}.`,
    );
  }
  return SUITES.filter((suite) => names.includes(suite.name));
}
