// `resume`: a server is killed and started again under its clients, each of which is 20 entries behind then. Nothing may be lost; how long it
// takes until everybody is live, and what it costs.

import { cpus } from 'node:os';
import { join } from 'node:path';
import { busyness, disturbance, onlyProblems } from '../lib/arm.mjs';
import { connectControl } from '../lib/control.mjs';
import { node } from '../lib/peers.mjs';
import { startHelper } from '../lib/processes.mjs';
import { dataFolder } from '../publish/folder.mjs';
import { MISSED, SEEN } from './app.mjs';

const CLIENTS_PER_ROOM = 10;
const HERE = import.meta.dirname;
const DEADLINE_MS = 120_000;
/** Until everybody must be live. */
const PATIENCE_MS = 90_000;

const CASES = [
  { name: '10000-clients', words: 'in 1,000 rooms: 20,000 entries to read, 200,000 to deliver', clients: 10_000 },
  { name: '1000-clients', words: 'in 100 rooms: what the waits before an attempt take', clients: 1_000 },
  { name: '100-clients', words: 'a glance', clients: 100 },
];

/** @type {import('../lib/harness.mjs').Bench<import('../lib/harness.mjs').System>} */
export const bench = {
  name: 'resume',
  title: `a restart under clients that are each ${MISSED} entries behind`,
  cases: CASES,
  systems: [{ name: 'trunkline' }],
  measures: [
    { name: 'secondsUntilAllLive', unit: 's from the port listening until the last client is live', better: 'less' },
    { name: 'lostEntries', unit: 'entries that did not come', better: 'less', isCompared: false },
    { name: 'cpuSeconds', unit: 's of the server from then to then', better: 'less' },
  ],
  method: [
    `Per run: a server on a SQLite file, ${CLIENTS_PER_ROOM} clients a room, all live; the server is killed (SIGKILL), each room gets ${MISSED} entries straight into the file, and a new server takes the same port.`,
    'The clients try again as the client package does: after any part of 500, 1,000, then 2,000 ms. So the last one comes up to 2 s late, whatever the server does. `listening` is the moment',
    'before `serve` is called. Every entry that arrives is compared whole, and must be the next one of its room.',
  ],
  notEqual: [
    'There is no peer: `ws` and Socket.IO (also with recovery, whose adapter is in memory) keep nothing over a restart; an application would store and replay by hand.',
    'The clients are raw sockets in one process that do what the client package does; 10,000 of the package itself would be busier than the server.',
  ],
  turns: 1,
  open: async (_system, caseName, cores) => {
    const clients = CASES.find(({ name }) => name === caseName)?.clients ?? 0;
    const rooms = clients / CLIENTS_PER_ROOM;
    const path = join(dataFolder(), 'resume.db');
    /** @type {Record<string, string>} */
    const versions = {};
    /** @type {(() => Promise<void>)[]} */
    const stops = [];
    /** @type {import('../lib/harness.mjs').Measured | undefined} */
    let measured;
    return {
      versions,
      turn: async () => {
        measured = await run();
      },
      finish: async () => {
        if (measured === undefined) throw new Error('there was no turn');
        return measured;
      },
      close: async () => {
        for (const stop of stops.splice(0).reverse()) await stop();
      },
    };

    async function run() {
      await fill(0, SEEN);
      const first = await startServer(0);
      Object.assign(versions, first.hello.versions);
      const plan = { port: first.hello.port, clients, rooms, patienceMs: PATIENCE_MS };
      const command = [...cores.load, process.execPath, join(HERE, 'load.mjs'), JSON.stringify(plan)];
      const load = await startHelper(command, DEADLINE_MS);
      stops.push(load.stop);
      process.stderr.write(`  ${clients} clients are live; the server is killed\n`);
      first.kill();
      await load.ask('turn');
      await fill(SEEN, SEEN + MISSED);
      const [machineBefore, startMs] = [machineSeconds(), performance.now()];
      const second = await startServer(Number(first.hello.port));
      const control = await connectControl(Number(second.hello.controlPort));
      const outcome = /** @type {import('./load.mjs').Outcome} */ (/** @type {unknown} */ (await load.ask('finish')));
      const { cpuSeconds, counted } = await control.usage();
      const seconds = (performance.now() - startMs) / 1e3;
      control.end();
      const othersBusy = (machineSeconds() - machineBefore - cpuSeconds - outcome.cpuSeconds) / seconds;
      return measuredOf(outcome, cpuSeconds, counted ?? {}, { seconds, othersBusy });
    }

    /** @param {number} from @param {number} to */
    async function fill(from, to) {
      const argument = JSON.stringify({ path, rooms, from, to });
      const helper = await startHelper([process.execPath, join(HERE, 'servers/fill.mjs'), argument], DEADLINE_MS);
      await helper.stop();
    }

    /** @param {number} port */
    async function startServer(port) {
      const command = [...cores.server, ...node(), join(HERE, 'servers/trunkline.mjs'), JSON.stringify({ path, port })];
      const server = await startHelper(command, DEADLINE_MS);
      stops.push(server.stop);
      return server;
    }
  },
};

/**
 * @param {import('./load.mjs').Outcome} outcome
 * @param {number} cpuSeconds Of the server's process.
 * @param {Readonly<Record<string, number>>} counted
 * @param {{ seconds: number, othersBusy: number }} window
 */
function measuredOf(outcome, cpuSeconds, { listensMs = 0, cpuSecondsBefore = 0 }, { seconds, othersBusy }) {
  const { allLiveMs, firstLiveMs, lostEntries, repeatedEntries, dials, cpuSeconds: loadCpuSeconds } = outcome;
  const secondsUntilAllLive = (allLiveMs - listensMs) / 1e3;
  return {
    figures: { secondsUntilAllLive, lostEntries, cpuSeconds: cpuSeconds - cpuSecondsBefore },
    problems: onlyProblems({
      secondsUntilAllLive: busyness(loadCpuSeconds / seconds) ?? disturbance(othersBusy),
    }),
    context: {
      firstLiveSeconds: (firstLiveMs - listensMs) / 1e3,
      repeatedEntries,
      dials,
      loadBusy: loadCpuSeconds / seconds,
      othersBusy,
    },
  };
}

function machineSeconds() {
  return cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1e3;
}
