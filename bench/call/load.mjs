// The load process of `call`: the readers of `table`, of whom some call. Started by bench.mjs with its plan as JSON.

import { connectControl } from '../lib/control.mjs';
import { obey } from '../lib/load-process.mjs';
import { quantile } from '../lib/stats.mjs';
import { Readers } from '../table/readers.mjs';
import { Callers } from './callers.mjs';

/** @typedef {import('../table/readers.mjs').TablePlan & { callers: number, callsPerSecond: number }} Plan */
/**
 * Latency: from when a call was due until its answer was read.
 * @typedef {object} CallOutcome
 * @property {number} calls
 * @property {number} callP50Ms
 * @property {number} callP99Ms
 * @property {number} callMaxMs
 */
/** @typedef {import('../table/readers.mjs').TableOutcome & CallOutcome} Outcome */

const WARM_UP_MS = 400;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const control = await connectControl(plan.controlPort);
const readers = new Readers(plan, control);
await readers.connect();
const callers = new Callers(readers, plan);
await turn({ leadMs: 0, windowMs: WARM_UP_MS, counts: false });
callers.latencies = [];
await obey({
  turn: () => turn({ leadMs: plan.leadMs, windowMs: plan.windowMs, counts: true }),
  finish,
});
control.end();

/** Calls are due during the window. @param {Parameters<Readers['turn']>[0]} times */
async function turn(times) {
  const isFed = readers.turn(times);
  await new Promise((resolve) => setTimeout(resolve, times.leadMs));
  await callers.run(times.windowMs);
  await isFed;
}

/** @returns {Promise<Outcome>} */
async function finish() {
  const sorted = Float64Array.from(callers.latencies).sort();
  return {
    ...(await readers.finish()),
    calls: sorted.length,
    callP50Ms: quantile(sorted, 0.5),
    callP99Ms: quantile(sorted, 0.99),
    callMaxMs: quantile(sorted, 1),
  };
}
