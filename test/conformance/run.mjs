// @ts-check
// The WebSocket conformance suite: judges an echo server by its URL. `--list` names all cases and what they expect.
// Exit code 0: it conforms; 1: a case FAILED or closed wrongly; 2: it could not be judged. With --report, ours is judged.

import { parseArgs } from 'node:util';
import { problemOf, runCases, select } from './lib/runner.mjs';
import { lineOf, sumOf, tableOf } from './lib/tally.mjs';
import { targetOf } from './lib/target.mjs';
import { isBad } from './lib/verdict.mjs';
import { writeReport } from './report/report.mjs';

const USAGE = `Usage: npm run conformance -- ws://127.0.0.1:9001/ [options]
       npm run conformance -- --list [--only NAMES]
       npm run conformance -- --report

  --only NAMES     groups, group/case, or numbers of the catalogue (6.4, 7.1.6), separated by commas
  --fast           leave out the groups that measure speed or endurance
  --full           as many messages and as long waits as the catalogue has
  --patience MS    how long the server may take to answer; default 3000
  --json           the results as JSON on stdout, progress on stderr
  --verbose        a line for each case, not only for those that are not OK
  --report         judge this engine, ws and Bun, and write the results into docs/conformance.md
`;

const DEFAULT_PATIENCE_MS = 3_000;

process.exitCode = await main();

async function main() {
  const options = optionsOf(process.argv.slice(2));
  if (typeof options === 'string') return refuse(options);
  const { values, url } = options;
  const names = values.only?.split(',').map((name) => name.trim()) ?? [];
  const selected = select(names).filter(({ group }) => !(values.fast && group.isLong));
  if (selected.length === 0) return refuse(`No case has the name ${names.join(', ')}.`);
  if (values.list) return list(selected);
  if (values.report) return report(selected, Boolean(values.full));
  const target = targetOf(url ?? '', Number(values.patience ?? DEFAULT_PATIENCE_MS));
  if (target === null || !(target.patienceMs > 0)) return refuse('Give the ws:// or wss:// URL of an echo server.');
  const problem = await problemOf(target);
  if (problem !== null) return refuse(`No server at ${target.url}: ${problem}`);
  return judge(target, selected, values);
}

/**
 * @param {import('./lib/target.mjs').Target} target
 * @param {readonly import('./lib/runner.mjs').Selected[]} selected
 * @param {{ json?: boolean | undefined, full?: boolean | undefined, verbose?: boolean | undefined }} values
 */
async function judge(target, selected, { json = false, full = false, verbose = false }) {
  const log = json ? process.stderr : process.stdout;
  const total = selected.reduce((sum, { cases }) => sum + cases.length, 0);
  log.write(`Judging ${target.url} by ${total} cases\n`);
  let count = 0;
  let group = '';
  const results = await runCases({
    target,
    selected,
    isFull: full,
    done: (result) => {
      count++;
      clearLine(log);
      if (result.group !== group) {
        group = result.group;
        const chosen = selected.find((candidate) => candidate.group.name === group);
        log.write(`── ${group}: ${chosen?.group.title} (${chosen?.cases.length})\n`);
      }
      const { behaviour } = result.verdict;
      const isPlain = (behaviour === 'OK' && !isBad(result.verdict)) || behaviour === 'UNIMPLEMENTED';
      if (verbose || !isPlain) log.write(`   ${lineOf(result)}\n`);
      if (log.isTTY) log.write(`   ${count} of ${total}`);
    },
  });
  clearLine(log);
  log.write(`\n${tableOf(results)}\n\n${sumOf(results)}\n`);
  if (json) process.stdout.write(`${JSON.stringify(asJson(target, results, full), null, 1)}\n`);
  return results.some(({ verdict }) => isBad(verdict)) ? 1 : 0;
}

/** @param {NodeJS.WriteStream} log */
function clearLine(log) {
  if (log.isTTY) log.write('\r\x1b[2K');
}

/**
 * @param {import('./lib/target.mjs').Target} target
 * @param {readonly import('./lib/runner.mjs').CaseResult[]} results
 * @param {boolean} isFull
 */
function asJson(target, results, isFull) {
  return {
    url: target.url,
    isFull,
    cases: results.map(({ group, case: { id, catalogue, requirements, does, expects }, verdict, ms }) => ({
      group,
      id,
      catalogue: catalogue ?? null,
      requirements,
      does,
      expects,
      ...verdict,
      ms: Math.round(ms),
    })),
  };
}

/** @param {readonly import('./lib/runner.mjs').Selected[]} selected */
function list(selected) {
  for (const { group, cases } of selected) {
    process.stdout.write(`── ${group.name}: ${group.title} (${cases.length})\n`);
    for (const { id, catalogue, requirements, does, expects } of cases) {
      process.stdout.write(`   ${id}${catalogue === undefined ? '' : ` (${catalogue})`} [${requirements.join(' ')}]\n`);
      process.stdout.write(`      ${does}\n      → ${expects}\n`);
    }
  }
  return 0;
}

/**
 * @param {readonly import('./lib/runner.mjs').Selected[]} selected
 * @param {boolean} isFull
 */
async function report(selected, isFull) {
  const results = await writeReport(selected, isFull, DEFAULT_PATIENCE_MS);
  return results.some(({ verdict }) => isBad(verdict)) ? 1 : 0;
}

/** @param {string[]} args */
function optionsOf(args) {
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        patience: { type: 'string' },
        fast: { type: 'boolean' },
        full: { type: 'boolean' },
        json: { type: 'boolean' },
        list: { type: 'boolean' },
        report: { type: 'boolean' },
        verbose: { type: 'boolean' },
      },
    });
    return { values, url: positionals[0] };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** @param {string} problem */
function refuse(problem) {
  process.stderr.write(`${problem}\n\n${USAGE}`);
  return 2;
}
