// One arm of a bench that publishes to 1,000 subscribers: `fanout`, and `broadcast` for the engine alone.

import { join } from 'node:path';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';

export const SUBSCRIBERS = 1_000;
export const WARM_UP_MS = 600;
export const TURNS = 6;
/** Of each turn: so long as fast as possible … */
export const WINDOW_MS = 300;
/** … then so many bursts at a pace of 5 a second, which leaves the slowest arm idle half of the time. */
export const PACED_BURSTS = 2;
export const PACE_MS = 200;

/** @type {readonly import('../lib/result.mjs').Measure[]} */
export const FANOUT_MEASURES = [
  { name: 'deliveriesPerCpuSecond', unit: 'deliveries per second of server CPU', better: 'more' },
  { name: 'deliveriesPerSecond', unit: 'deliveries per second', better: 'more' },
  { name: 'latencyP99Ms', unit: 'ms', better: 'less' },
];

/**
 * @param {{ system: string, caseName: string, server: readonly string[], dialect: string, perBurst: number }} arm
 *   `server` is its command.
 * @param {import('../lib/machine.mjs').Cores} cores
 */
export function openFanout({ system, caseName, server, dialect, perBurst }, cores) {
  const plan = {
    system,
    dialect,
    subscribers: SUBSCRIBERS,
    perBurst,
    warmUpMs: WARM_UP_MS,
    windowMs: WINDOW_MS,
    paceMs: PACE_MS,
    pacedBursts: PACED_BURSTS,
  };
  const load = join(import.meta.dirname, 'load.mjs');
  return openArm({ label: `${system}, ${caseName}`, server, load, plan, measured: measuredOf }, cores);
}

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf(outcome) {
  const { deliveries, windowSeconds, serverCpuSeconds, loadCpuSeconds, latencyP99Ms, ...rest } = outcome;
  const loadBusy = loadCpuSeconds / windowSeconds;
  return {
    figures: {
      deliveriesPerCpuSecond: deliveries / serverCpuSeconds,
      deliveriesPerSecond: deliveries / windowSeconds,
      latencyP99Ms,
    },
    problems: onlyProblems({
      deliveriesPerSecond: busyness(loadBusy) ?? disturbance(rest.othersBusy),
      latencyP99Ms: disturbance(rest.othersBusyPaced),
    }),
    context: { deliveries, windowSeconds, serverBusy: serverCpuSeconds / windowSeconds, loadBusy, ...rest },
  };
}
