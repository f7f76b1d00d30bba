// @ts-check
// Results counted by group, and as a table of plain text.

import { BEHAVIOURS, isBad } from './verdict.mjs';

/** @typedef {import('./runner.mjs').CaseResult} CaseResult */

/**
 * @typedef {object} Tally
 * @property {string} group
 * @property {number} cases
 * @property {Record<import('./verdict.mjs').Behaviour, number>} behaviour
 * @property {number} badClosings
 * @property {number} ms
 */

/**
 * @param {readonly CaseResult[]} results
 * @returns {Tally[]} One per group, in order.
 */
export function tally(results) {
  /** @type {Map<string, Tally>} */
  const tallies = new Map();
  for (const { group, verdict, ms } of results) {
    const known = tallies.get(group) ?? {
      group,
      cases: 0,
      behaviour: { OK: 0, 'NON-STRICT': 0, INFORMATIONAL: 0, UNIMPLEMENTED: 0, FAILED: 0 },
      badClosings: 0,
      ms: 0,
    };
    known.cases++;
    known.behaviour[verdict.behaviour]++;
    if (verdict.closing !== null && verdict.closing !== 'OK') known.badClosings++;
    known.ms += ms;
    tallies.set(group, known);
  }
  return [...tallies.values()];
}

/** @param {readonly CaseResult[]} results */
export function tableOf(results) {
  const tallies = tally(results);
  const rows = [
    ['group', 'cases', ...BEHAVIOURS, 'bad closings', 'time'],
    ...tallies.map((row) => [
      row.group,
      ...[row.cases, ...BEHAVIOURS.map((behaviour) => row.behaviour[behaviour]), row.badClosings].map(
        (count) => count || '-',
      ),
      `${(row.ms / 1_000).toFixed(1)} s`,
    ]),
  ].map((row) => row.map(String));
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(Number(widths[0])) : cell.padStart(Number(widths[column]))))
        .join('  '),
    )
    .join('\n');
}

/** @param {readonly CaseResult[]} results */
export function sumOf(results) {
  const counts = BEHAVIOURS.map((behaviour) => [
    results.filter(({ verdict }) => verdict.behaviour === behaviour).length,
    behaviour,
  ]).filter(([count]) => count !== 0);
  const bad = results.filter(({ verdict }) => isBad(verdict)).length;
  return `${results.length} cases: ${counts.map((pair) => pair.join(' ')).join(', ')}. ${bad === 0 ? 'The server conforms.' : `${bad} cases do not conform.`}`;
}

/** One line about a case that is not simply OK. @param {CaseResult} result */
export function lineOf({ group, case: { id, catalogue }, verdict: { behaviour, closing, remark } }) {
  const number = catalogue === undefined ? '' : ` (${catalogue})`;
  const end = closing === null || closing === 'OK' ? '' : `, closing ${closing}`;
  return `${behaviour}${end}  ${group}/${id}${number}${remark === '' ? '' : `: ${remark}`}`;
}
