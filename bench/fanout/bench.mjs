// `fanout`: what one message to everybody costs. A server publishes to 1,000 subscribers; the measure is how many deliveries a
// second of the server's CPU time buys.

import { resolve } from 'node:path';
import { bun, bunProblem, node } from '../lib/peers.mjs';
import {
  FANOUT_MEASURES,
  openFanout,
  PACE_MS,
  PACED_BURSTS,
  SUBSCRIBERS,
  TURNS,
  WARM_UP_MS,
  WINDOW_MS,
} from './arm.mjs';
import { PAYLOAD_BYTES } from './payload.mjs';

/** @typedef {import('../lib/harness.mjs').System & { server: string, program: () => string[], dialect: string }} FanoutSystem */

/** Another checkout, built and with its `bench` installed, to compare a change with. */
const BASE = process.env.BENCH_BASE;

const PER_BURST = /** @type {Readonly<Record<string, number>>} */ ({ '1-per-flush': 1, '10-per-flush': 10 });

/** @type {import('../lib/harness.mjs').Bench<FanoutSystem>} */
export const bench = {
  name: 'fanout',
  title: `${SUBSCRIBERS.toLocaleString('en-US')} subscribers, payloads of ${PAYLOAD_BYTES} bytes`,
  cases: [
    { name: '1-per-flush', words: 'one message published in a turn of the event loop' },
    { name: '10-per-flush', words: 'ten messages published in one turn' },
  ],
  systems: [
    { name: 'trunkline', server: 'trunkline.mjs', program: node, dialect: 'trunkline' },
    ...(BASE === undefined
      ? []
      : [
          {
            name: 'base',
            server: resolve(BASE, 'bench/fanout/servers/trunkline.mjs'),
            program: node,
            dialect: 'trunkline',
          },
        ]),
    { name: 'ws', server: 'ws.mjs', program: node, dialect: 'plain' },
    { name: 'socket.io', server: 'socket-io.mjs', program: node, dialect: 'socket.io' },
    { name: 'bun', server: 'bun.mjs', program: bun, dialect: 'plain', missing: bunProblem },
  ],
  measures: FANOUT_MEASURES,
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
  open: (system, caseName, cores) =>
    openFanout(
      {
        system: system.name,
        caseName,
        server: [...system.program(), resolve(import.meta.dirname, 'servers', system.server)],
        dialect: system.dialect,
        perBurst: PER_BURST[caseName] ?? 1,
      },
      cores,
    ),
};
