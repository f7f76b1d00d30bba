// `handshakes`: what opening and closing a connection costs.

import { join } from 'node:path';
import { ENGINE_SYSTEMS, NOT_EQUAL, serverCommand } from '../engine/systems.mjs';
import { openArm } from '../lib/arm.mjs';

const AT_ONCE = 50;
const WARM_UP_MS = 1_000;
const WINDOW_MS = 300;
const TURNS = 6;

/** @type {import('../lib/harness.mjs').Bench<import('../engine/systems.mjs').EngineSystem>} */
export const bench = {
  name: 'handshakes',
  title: `connections that open and close, ${AT_ONCE} at a time`,
  cases: [{ name: 'http1', words: 'TCP, HTTP/1.1 upgrade, closing handshake, end of TCP' }],
  systems: ENGINE_SYSTEMS,
  measures: [
    { name: 'handshakesPerCpuSecond', unit: 'connections opened and closed per second of server CPU', better: 'more' },
  ],
  method: [
    `Per run and arm: a new server process, ${WARM_UP_MS / 1_000} s of warm-up dropped; then the arms take turns, ${TURNS} each, of ${WINDOW_MS / 1_000} s. ${AT_ONCE} connections at a time: each connects, upgrades,`,
    "sends a close frame with 1000, gets the server's, waits for the server to end the TCP connection, and is followed by the next.",
    'Each response, its Sec-WebSocket-Accept and the close frame are checked.',
  ],
  notEqual: NOT_EQUAL,
  turns: TURNS,
  open: (system, caseName, cores) =>
    openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: serverCommand(system),
        load: join(import.meta.dirname, 'load.mjs'),
        plan: { system: system.name, atOnce: AT_ONCE, warmUpMs: WARM_UP_MS, windowMs: WINDOW_MS },
        measured: measuredOf,
      },
      cores,
    ),
};

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf({ handshakes, windowSeconds, serverCpuSeconds, loadCpuSeconds, ...rest }) {
  return {
    figures: { handshakesPerCpuSecond: handshakes / serverCpuSeconds },
    problems: {},
    context: {
      handshakes,
      windowSeconds,
      handshakesPerSecond: handshakes / windowSeconds,
      serverBusy: serverCpuSeconds / windowSeconds,
      loadBusy: loadCpuSeconds / windowSeconds,
      ...rest,
    },
  };
}
