// Every single figure, kept in `bench/results/` for whoever wants to look behind the medians.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const FOLDER = join(import.meta.dirname, '../results');

/**
 * @param {readonly import('./result.mjs').Measure[]} measures
 * @param {readonly import('./result.mjs').Sample[]} samples
 * @param {{ node: string, cpu: string, commit: string, versions: Readonly<Record<string, string>> }} about
 */
export function toCsv(measures, samples, { node, cpu, commit, versions }) {
  const context = Object.keys(samples[0]?.context ?? {});
  const figures = measures.map(({ name }) => name);
  const peers = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rows = samples.map((sample) => [
    sample.run,
    sample.case,
    sample.system,
    ...figures.map((name) => sample.figures[name] ?? ''),
    ...context.map((name) => sample.context[name] ?? ''),
    Object.entries(sample.problems)
      .map(([name, problem]) => `${name}: ${problem}`)
      .join('; '),
  ]);
  const header = ['run', 'case', 'system', ...figures, ...context, 'problems'];
  const comment = `# commit ${commit}; node ${node}; ${cpu}; ${peers.join(', ')}`;
  return `${[comment, ...[header, ...rows].map((row) => row.map(cell).join(','))].join('\n')}\n`;
}

/**
 * @param {string} name
 * @param {string} csv
 * @returns {string} Where it is, seen from the root of the repository.
 */
export function writeCsv(name, csv) {
  mkdirSync(FOLDER, { recursive: true });
  const file = join(FOLDER, `${name}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}.csv`);
  writeFileSync(file, csv);
  return relative(join(import.meta.dirname, '../..'), file);
}

/** @param {string | number} value */
function cell(value) {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
