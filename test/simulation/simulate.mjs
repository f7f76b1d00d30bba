// `npm run simulate -- --seeds N [--from S]`: many worlds, and what they met. `--seed S [--trace]`: one of them, with a line for
// each event. The exit code is 1 if a promise was broken, or if so many seeds did not meet what they have to.

import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { runSeeds, WORLD } from './lib/pool.mjs';
import { FULL, failureText, Summary } from './lib/summary.mjs';

const HELP = 'Usage: npm run simulate -- [--seeds N] [--from S] | --seed S [--trace]';
const PROGRESS_MS = 2_000;

process.exitCode = await main();

async function main() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: String(FULL) },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      trace: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  const numbers = [values.seeds, values.from, values.seed ?? '1'].map(Number);
  if (values.help || !numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    process.stdout.write(`${HELP}\n`);
    return values.help ? 0 : 1;
  }
  const [count, from, seed] = numbers;
  return values.seed === undefined ? many(from, count) : one(seed, values.trace);
}

async function one(seed, isTraced) {
  const { runSeed } = await import(pathToFileURL(WORLD).href);
  const verdict = await runSeed(seed, isTraced ? (line) => process.stdout.write(`${line}\n`) : undefined);
  const summary = new Summary();
  summary.add(verdict);
  process.stdout.write(`${summary.text}\n`);
  if (verdict.violation === null) return 0;
  process.stdout.write(`${failureText(verdict)}\n`);
  return 1;
}

async function many(from, count) {
  const { FAULT_KINDS } = await import(pathToFileURL(WORLD).href);
  const summary = new Summary();
  const bad = [];
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1_000).toFixed(1);
  const timer = setInterval(
    () => process.stdout.write(`  ${summary.seeds} of ${count} seeds, ${seconds()} s\n`),
    PROGRESS_MS,
  );
  try {
    await runSeeds({
      from,
      count,
      onVerdict: (verdict) => {
        summary.add(verdict);
        if (verdict.violation !== null) {
          bad.push(verdict.seed);
          process.stdout.write(`${failureText(verdict)}\n`);
        }
        return true;
      },
    });
  } finally {
    clearInterval(timer);
  }
  process.stdout.write(`${summary.text}\n`);
  const missing = count >= FULL ? summary.missing(FAULT_KINDS) : [];
  if (missing.length > 0) process.stdout.write(`not met: ${missing.join(', ')}\n`);
  const verdict = bad.length === 0 ? 'no promise was broken' : `broken by the seeds ${bad.join(', ')}`;
  process.stdout.write(`${count} seeds in ${seconds()} s: ${verdict}\n`);
  return bad.length + missing.length === 0 ? 0 : 1;
}
