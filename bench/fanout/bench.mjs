// `fanout`: what one message to everybody costs. A server publishes to 1,000 subscribers; the measure is how many deliveries a
// second of the server's CPU time buys.

import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { LOAD_BUSY_MAX, OTHERS_BUSY_MAX } from '../lib/harness.mjs';
import { startHelper } from '../lib/processes.mjs';
import { PAYLOAD_BYTES } from './payload.mjs';

/** @typedef {import('../lib/harness.mjs').System & { server: string, program: () => string }} FanoutSystem */

const SUBSCRIBERS = 1_000;
const PER_BURST = /** @type {Readonly<Record<string, number>>} */ ({ '1-per-flush': 1, '10-per-flush': 10 });
const WARM_UP_MS = 600;
const TURNS = 6;
/** Of each turn: so long as fast as possible … */
const WINDOW_MS = 300;
/** … then so many bursts at a pace of 5 a second, which leaves the slowest arm idle half of the time. */
const PACED_BURSTS = 2;
const PACE_MS = 200;
const DEADLINE_MS = 30_000;

const node = () => process.execPath;
const bunPath = () => createRequire(import.meta.url).resolve('@oven/bun-linux-x64/bin/bun');

/** @type {import('../lib/harness.mjs').Bench<FanoutSystem>} */
export const bench = {
  name: 'fanout',
  title: `${SUBSCRIBERS.toLocaleString('en-US')} subscribers, payloads of ${PAYLOAD_BYTES} bytes`,
  cases: [
    { name: '1-per-flush', words: 'one message published in a turn of the event loop' },
    { name: '10-per-flush', words: 'ten messages published in one turn' },
  ],
  systems: [
    { name: 'trunkline', server: 'trunkline.mjs', program: node },
    { name: 'ws', server: 'ws.mjs', program: node },
    { name: 'socket.io', server: 'socket-io.mjs', program: node },
    { name: 'bun', server: 'bun.mjs', program: bunPath, missing: bunProblem },
  ],
  measures: [
    { name: 'deliveriesPerCpuSecond', unit: 'deliveries per second of server CPU', better: 'more' },
    { name: 'deliveriesPerSecond', unit: 'deliveries per second', better: 'more' },
    { name: 'latencyP99Ms', unit: 'ms', better: 'less' },
  ],
  method: [
    `Per run and arm: a new server process, ${SUBSCRIBERS} raw sockets, ${WARM_UP_MS / 1_000} s of warm-up dropped; then the arms take turns, ${TURNS} each, of ${WINDOW_MS / 1_000} s as fast as possible,`,
    `each burst ordered when all had the one before, and ${PACED_BURSTS} bursts at ${1_000 / PACE_MS} a second for the latency, from ordering a burst to each delivery.`,
    "Every message's number is checked, and every 50th subscriber's messages are compared whole.",
  ],
  notEqual: [
    'trunkline stores every message in its memory broker, gives it an offset and a time, and could resume any subscriber; the others keep nothing.',
    'trunkline and bun put what is published in one turn into one write per subscriber; ws and socket.io write each message. An application on ws could gather by hand: nobody gets that for free.',
    'On the wire a message takes 66 bytes with ws and bun, 74 with socket.io, about 164 with trunkline alone in a slice and 110 in a slice of ten: offsets and times.',
    'ws gets a Buffer that was encoded once, not a string 1,000 times. No system compresses. None authenticates but trunkline, whose subscribers say hello first; connecting is not in the figures.',
    'bun is another runtime with its networking in C++: here for information. The other three run on Node.',
    'ws has no groups: its loop is over all clients, without asking who wants a message.',
  ],
  turns: TURNS,
  open,
};

/**
 * @param {FanoutSystem} system
 * @param {string} caseName
 * @param {import('../lib/machine.mjs').Cores} cores
 * @returns {Promise<import('../lib/harness.mjs').Arm>}
 */
async function open(system, caseName, cores) {
  const program = join(import.meta.dirname, 'servers', system.server);
  const server = await startHelper([...cores.server, system.program(), program], DEADLINE_MS);
  const { port, controlPort, versions } = server.hello;
  const plan = {
    system: system.name,
    port,
    controlPort,
    subscribers: SUBSCRIBERS,
    perBurst: PER_BURST[caseName],
    warmUpMs: WARM_UP_MS,
    windowMs: WINDOW_MS,
    paceMs: PACE_MS,
    pacedBursts: PACED_BURSTS,
  };
  const command = [...cores.load, process.execPath, join(import.meta.dirname, 'load.mjs'), JSON.stringify(plan)];
  const named = (/** @type {Error} */ error) => {
    throw new Error(`${system.name}, ${caseName}: ${error.message}`, { cause: error });
  };
  const load = await startHelper(command, DEADLINE_MS).catch(async (error) => {
    await server.stop();
    return named(error);
  });
  return {
    versions: /** @type {Readonly<Record<string, string>>} */ (versions),
    turn: async () => void (await load.ask('turn').catch(named)),
    finish: async () => {
      const outcome = await load.ask('finish').catch(named);
      return measuredOf(/** @type {import('./load.mjs').Outcome} */ (/** @type {unknown} */ (outcome)));
    },
    close: async () => {
      await load.stop();
      await server.stop();
    },
  };
}

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf(outcome) {
  const { deliveries, windowSeconds, serverCpuSeconds, loadCpuSeconds, latencyP99Ms, ...rest } = outcome;
  const loadBusy = loadCpuSeconds / windowSeconds;
  const tooBusy = loadBusy > LOAD_BUSY_MAX ? `the load used ${Math.round(loadBusy * 100)} % of its core` : undefined;
  const deliveriesPerSecond = tooBusy ?? disturbance(rest.othersBusy);
  const latency = disturbance(rest.othersBusyPaced);
  return {
    figures: {
      deliveriesPerCpuSecond: deliveries / serverCpuSeconds,
      deliveriesPerSecond: deliveries / windowSeconds,
      latencyP99Ms,
    },
    problems: {
      ...(deliveriesPerSecond === undefined ? {} : { deliveriesPerSecond }),
      ...(latency === undefined ? {} : { latencyP99Ms: latency }),
    },
    context: { deliveries, windowSeconds, serverBusy: serverCpuSeconds / windowSeconds, loadBusy, ...rest },
  };
}

/** @param {number} othersBusy */
function disturbance(othersBusy) {
  return othersBusy > OTHERS_BUSY_MAX ? `other programs used ${Math.round(othersBusy * 100)} % of a core` : undefined;
}

/** Why Bun cannot take part, in words; `null` if it can. */
function bunProblem() {
  let path;
  try {
    path = bunPath();
  } catch {
    return `@oven/bun-linux-x64 is not installed (${process.platform} ${process.arch})`;
  }
  const { status, signal } = spawnSync(path, ['--version']);
  return status === 0 ? null : `its program does not run here (${signal ?? status})`;
}
