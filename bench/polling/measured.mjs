// From what a load process of `polling` saw to the bench's figures.

import { busyness, disturbance, onlyProblems } from '../lib/arm.mjs';
import { quantile } from '../lib/stats.mjs';

/**
 * @param {import('./load.mjs').Outcome} outcome
 * @param {{ clients: number }} shape
 * @returns {import('../lib/harness.mjs').Measured}
 */
export function measuredOf({ window, bytes, requests, latencies }, { clients }) {
  const clientMinutes = (clients * window.seconds) / 60;
  const sorted = latencies.toSorted((a, b) => a - b);
  const problem =
    busyness(window.loadCpuSeconds / window.seconds) ?? disturbance(window.othersSeconds / window.seconds);
  return {
    figures: {
      bytesPerClientMinute: bytes / clientMinutes,
      latencyP50Ms: quantile(sorted, 0.5),
      latencyP99Ms: quantile(sorted, 0.99),
      cpuMsPerClientMinute: (window.serverCpuSeconds * 1e3) / clientMinutes,
    },
    problems: onlyProblems({ latencyP50Ms: problem, latencyP99Ms: problem }),
    context: {
      requestsPerClientMinute: requests / clientMinutes,
      deliveries: latencies.length,
      loadBusy: window.loadCpuSeconds / window.seconds,
    },
  };
}
