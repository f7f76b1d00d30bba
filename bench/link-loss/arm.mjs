// One arm of `link-loss`: a server, and load processes of at most 1,000 clients each. All of it happens in its turn, so that no other arm's
// clients are connected meanwhile.

import { cpus } from 'node:os';
import { join } from 'node:path';
import { busyness, disturbance, onlyProblems } from '../lib/arm.mjs';
import { connectControl } from '../lib/control.mjs';
import { node } from '../lib/peers.mjs';
import { startHelper } from '../lib/processes.mjs';
import { quantile } from '../lib/stats.mjs';

const CLIENTS_PER_PROCESS = 1_000;
const SETTLE_MS = 15_000;
const START_DEADLINE_MS = 120_000;

/** @typedef {import('../lib/harness.mjs').System & { server: readonly string[], client: string }} LinkLossSystem */
/**
 * @typedef {object} Shape
 * @property {number} clients
 * @property {number} perRoom
 * @property {number} messagesPerSecond
 * @property {number} lossEveryMs
 * @property {number} durationMs
 */

/**
 * @param {LinkLossSystem} system
 * @param {Shape} shape
 * @param {import('../lib/machine.mjs').Cores} cores
 * @returns {Promise<import('../lib/harness.mjs').Arm>}
 */
export async function openLinkLoss(system, shape, cores) {
  /** @type {Record<string, string>} */
  const versions = {};
  /** @type {(() => Promise<void>)[]} */
  const stops = [];
  /** @type {import('../lib/harness.mjs').Measured | undefined} */
  let measured;
  const stop = async () => {
    for (const one of stops.splice(0).reverse()) await one();
  };
  return {
    versions,
    turn: async () => {
      try {
        measured = await run();
      } finally {
        await stop();
      }
    },
    finish: async () => {
      if (measured === undefined) throw new Error(`${system.name} had no turn`);
      return measured;
    },
    close: stop,
  };

  async function run() {
    const { clients, perRoom, messagesPerSecond, lossEveryMs, durationMs } = shape;
    const rooms = Math.ceil(clients / perRoom);
    const messages = Math.round((messagesPerSecond * durationMs) / 1e3);
    const server = await startHelper([...cores.server, ...node(), ...system.server], START_DEADLINE_MS);
    stops.push(server.stop);
    Object.assign(versions, server.hello.versions);
    const control = await connectControl(Number(server.hello.controlPort));
    stops.push(async () => control.end());
    /** @type {import('../lib/processes.mjs').Helper[]} */
    const loads = [];
    for (let firstClient = 0; firstClient < clients; firstClient += CLIENTS_PER_PROCESS) {
      const plan = {
        system: system.name,
        client: system.client,
        port: server.hello.port,
        firstClient,
        clients: Math.min(CLIENTS_PER_PROCESS, clients - firstClient),
        rooms,
        messages,
        lossEveryMs,
        durationMs,
        settleMs: SETTLE_MS,
      };
      const command = [...cores.load, process.execPath, join(import.meta.dirname, 'load.mjs'), JSON.stringify(plan)];
      const load = await startHelper(command, START_DEADLINE_MS + durationMs);
      stops.push(load.stop);
      loads.push(load);
      process.stderr.write(`  ${system.name}: ${firstClient + plan.clients} of ${clients} clients are live\n`);
    }
    control.order(`rate ${messagesPerSecond}`);
    control.order(`warm ${rooms}`);
    await Promise.all(loads.map((load) => load.ask('turn')));
    const [before, machineBefore, startMs] = [await control.usage(), machineSeconds(), performance.now()];
    const turns = loads.map((load) => load.ask('turn'));
    control.order(`publish ${messages}`);
    await Promise.all(turns);
    const seconds = (performance.now() - startMs) / 1e3;
    const serverCpuSeconds = (await control.usage()).cpuSeconds - before.cpuSeconds;
    const machine = machineSeconds() - machineBefore;
    const outcomes = /** @type {import('./load.mjs').Outcome[]} */ (
      /** @type {unknown} */ (await Promise.all(loads.map((load) => load.ask('finish'))))
    );
    return measuredOf(outcomes, { seconds, serverCpuSeconds, machine });
  }
}

/**
 * @param {readonly import('./load.mjs').Outcome[]} outcomes
 * @param {{ seconds: number, serverCpuSeconds: number, machine: number }} used
 */
function measuredOf(outcomes, { seconds, serverCpuSeconds, machine }) {
  const sum = (/** @type {(outcome: import('./load.mjs').Outcome) => number} */ of) =>
    outcomes.reduce((total, outcome) => total + of(outcome), 0);
  const sorted = Float64Array.from(outcomes.flatMap(({ latencies }) => latencies)).sort();
  const loadCpuSeconds = sum(({ cpuSeconds }) => cpuSeconds);
  const problem =
    busyness(loadCpuSeconds / seconds) ?? disturbance((machine - loadCpuSeconds - serverCpuSeconds) / seconds);
  const expected = sum((outcome) => outcome.expected);
  const inOrder = sum((outcome) => outcome.inOrder);
  return {
    figures: {
      deliveredPercent: (inOrder / expected) * 100,
      latencyP50Ms: quantile(sorted, 0.5),
      latencyP99Ms: quantile(sorted, 0.99),
      serverCpuSeconds,
    },
    problems: onlyProblems({
      // What arrived in spite of a busy machine arrived; what did not may be its fault.
      deliveredPercent: inOrder < expected ? problem : undefined,
      latencyP50Ms: problem,
      latencyP99Ms: problem,
    }),
    context: {
      expected,
      inOrder,
      skipped: sum(({ skipped }) => skipped),
      disordered: sum(({ disordered }) => disordered),
      resets: sum(({ resets }) => resets),
      liveInTheEnd: sum(({ liveInTheEnd }) => liveInTheEnd),
      latencyMaxMs: quantile(sorted, 1),
      loadBusy: loadCpuSeconds / seconds,
      serverBusy: serverCpuSeconds / seconds,
      timerLateMs: Math.max(...outcomes.map(({ delayedMs }) => delayedMs)),
      seconds,
    },
  };
}

function machineSeconds() {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1e3;
}
