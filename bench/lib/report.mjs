// The report for a person: a table and bars per case, where we lose, and what was not equal.

import { OURS } from './result.mjs';

/** @typedef {import('./result.mjs').ArmResult} ArmResult */
/** @typedef {import('./result.mjs').RatioResult} RatioResult */

const BAR_WIDTH = 50;

/**
 * @param {object} about
 * @param {Pick<import('./harness.mjs').Bench<any>, 'name' | 'title' | 'measures' | 'method' | 'notEqual'>} about.bench
 * @param {readonly { name: string, words: string }[]} about.cases
 * @param {import('./result.mjs').Result} about.result
 * @param {readonly import('./result.mjs').Sample[]} about.samples
 * @param {{ node: string, cpu: string, commit: string }} about.machine
 * @param {{ words: string }} about.cores
 * @param {Readonly<Record<string, string>>} about.versions
 * @param {number} about.runs
 * @param {string} about.file
 */
export function printReport({ bench, cases, result, machine, cores, versions, runs, file }) {
  const peers = Object.entries(versions).filter(([name]) => name !== 'node');
  const lines = [
    '',
    `${bench.name}: ${bench.title}`,
    `${machine.cpu} · Node ${machine.node} · commit ${machine.commit} · ${runs} runs · ${cores.words}`,
    peers.map(([name, version]) => `${name} ${version}`).join(' · '),
    ...bench.method,
  ];
  for (const { name, words } of cases) {
    lines.push('', `── ${name}: ${words}`);
    for (const measure of bench.measures) {
      const arms = result.arms.filter((arm) => arm.case === name && arm.measure === measure.name);
      if (arms.length === 0) continue;
      const ratios = result.ratios.filter((ratio) => ratio.case === name && ratio.measure === measure.name);
      lines.push('', `${measure.name} (${measure.unit}; ${measure.better} is better)`, ...table(arms, ratios));
    }
    const [main] = bench.measures;
    if (main !== undefined) {
      lines.push('', ...bars(result.arms.filter((arm) => arm.case === name && arm.measure === main.name)));
    }
  }
  lines.push('', 'Where we lose (median of the ratios under 1):', ...losses(result.ratios));
  lines.push('', 'What was not equal:', ...bench.notEqual.map((line) => `  · ${line}`));
  lines.push('', `Every run: ${file}`, '');
  process.stdout.write(`${lines.join('\n')}\n`);
}

/**
 * @param {readonly ArmResult[]} arms
 * @param {readonly RatioResult[]} ratios
 */
function table(arms, ratios) {
  const rows = [['', 'min', 'median', 'max', 'trunkline is', '(min – max)', '']];
  for (const arm of arms) {
    const ratio = ratios.find(({ against }) => against === arm.system);
    const times =
      ratio === undefined
        ? ['', '']
        : [`${ratio.median.toFixed(2)}× as good`, `(${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`];
    const invalid = arm.invalid ?? ratio?.invalid;
    rows.push([
      arm.system,
      ...[arm.min, arm.median, arm.max].map(shown),
      ...times,
      invalid === undefined ? '' : `INVALID: ${invalid}`,
    ]);
  }
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    `  ${row.map((text, column) => (column === 0 || column === 6 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0))).join('  ')}`.trimEnd(),
  );
}

/** @param {readonly ArmResult[]} arms */
function bars(arms) {
  const most = Math.max(...arms.map(({ median }) => median));
  const width = Math.max(...arms.map(({ system }) => system.length));
  return arms.map(({ system, median }) => {
    const mark = system === OURS ? '█' : '▒';
    return `  ${system.padEnd(width)} ${mark.repeat(Math.max(1, Math.round((median / most) * BAR_WIDTH)))} ${shown(median)}`;
  });
}

/** @param {readonly RatioResult[]} ratios */
function losses(ratios) {
  const lost = ratios.filter(({ median }) => median < 1);
  if (lost.length === 0) return ['  nowhere in this run'];
  return lost.map(
    ({ case: name, measure, against, median, min, max, invalid }) =>
      `  · ${name}, ${measure}, against ${against}: ${median.toFixed(2)}× (${min.toFixed(2)} – ${max.toFixed(2)})${invalid === undefined ? '' : ', of invalid figures'}`,
  );
}

/** @param {number} value */
function shown(value) {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}
