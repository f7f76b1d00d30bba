// `engine-idle`: what a connection that says nothing holds. Resident memory of the server's process, before and after 10,000 of them.

import { join } from 'node:path';
import { ENGINE_SYSTEMS, NOT_EQUAL, serverCommand } from '../engine/systems.mjs';
import { openArm } from '../lib/arm.mjs';

const CONNECTIONS = 10_000;
const WARM_UP_CONNECTIONS = 2_000;
/**
 * V8's nursery grows to 32 MB when much is allocated in little time, as by 10,000 handshakes, and shrinks as it likes: 2 to 3 KB per
 * connection that are none. Held at its smallest it is the same before and after.
 */
const NODE_FLAGS = ['--expose-gc', '--max-semi-space-size=1'];

/** @type {import('../lib/harness.mjs').Bench<import('../engine/systems.mjs').EngineSystem>} */
export const bench = {
  name: 'engine-idle',
  title: `${CONNECTIONS.toLocaleString('en-US')} idle connections, engines alone`,
  cases: [{ name: 'attached', words: "on the upgrades of the runtime's own HTTP server" }],
  systems: ENGINE_SYSTEMS,
  measures: [{ name: 'bytesPerConnection', unit: 'resident bytes of the server per connection', better: 'less' }],
  method: [
    `Per run and arm: a new server process; ${WARM_UP_CONNECTIONS.toLocaleString('en-US')} connections come and go, so that code is compiled; then, each time after garbage collection, VmRSS of`,
    `/proc/self/status before and after ${CONNECTIONS.toLocaleString('en-US')} raw sockets connected. Each sent one text of 20 bytes and got it back, which was compared. The kernel's socket`,
    "buffers are not in it. Node's nursery is held at 1 MB: what it grows by during 10,000 handshakes does not belong to connections.",
  ],
  notEqual: [
    ...NOT_EQUAL,
    "bun's memory is managed by another engine, with no nursery to hold.",
    'An HTTP server with timeouts is part of all of them; no engine sends pings here, and none compresses.',
  ],
  turns: 0,
  open: (system, caseName, cores) =>
    openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: serverCommand(system, {}, NODE_FLAGS),
        load: join(import.meta.dirname, 'load.mjs'),
        plan: { system: system.name, connections: CONNECTIONS, warmUpConnections: WARM_UP_CONNECTIONS },
        measured: measuredOf,
      },
      cores,
    ),
};

/** @param {import('../lib/idle-load.mjs').IdleOutcome} outcome */
function measuredOf({ connections, bytesBefore, bytesAfter }) {
  return {
    figures: { bytesPerConnection: (bytesAfter - bytesBefore) / connections },
    problems: {},
    context: { connections, bytesBefore, bytesAfter },
  };
}
