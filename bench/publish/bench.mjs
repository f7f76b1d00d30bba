// `publish`: what an acknowledged, durable publish costs, from a WebSocket to a synced file and back. Against a server that echoes the
// same bytes and stores nothing, and against SQLite without a network.

import { join, resolve } from 'node:path';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';
import { node } from '../lib/peers.mjs';
import { startHelper } from '../lib/processes.mjs';

const CONNECTIONS = 100;
const LOGS = 10;
const WARM_UP_MS = 600;
const TURNS = 6;
/** Of each turn: so long as fast as possible … */
const WINDOW_MS = 300;
/** … then so many ticks of a pace, in each of which some of the connections publish. */
const PACED_TICKS = 25;
const PACE_MS = 8;
const HERE = import.meta.dirname;
const STORING = ['trunkline', 'base', 'sqlite-raw'];
/** A checkout to compare a change with, built. */
const BASE = process.env.BENCH_BASE;
const DEADLINE_MS = 60_000;

const CASES = [
  { name: 'depth-1', words: 'one publish, the next one when it is acknowledged', depth: 1, pacedConnections: 8 },
  {
    name: 'depth-32',
    words: '32 publishes in one chunk, the next 32 when all are acknowledged',
    depth: 32,
    pacedConnections: 2,
  },
];

/** @typedef {import('../lib/harness.mjs').System & { server: readonly string[] | null }} PublishSystem */

/**
 * Rows of a group of Trunkline's, measured in this run, which `sqlite-raw` takes over.
 * @type {Map<string, number>}
 */
const groupRows = new Map();

/** @type {import('../lib/harness.mjs').Bench<PublishSystem>} */
export const bench = {
  name: 'publish',
  title: `${CONNECTIONS} connections publish entries of 64 bytes to ${LOGS} logs`,
  cases: CASES,
  systems: [
    { name: 'trunkline', server: [...node(), join(HERE, 'servers/trunkline.mjs')] },
    ...(BASE === undefined
      ? []
      : [{ name: 'base', server: [...node(), resolve(BASE, 'bench/publish/servers/trunkline.mjs')] }]),
    { name: 'ws-echo', server: [...node(), join(HERE, '../engine/servers/ws.mjs')] },
    { name: 'sqlite-raw', server: null },
  ],
  measures: [
    { name: 'acknowledgedPerSecond', unit: 'publishes per second', better: 'more' },
    { name: 'acknowledgedPerCpuSecond', unit: 'publishes per second of server CPU', better: 'more' },
    { name: 'latencyP99Ms', unit: 'ms', better: 'less' },
    { name: 'entriesPerGroup', unit: 'publishes that are synced together', better: 'more', systems: STORING },
    { name: 'commitMs', unit: 'ms to write a group to the WAL and sync it', better: 'less', systems: STORING },
  ],
  method: [
    `Per run and arm: a new server process with a new database, ${CONNECTIONS} raw sockets, ${WARM_UP_MS / 1_000} s of warm-up dropped; then the arms take turns, ${TURNS} each, of ${WINDOW_MS / 1_000} s as fast as`,
    `possible, and ${(PACED_TICKS * PACE_MS) / 1_000} s at a pace for the latency, from sending until all of it is acknowledged: every ${PACE_MS} ms ${CASES.map(({ name, pacedConnections }) => `${pacedConnections} connections (${name})`).join(', ')}.`,
    'Every answer must be one that is due. In the end the logs must hold as many entries as were acknowledged, and every 20th connection reads its last ones back.',
  ],
  notEqual: [
    'ws-echo gets the very same bytes and sends them back: it parses no JSON, checks nothing, keeps nothing.',
    'sqlite-raw has no network and one thread; it writes the same rows by the same binding, in groups as large as those of trunkline in this run. Its latency is that of a group.',
    "trunkline's server and its writing thread share one core, as everything else: with a second core they would overlap.",
    'A disk that syncs in 5 ms changes everything at depth 1: the figures are of the disk under the temporary folder (BENCH_DATA names another one); commitMs says how fast it is.',
  ],
  turns: TURNS,
  open: (system, caseName, cores) => {
    const { depth, pacedConnections } = /** @type {(typeof CASES)[number]} */ (
      CASES.find(({ name }) => name === caseName)
    );
    const label = `${system.name}, ${caseName}`;
    if (system.server === null) return openRaw(label, caseName, depth, cores);
    const opened = openArm(
      {
        label,
        server: system.server,
        load: join(HERE, 'load.mjs'),
        plan: {
          system: system.name,
          connections: CONNECTIONS,
          logs: LOGS,
          echoes: system.name === 'ws-echo',
          depth,
          pacedConnections,
          warmUpMs: WARM_UP_MS,
          windowMs: WINDOW_MS,
          paceMs: PACE_MS,
          pacedTicks: PACED_TICKS,
        },
        measured: (/** @type {import('./load.mjs').Outcome} */ outcome) => {
          const measured = measuredOf(outcome);
          if (system.name === 'trunkline') groupRows.set(caseName, measured.figures.entriesPerGroup);
          return measured;
        },
      },
      cores,
    );
    return opened;
  },
};

/**
 * @param {string} label
 * @param {string} caseName
 * @param {number} depth
 * @param {import('../lib/machine.mjs').Cores} cores
 * @returns {Promise<import('../lib/harness.mjs').Arm>}
 */
async function openRaw(label, caseName, depth, cores) {
  const plan = { connections: CONNECTIONS, logs: LOGS, depth, windowMs: WINDOW_MS };
  const command = [...cores.server, ...node(), join(HERE, 'servers/sqlite-raw.mjs'), JSON.stringify(plan)];
  const raw = await startHelper(command, DEADLINE_MS);
  return {
    versions: /** @type {Readonly<Record<string, string>>} */ (raw.hello.versions),
    // All of it in the end: only then are trunkline's groups known.
    turn: async () => undefined,
    finish: async () => {
      const rows = groupRows.get(caseName);
      if (rows === undefined) throw new Error(`${label}: trunkline comes first, its groups are to be copied`);
      for (let turn = 0; turn < TURNS; turn += 1) await raw.ask(`turn ${Math.max(1, Math.round(rows))}`);
      const outcome = /** @type {import('./servers/sqlite-raw.mjs').Outcome} */ (
        /** @type {unknown} */ (await raw.ask('finish'))
      );
      const { messages, windowSeconds, cpuSeconds, latencyP99Ms, groups, commitMs } = outcome;
      return {
        figures: {
          acknowledgedPerSecond: messages / windowSeconds,
          acknowledgedPerCpuSecond: messages / cpuSeconds,
          latencyP99Ms,
          entriesPerGroup: messages / groups,
          commitMs: commitMs / groups,
        },
        problems: {},
        context: { messages, windowSeconds },
      };
    },
    close: raw.stop,
  };
}

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf(outcome) {
  const { messages, windowSeconds, serverCpuSeconds, loadCpuSeconds, latencyP99Ms, counted, ...rest } = outcome;
  const loadBusy = loadCpuSeconds / windowSeconds;
  const { groups = 0, entries = 0, writeMs = 0, commitMs = 0 } = counted ?? {};
  const perGroup = (/** @type {number} */ sum) => (groups === 0 ? 0 : sum / groups);
  return {
    figures: {
      acknowledgedPerSecond: messages / windowSeconds,
      acknowledgedPerCpuSecond: messages / serverCpuSeconds,
      latencyP99Ms,
      entriesPerGroup: perGroup(entries),
      commitMs: perGroup(commitMs),
    },
    problems: onlyProblems({
      acknowledgedPerSecond: busyness(loadBusy) ?? disturbance(rest.othersBusy),
      latencyP99Ms: busyness(rest.loadBusyPaced) ?? disturbance(rest.othersBusyPaced),
    }),
    context: {
      messages,
      windowSeconds,
      serverBusy: serverCpuSeconds / windowSeconds,
      loadBusy,
      writeMs: perGroup(writeMs),
      ...rest,
    },
  };
}
