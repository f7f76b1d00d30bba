// The end of `npm test`: what went wrong, a table of the suites, and the sum.

import { seconds } from './progress.mjs';

/** Prints the report; the last line is `N passed, N failed, N skipped`. Returns the exit code. */
export function printReport(results) {
  const lines = [''];
  for (const { name, problems } of results) {
    if (problems.length > 0) lines.push(`${name}:`, ...problems.map((problem) => `  ✗ ${problem}`), '');
  }
  lines.push(...tableOf(results), '');
  const sum = (field) => results.reduce((total, result) => total + result[field], 0);
  lines.push(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
  process.stdout.write(`${lines.join('\n')}\n`);
  return sum('failed') === 0 && results.length > 0 ? 0 : 1;
}

function tableOf(results) {
  const rows = [
    ['suite', 'passed', 'failed', 'skipped', 'time'],
    ...results.map(({ name, passed, failed, skipped, ms }) => [name, passed, failed, skipped, seconds(ms)].map(String)),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  '),
  );
}
