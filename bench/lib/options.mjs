// What stands behind `npm run bench --`.

import { parseArgs } from 'node:util';

/**
 * @typedef {object} Options
 * @property {string | null} name The bench; `null` when none was named.
 * @property {boolean} json
 * @property {number} runs
 * @property {string | null} only The one case to measure.
 */

/** The command line makes no sense; the message says why. */
export class UsageError extends Error {}

const DEFAULT_RUNS = 5;

/**
 * @param {readonly string[]} args
 * @returns {Options}
 */
export function parseOptions(args) {
  const { values, positionals } = parse(args);
  if (positionals.length > 1) throw new UsageError(`one bench at a time: ${positionals.join(' ')}`);
  const runs = values.runs === undefined ? DEFAULT_RUNS : Number(values.runs);
  if (!(Number.isSafeInteger(runs) && runs >= 1)) throw new UsageError(`--runs must be a whole number from 1`);
  return { name: positionals[0] ?? null, json: values.json ?? false, runs, only: values.only ?? null };
}

/** @param {readonly string[]} args */
function parse(args) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean' }, runs: { type: 'string' }, only: { type: 'string' } },
    });
  } catch (error) {
    throw new UsageError(/** @type {Error} */ (error).message);
  }
}
