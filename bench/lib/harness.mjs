// Runs a bench. In a run all arms of a case are open at once and take turns of less than a second, round after round, while the others
// have nothing to do: whatever else happens on the machine hits all of them alike, and ratios compare figures of the same run.

import { toCsv, writeCsv } from './csv.mjs';
import { describeMachine, pinCores } from './machine.mjs';
import { UsageError } from './options.mjs';
import { printReport } from './report.mjs';
import { resultOf } from './result.mjs';

/** @typedef {import('./result.mjs').Measure} Measure */
/** @typedef {import('./result.mjs').Sample} Sample */
/** @typedef {import('./machine.mjs').Cores} Cores */

/**
 * @typedef {object} System
 * @property {string} name
 * @property {() => string | null} [missing] Why it cannot take part here.
 * @property {readonly string[]} [cases] The only ones that it takes part in.
 */

/**
 * One benchmark.
 * @template {System} S
 * @typedef {object} Bench
 * @property {string} name
 * @property {string} title
 * @property {readonly { name: string, words: string }[]} cases
 * @property {readonly S[]} systems
 * @property {readonly Measure[]} measures The first one is the main one.
 * @property {readonly string[]} method Sentences for the report.
 * @property {readonly string[]} notEqual What differs between the arms besides what is measured.
 * @property {number} turns Turns that each arm has in a run.
 * @property {(system: S, caseName: string, cores: Cores) => Promise<Arm>} open Starts new processes, and warms them up.
 */

/**
 * One system in one case, ready to be measured.
 * @typedef {object} Arm
 * @property {Readonly<Record<string, string>>} versions
 * @property {() => Promise<void>} turn
 * @property {() => Promise<Measured>} finish After the last turn.
 * @property {() => Promise<void>} close Ends its processes, however far it came.
 */

/** @typedef {Omit<Sample, 'run' | 'case' | 'system'>} Measured */

/** The share of a core above which a load process may have been what was measured: its wall-clock figures do not count. */
export const LOAD_BUSY_MAX = 0.9;
/** How much of a core other programs may use before times are theirs as much as the server's. */
export const OTHERS_BUSY_MAX = 0.1;
const FEW_RUNS = 5;

/**
 * @template {System} S
 * @param {Bench<S>} bench
 * @param {import('./options.mjs').Options} options
 */
export async function runBench(bench, { json, runs, only }) {
  const cases = bench.cases.filter(({ name }) => only === null || name === only);
  if (cases.length === 0) {
    throw new UsageError(`${bench.name} has no case "${only}": ${bench.cases.map(({ name }) => name).join(', ')}`);
  }
  const machine = describeMachine();
  const cores = pinCores();
  const systems = bench.systems.filter((system) => {
    const missing = system.missing?.() ?? null;
    if (missing !== null) progress(`without ${system.name}: ${missing}`);
    return missing === null;
  });
  progress(`${bench.name}: ${runs} runs of ${cases.length} cases × ${systems.length} systems; ${cores.words}`);
  if (runs < FEW_RUNS) progress(`fewer than ${FEW_RUNS} runs are a glance, not a result`);

  /** @type {Sample[]} */
  const samples = [];
  /** @type {Record<string, string>} */
  const versions = {};
  for (let run = 1; run <= runs; run += 1) {
    for (const { name } of cases) {
      const ofCase = systems.filter(({ cases: its }) => its === undefined || its.includes(name));
      const arms = await measureSideBySide(bench, name, rotated(ofCase, run - 1), cores);
      for (const { system, measured, versions: found } of arms) {
        Object.assign(versions, found);
        samples.push({ run, case: name, system: system.name, ...measured });
        progress(`run ${run}/${runs}  ${name}  ${system.name.padEnd(10)}  ${inWords(bench.measures, measured)}`);
      }
    }
  }

  const result = resultOf(bench, samples, machine);
  const file = writeCsv(bench.name, toCsv(bench.measures, samples, { ...machine, versions }));
  printReport({ bench, cases, result, samples, machine, cores, versions, runs, file });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
}

/**
 * @template {System} S
 * @param {Bench<S>} bench
 * @param {string} caseName
 * @param {readonly S[]} systems
 * @param {Cores} cores
 */
async function measureSideBySide(bench, caseName, systems, cores) {
  /** @type {{ system: S, arm: Arm }[]} */
  const open = [];
  try {
    for (const system of systems) open.push({ system, arm: await bench.open(system, caseName, cores) });
    for (let turn = 0; turn < bench.turns; turn += 1) {
      for (const { arm } of rotated(open, turn)) await arm.turn();
    }
    const arms = [];
    // In the bench's own order: an arm may need what one before it has found.
    const place = (/** @type {{ system: S }} */ { system }) => bench.systems.indexOf(system);
    for (const { system, arm } of open.toSorted((a, b) => place(a) - place(b))) {
      arms.push({ system, versions: arm.versions, measured: await arm.finish() });
    }
    return arms;
  } finally {
    for (const { arm } of open) await arm.close();
  }
}

/**
 * @template T
 * @param {readonly T[]} list
 * @param {number} by
 */
function rotated(list, by) {
  const first = by % list.length;
  return [...list.slice(first), ...list.slice(0, first)];
}

/**
 * @param {readonly Measure[]} measures
 * @param {Pick<Sample, 'figures' | 'problems'>} sample
 */
function inWords(measures, { figures, problems }) {
  return measures
    .filter(({ name }) => name in figures)
    .map(
      ({ name }) =>
        `${name} ${Math.round((figures[name] ?? 0) * 10) / 10}${name in problems ? ` (${problems[name]})` : ''}`,
    )
    .join('  ');
}

/** For the person who waits; standard output is for the result. @param {string} line */
function progress(line) {
  process.stderr.write(`${line}\n`);
}
