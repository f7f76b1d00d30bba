// `idle`: what somebody who is connected and only listens holds. Resident memory of the server's process, before and after 10,000 sessions
// with one subscription each. `engine-idle` is the same for the engine alone.

import { join, resolve } from 'node:path';
import { openArm } from '../lib/arm.mjs';
import { node } from '../lib/peers.mjs';

const WARM_UP_SHARE = 0.2;
/** As in `engine-idle`: a nursery that grows during the handshakes belongs to no connection. */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=1'];
/** A checkout to compare a change with, built. */
const BASE = process.env.BENCH_BASE;
const SERVERS = join(import.meta.dirname, '../fanout/servers');

/** @typedef {import('../lib/harness.mjs').System & { server: string, dialect: string }} IdleSystem */

const CASES = [
  { name: '10000-connections', words: 'as many as a server of one process should hold', connections: 10_000 },
  { name: '500-connections', words: 'a glance: what the process grows by for itself weighs more', connections: 500 },
];

/** @type {import('../lib/harness.mjs').Bench<IdleSystem>} */
export const bench = {
  name: 'idle',
  title: 'connections with a session and one subscription that hear nothing',
  cases: CASES,
  systems: [
    { name: 'trunkline', server: 'trunkline.mjs', dialect: 'trunkline' },
    ...(BASE === undefined
      ? []
      : [
          {
            name: 'base',
            server: resolve(BASE, 'bench/fanout/servers/trunkline.mjs'),
            dialect: 'trunkline',
          },
        ]),
    { name: 'ws', server: 'ws.mjs', dialect: 'plain' },
    { name: 'socket.io', server: 'socket-io.mjs', dialect: 'socket.io' },
  ],
  measures: [{ name: 'bytesPerConnection', unit: 'resident bytes of the server per connection', better: 'less' }],
  method: [
    'Per run and arm: a new server process; a fifth as many connections come and go, so that code is compiled; then, each time after garbage collection, VmRSS',
    'of /proc/self/status before and after the raw sockets connected. After the measurement one message is published, and every connection must get exactly',
    "that one. The kernel's socket buffers are not in it. Node's nursery is held at 1 MB: what it grows by during the handshakes does not belong to connections.",
  ],
  notEqual: [
    'trunkline: authenticated, a session with its life signs and a cursor on one log. socket.io: a connected socket in one room. ws: a connection and a listener for its messages; it knows no sessions, no groups, and does not look for dead peers.',
    'All subscribe to the same log or room: many small rooms cost trunkline and socket.io more.',
    'trunkline and socket.io ping every 25 s; no ping falls into the measurement of a quick machine.',
  ],
  turns: 0,
  open: (system, caseName, cores) => {
    const connections = CASES.find(({ name }) => name === caseName)?.connections ?? 0;
    return openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: [...node(), ...NODE_FLAGS, resolve(SERVERS, system.server)],
        load: join(import.meta.dirname, 'load.mjs'),
        plan: {
          system: system.name,
          dialect: system.dialect,
          connections,
          warmUpConnections: connections * WARM_UP_SHARE,
        },
        measured: measuredOf,
      },
      cores,
    );
  },
};

/** @param {import('../lib/idle-load.mjs').IdleOutcome} outcome */
function measuredOf({ connections, bytesBefore, bytesAfter }) {
  return {
    figures: { bytesPerConnection: (bytesAfter - bytesBefore) / connections },
    problems: {},
    context: { connections, bytesBefore, bytesAfter },
  };
}
