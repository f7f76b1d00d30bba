// @ts-check
// Judges the contestants one after the other and writes the results into docs/conformance.md, between its two marks. What
// stands around them is written by hand.

import { readFileSync, writeFileSync } from 'node:fs';
import { GROUPS } from '../cases/index.mjs';
import { runCases } from '../lib/runner.mjs';
import { sumOf, tally } from '../lib/tally.mjs';
import { targetOf } from '../lib/target.mjs';
import { BEHAVIOURS } from '../lib/verdict.mjs';
import { CONTESTANTS, start } from './contestants.mjs';

const DOCUMENT = new URL('../../../docs/conformance.md', import.meta.url);
const BEGIN = '<!-- results: begin -->';
const END = '<!-- results: end -->';

/** @typedef {import('../lib/runner.mjs').CaseResult} CaseResult */
/** @typedef {{ contestant: import('./contestants.mjs').Contestant, version: string, results: readonly CaseResult[] }} Judged */

/**
 * @param {readonly import('../lib/runner.mjs').Selected[]} selected
 * @param {boolean} isFull
 * @param {number} patienceMs
 * @returns {Promise<readonly CaseResult[]>} Those of the first contestant.
 */
export async function writeReport(selected, isFull, patienceMs) {
  /** @type {Judged[]} */
  const judged = [];
  for (const contestant of CONTESTANTS) {
    process.stdout.write(`── ${contestant.name}\n`);
    const server = await start(contestant);
    try {
      const target = targetOf(server.url, patienceMs);
      if (target === null) throw new Error(`no URL: ${server.url}`);
      const results = await runCases({ target, selected, isFull, done: progress(selected) });
      judged.push({ contestant, version: server.version, results });
      process.stdout.write(`   ${sumOf(results)}\n`);
    } finally {
      await server.stop();
    }
  }
  const text = readFileSync(DOCUMENT, 'utf8');
  const [before, rest = ''] = text.split(BEGIN);
  const after = rest.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('docs/conformance.md has lost its marks');
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n${body(judged, isFull)}${END}${after}`);
  return judged[0]?.results ?? [];
}

/** @param {readonly import('../lib/runner.mjs').Selected[]} selected */
function progress(selected) {
  let count = 0;
  return (/** @type {CaseResult} */ { group }) => {
    count++;
    const chosen = selected.find((candidate) => candidate.group.name === group);
    if (count < (chosen?.cases.length ?? 0)) return;
    process.stdout.write(`   ${group}: ${count} cases\n`);
    count = 0;
  };
}

/**
 * @param {readonly Judged[]} judged
 * @param {boolean} isFull
 */
function body(judged, isFull) {
  const names = judged.map(({ contestant, version }) => `${contestant.name} ${version}`);
  const tallies = judged.map(({ results }) => tally(results));
  const groups = GROUPS.filter(({ name }) => tallies[0]?.some(({ group }) => group === name));
  const rows = groups.map(({ name }) => {
    const found = tallies.map((list) => list.find(({ group }) => group === name));
    return [`\`${name}\``, found[0]?.cases ?? 0, ...found.map(cell)];
  });
  const sums = judged.map(({ results }) => cell({ ...emptyTally(), cases: results.length, ...sum(tally(results)) }));
  const lines = [
    `Node ${process.version}, ${isFull ? 'run with' : 'run without'} \`--full\`. The servers:`,
    '',
    ...judged.map(({ contestant: { name, program, file } }) => `- ${name}: \`${program} ${file}\``),
    '',
    row(['group', 'cases', ...names]),
    row(['-', '-:', ...names.map(() => '-')]),
    ...rows.map(row),
    row(['**all**', judged[0]?.results.length ?? 0, ...sums]),
    '',
    'Every case that is not OK, in the words of the suite:',
    '',
    ...judged.flatMap(exceptions),
  ];
  return `${lines.join('\n')}\n`;
}

/** @param {readonly (string | number)[]} cells */
function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

function emptyTally() {
  return { group: '', ms: 0 };
}

/**
 * @param {readonly import('../lib/tally.mjs').Tally[]} tallies
 */
function sum(tallies) {
  const add = (/** @type {(one: import('../lib/tally.mjs').Tally) => number} */ pick) =>
    tallies.reduce((total, one) => total + pick(one), 0);
  return {
    behaviour: {
      OK: add((one) => one.behaviour.OK),
      'NON-STRICT': add((one) => one.behaviour['NON-STRICT']),
      INFORMATIONAL: add((one) => one.behaviour.INFORMATIONAL),
      UNIMPLEMENTED: add((one) => one.behaviour.UNIMPLEMENTED),
      FAILED: add((one) => one.behaviour.FAILED),
    },
    badClosings: add((one) => one.badClosings),
  };
}

/** @param {import('../lib/tally.mjs').Tally | undefined} counted */
function cell(counted) {
  if (counted === undefined) return '';
  if (counted.behaviour.OK === counted.cases && counted.badClosings === 0) return 'all OK';
  const counts = BEHAVIOURS.filter((behaviour) => counted.behaviour[behaviour] > 0).map((behaviour) => {
    const count = `${counted.behaviour[behaviour]} ${behaviour}`;
    return behaviour === 'FAILED' ? `**${count}**` : count;
  });
  if (counted.badClosings > 0) counts.push(`**${counted.badClosings} bad closings**`);
  return counts.join(', ');
}

/** The cases that share a verdict and a remark, on one line. @param {Judged} judged */
function exceptions({ contestant, results }) {
  /** @type {Map<string, string[]>} */
  const lines = new Map();
  for (const { group, case: one, verdict } of results) {
    const { behaviour, closing, remark } = verdict;
    const isPlain = behaviour === 'OK' && (closing === null || closing === 'OK');
    if (isPlain) continue;
    const end = closing === null || closing === 'OK' ? '' : `, closing ${closing}`;
    const key = `${behaviour}${end} in \`${group}\`${remark === '' ? '' : `, ${remark}`}`;
    lines.set(key, [...(lines.get(key) ?? []), one.id]);
  }
  const shown = [...lines].map(([key, ids]) => `- ${key}: ${ids.length > 12 ? `${ids.length} cases` : ids.join(', ')}`);
  return [`### ${contestant.name}`, '', ...(shown.length === 0 ? ['None.'] : shown), ''];
}
