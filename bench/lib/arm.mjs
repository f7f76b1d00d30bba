// What nearly every arm is: a server process and a load process that measures it, and what their figures are worth.

import { LOAD_BUSY_MAX, OTHERS_BUSY_MAX } from './harness.mjs';
import { startHelper } from './processes.mjs';

const DEADLINE_MS = 60_000;

/**
 * @template Outcome
 * @typedef {object} Plan
 * @property {string} label For errors.
 * @property {readonly string[]} server Its command.
 * @property {string} load The load's program, which gets `plan`, `port` and `controlPort` as one argument of JSON.
 * @property {object} plan
 * @property {(outcome: Outcome) => import('./harness.mjs').Measured} measured
 */

/**
 * Starts a server, then its load, which is ready when it has warmed up.
 * @template Outcome
 * @param {Plan<Outcome>} plan
 * @param {import('./machine.mjs').Cores} cores
 * @returns {Promise<import('./harness.mjs').Arm>}
 */
export async function openArm({ label, server: command, load: program, plan, measured }, cores) {
  const server = await startHelper([...cores.server, ...command], DEADLINE_MS);
  const { port, controlPort, versions } = server.hello;
  const named = (/** @type {Error} */ error) => {
    throw new Error(`${label}: ${error.message}`, { cause: error });
  };
  const argument = JSON.stringify({ ...plan, port, controlPort });
  const load = await startHelper([...cores.load, process.execPath, program, argument], DEADLINE_MS).catch(
    async (error) => {
      await server.stop();
      return named(error);
    },
  );
  return {
    versions: /** @type {Readonly<Record<string, string>>} */ (versions),
    turn: async () => void (await load.ask('turn').catch(named)),
    finish: async () => {
      const outcome = await load.ask('finish').catch(named);
      return measured(/** @type {Outcome} */ (/** @type {unknown} */ (outcome)));
    },
    close: async () => {
      await load.stop();
      await server.stop();
    },
  };
}

/**
 * Why times do not count in which the load used so much of its core, in words; `undefined` if they do.
 * @param {number} loadBusy 1 is a whole core.
 */
export function busyness(loadBusy) {
  return loadBusy > LOAD_BUSY_MAX ? `the load used ${Math.round(loadBusy * 100)} % of its core` : undefined;
}

/**
 * The same for other programs.
 * @param {number} othersBusy
 */
export function disturbance(othersBusy) {
  return othersBusy > OTHERS_BUSY_MAX ? `other programs used ${Math.round(othersBusy * 100)} % of a core` : undefined;
}

/**
 * The problems that there are.
 * @param {Readonly<Record<string, string | undefined>>} problems
 * @returns {Record<string, string>}
 */
export function onlyProblems(problems) {
  return Object.fromEntries(
    Object.entries(problems).flatMap(([name, problem]) => (problem === undefined ? [] : [[name, problem]])),
  );
}
