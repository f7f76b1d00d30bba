// `polling`: the same chat over one WebSocket and over HTTP requests. What a message costs on the wire, and how long it takes.

import { join } from 'node:path';
import { openArm } from '../lib/arm.mjs';
import { node } from '../lib/peers.mjs';
import { measuredOf } from './measured.mjs';

const HERE = import.meta.dirname;
const WINDOW_MS = 30_000;
const SHAPE = { clients: 200, rooms: 40, windowMs: WINDOW_MS };
const CASES = [
  { name: 'quiet', words: 'a message in each room every 30 s', shape: { ...SHAPE, messages: 40 } },
  { name: 'lively', words: 'a message in each room every second', shape: { ...SHAPE, messages: 1_200 } },
  { name: 'glance', words: 'the same for 3 s', shape: { ...SHAPE, messages: 120, windowMs: 3_000 } },
];

/** @typedef {import('../lib/harness.mjs').System & { way: 'socket' | 'poll' | 'long-poll', intervalMs?: number }} PollingSystem */

/** @type {import('../lib/harness.mjs').Bench<PollingSystem>} */
export const bench = {
  name: 'polling',
  title: `a chat of ${SHAPE.clients} clients in ${SHAPE.rooms} rooms, over a WebSocket and over HTTP`,
  cases: CASES,
  systems: [
    { name: 'trunkline', way: 'socket' },
    { name: 'poll-1s', way: 'poll', intervalMs: 1_000 },
    { name: 'poll-5s', way: 'poll', intervalMs: 5_000 },
    { name: 'long-poll', way: 'long-poll' },
  ],
  measures: [
    { name: 'bytesPerClientMinute', unit: 'bytes both ways, of a client in a minute', better: 'less' },
    { name: 'latencyP50Ms', unit: 'ms from publish until it was read', better: 'less' },
    { name: 'latencyP99Ms', unit: 'ms from publish until it was read', better: 'less' },
    { name: 'cpuMsPerClientMinute', unit: 'ms of the server, for a client in a minute', better: 'less' },
  ],
  method: [
    `Per run and arm, one arm after the other: a new server, ${SHAPE.clients} clients of it, and ${WINDOW_MS / 1e3} s in which the server publishes to the rooms in turns. Bytes are those of the clients' TCP sockets,`,
    'without the connecting. Every client must have every message of its room, in order, once; the texts are compared.',
  ],
  notEqual: [
    'All arms are Trunkline: `trunkline` its client on a WebSocket, the others GET /v1/channels/…/entries?after= over a connection that is kept, with the header fields that Chromium sends by itself and no cookie.',
    '`poll-1s` and `poll-5s` ask again that long after they asked before, and begin at random moments; `long-poll` asks with `wait=25`, again at once. With nothing new a poll is answered by 304.',
    'Plain text on loopback: TLS is left out on both sides, and HTTP/2, which would make polls smaller. Pings of the WebSocket come once in the window, as they would.',
  ],
  turns: 1,
  open: (system, caseName, cores) => {
    const shape = CASES.find(({ name }) => name === caseName)?.shape;
    if (shape === undefined) throw new Error(`no case ${caseName}`);
    return openArm(
      {
        label: system.name,
        server: [...node(), join(HERE, 'server.mjs')],
        load: join(HERE, 'load.mjs'),
        plan: { ...shape, system: system.name, way: system.way, intervalMs: system.intervalMs ?? 0 },
        measured: (/** @type {import('./load.mjs').Outcome} */ outcome) => measuredOf(outcome, shape),
      },
      cores,
    );
  },
};
