// `presence`: what it costs to tell who is there, while everybody comes and goes. Against the same written by hand on Socket.IO.

import { join } from 'node:path';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';
import { node } from '../lib/peers.mjs';

const WATCHERS = 10;
const TURNS = 2;
const HERE = import.meta.dirname;

const CASES = [
  { name: '10000-members', words: 'all join, and when everybody counts them all leave', members: 10_000 },
  { name: '500-members', words: 'the same with fewer than have a row each', members: 500 },
];

/** @typedef {import('../lib/harness.mjs').System & { server: readonly string[] }} PresenceSystem */

/** @type {import('../lib/harness.mjs').Bench<PresenceSystem>} */
export const bench = {
  name: 'presence',
  title: `members of a log come and go, and ${WATCHERS} connections are told who is there`,
  cases: CASES,
  systems: [
    { name: 'trunkline', server: [...node(), join(HERE, 'servers/trunkline.mjs')] },
    { name: 'socket.io', server: [...node(), join(HERE, 'servers/socket-io.mjs')] },
  ],
  measures: [
    { name: 'changesPerCpuSecond', unit: 'joins and leaves per second of server CPU', better: 'more' },
    { name: 'changesPerSecond', unit: 'joins and leaves per second', better: 'more' },
    { name: 'bytesPerWatcher', unit: 'bytes to each watcher for a join or leave', better: 'less' },
  ],
  method: [
    'Per run and arm: a new server process, raw sockets for all members and watchers, a wave of joins and one of leaves of at most 500 members dropped; then the arms take turns,',
    `${TURNS} each: every member joins over its open connection, as fast as the load can say so, and leaves when every watcher has counted all of them.`,
    'Each watcher keeps its own count of what it is told, and must come to the exact number both times.',
  ],
  notEqual: [
    'trunkline tells the joins and leaves of 50 ms as one step, with rows for the first 1,000 members and the exact count of all; socket.io tells each by its name, at once.',
    'trunkline has no grace here (graceMs: 0), as the other arm has none. A join is a subscription to the log, judged and counted against limits, and answered with two messages; of socket.io it is an event that is answered with one.',
    'socket.io: a map of users and tabs, and an event for each change to the room of the watchers. It has no snapshot that agrees with the events around a reconnect.',
  ],
  turns: TURNS,
  open: (system, caseName, cores) => {
    const members = CASES.find(({ name }) => name === caseName)?.members ?? 0;
    return openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: system.server,
        load: join(HERE, 'load.mjs'),
        plan: { system: system.name, members, watchers: WATCHERS },
        measured: measuredOf,
      },
      cores,
    );
  },
};

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf({ changes, windowSeconds, serverCpuSeconds, loadCpuSeconds, othersBusy, bytesPerWatcher }) {
  const loadBusy = loadCpuSeconds / windowSeconds;
  return {
    figures: {
      changesPerCpuSecond: changes / serverCpuSeconds,
      changesPerSecond: changes / windowSeconds,
      bytesPerWatcher,
    },
    problems: onlyProblems({ changesPerSecond: busyness(loadBusy) ?? disturbance(othersBusy) }),
    context: { changes, windowSeconds, serverBusy: serverCpuSeconds / windowSeconds, loadBusy, othersBusy },
  };
}
