// @ts-check
// Runs cases one after the other. A server that hangs costs a case its time and no more; one that is gone ends the run early.

import { GROUPS } from '../cases/index.mjs';
import { Trial } from './case.mjs';
import { NotNegotiated, NotOpened } from './peer.mjs';
import { connectTo } from './target.mjs';
import { verdict } from './verdict.mjs';

/** As many times the patience as a case without a limit of its own may take. */
const PATIENCE_PER_CASE = 6;
/** So many cases in a row without a connection, and the server is gone. */
const GONE_AFTER = 5;

/**
 * @typedef {object} CaseResult
 * @property {string} group
 * @property {import('./case.mjs').Case} case
 * @property {import('./verdict.mjs').Verdict} verdict
 * @property {number} ms
 */

/**
 * @typedef {object} RunOptions
 * @property {import('./target.mjs').Target} target
 * @property {readonly Selected[]} selected
 * @property {boolean} [isFull]
 * @property {(result: CaseResult) => void} [done] After each case.
 */

/** @typedef {{ group: import('./case.mjs').Group, cases: readonly import('./case.mjs').Case[] }} Selected */

/**
 * The cases that some names choose: a group, `group/id`, or a number of the catalogue or the beginning of one. No name
 * chooses all.
 * @param {readonly string[]} names
 * @returns {Selected[]}
 */
export function select(names) {
  return GROUPS.map((group) => ({
    group,
    cases: group.cases.filter(
      ({ id, catalogue }) =>
        names.length === 0 ||
        names.some(
          (name) =>
            name === group.name ||
            name === `${group.name}/${id}` ||
            (catalogue !== undefined && `${catalogue}.`.startsWith(`${name}.`)),
        ),
    ),
  })).filter(({ cases }) => cases.length > 0);
}

/**
 * @param {RunOptions} options
 * @returns {Promise<CaseResult[]>}
 */
export async function runCases({ target, selected, isFull = false, done = () => {} }) {
  /** @type {CaseResult[]} */
  const results = [];
  let unreachable = 0;
  for (const { group, cases } of selected) {
    for (const one of cases) {
      const began = performance.now();
      const result =
        unreachable >= GONE_AFTER
          ? verdict('FAILED', 'not run: the server is gone')
          : await runCase(one, new Trial(target, isFull), PATIENCE_PER_CASE * target.patienceMs);
      if (result.remark.startsWith(UNREACHABLE)) unreachable++;
      else if (unreachable < GONE_AFTER) unreachable = 0;
      const entry = { group: group.name, case: one, verdict: result, ms: performance.now() - began };
      results.push(entry);
      done(entry);
    }
  }
  return results;
}

const UNREACHABLE = 'no connection: ';

/**
 * @param {import('./case.mjs').Case} one
 * @param {Trial} trial
 * @param {number} defaultLimitMs
 * @returns {Promise<import('./verdict.mjs').Verdict>}
 */
async function runCase(one, trial, defaultLimitMs) {
  const limitMs = one.limitMs ?? defaultLimitMs;
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  try {
    return await Promise.race([
      one.run(trial),
      new Promise((resolve) => {
        timer = setTimeout(resolve, limitMs);
      }).then(() => verdict('FAILED', `not over after ${limitMs} ms`)),
    ]);
  } catch (error) {
    return verdictOfError(error);
  } finally {
    clearTimeout(timer);
    trial.end();
  }
}

/**
 * @param {unknown} error
 * @returns {import('./verdict.mjs').Verdict}
 */
function verdictOfError(error) {
  if (error instanceof NotNegotiated) return verdict('UNIMPLEMENTED');
  if (error instanceof NotOpened) return verdict('FAILED', error.message);
  // A socket's error has a code; anything else is a fault of ours, and must be seen.
  if (error instanceof Error && ('code' in error || error.message.startsWith('no connection within'))) {
    return verdict('FAILED', `${UNREACHABLE}${error.message}`);
  }
  throw error;
}

/**
 * Whether something listens there.
 * @param {import('./target.mjs').Target} target
 * @returns {Promise<string | null>} What is wrong.
 */
export async function problemOf(target) {
  try {
    (await connectTo(target)).destroy();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
