// `link-loss`: what arrives when links keep breaking. Rooms of ten, a steady trickle of messages, and every client's TCP connection is reset
// every 15 seconds for a minute.

import { join } from 'node:path';
import { openLinkLoss } from './arm.mjs';

const PER_ROOM = 10;
const MESSAGES_PER_SECOND = 50;
const HERE = import.meta.dirname;

const shape = (/** @type {number} */ clients, lossEveryMs = 15_000, durationMs = 60_000) => ({
  clients,
  perRoom: PER_ROOM,
  messagesPerSecond: MESSAGES_PER_SECOND,
  lossEveryMs,
  durationMs,
});
const CASES = [
  {
    name: '5000-clients',
    words: 'in 500 rooms, each link is reset every 15 s for a minute: 333 a second',
    shape: shape(5_000),
  },
  { name: '1000-clients', words: 'the same with 1,000 in 100 rooms, each of which hears more', shape: shape(1_000) },
  { name: '50-clients', words: 'a glance: 5 rooms, a reset every 2 s for 6 s', shape: shape(50, 2_000, 6_000) },
];

/** @type {import('../lib/harness.mjs').Bench<import('./arm.mjs').LinkLossSystem>} */
export const bench = {
  name: 'link-loss',
  title: `links that are reset, ${MESSAGES_PER_SECOND} messages a second to rooms of ${PER_ROOM}`,
  cases: CASES,
  systems: [
    {
      name: 'trunkline',
      server: [join(HERE, 'servers/trunkline.mjs')],
      client: join(HERE, 'clients/trunkline.mjs'),
    },
    {
      name: 'socket.io',
      server: [join(HERE, 'servers/socket-io.mjs')],
      client: join(HERE, 'clients/socket-io.mjs'),
    },
    {
      name: 'socket.io+recovery',
      server: [join(HERE, 'servers/socket-io.mjs'), 'recovery'],
      client: join(HERE, 'clients/socket-io.mjs'),
    },
  ],
  measures: [
    { name: 'deliveredPercent', unit: '% of the deliveries that are due, in order', better: 'more' },
    { name: 'latencyP50Ms', unit: 'ms from publish, or from the return of the link if that is later', better: 'less' },
    { name: 'latencyP99Ms', unit: 'ms from publish, or from the return of the link if that is later', better: 'less' },
    { name: 'serverCpuSeconds', unit: 's of the server in all', better: 'less' },
  ],
  method: [
    `Per run and arm, one arm after the other: a new server process, and load processes of 1,000 clients each. ${MESSAGES_PER_SECOND} messages a second in all go to the rooms in turns, so each`,
    'delivery is to ten clients. A link is lost by a TCP reset from the client; the network is back at once, and latency counts from the reset, so the wait before',
    'the next attempt is part of it. Latency is over what arrived. Every message is checked: its number must be the next one of its room, and its text is compared.',
  ],
  notEqual: [
    'trunkline: its client for Node. socket.io: its own client. The same waits between attempts: any part of 500, 1,000, then 2,000 ms; both over WebSocket from the start.',
    'trunkline keeps entries in its memory broker, socket.io+recovery packets in its memory for two minutes, socket.io nothing. What socket.io loses has no latency: its figures are of the lucky ones.',
    'Every client has heard one message before: without one, connection state recovery knows no place to go on from.',
    'All load processes share a core; the server has its own.',
  ],
  turns: 1,
  open: (system, caseName, cores) => {
    const found = CASES.find(({ name }) => name === caseName);
    if (found === undefined) throw new Error(`no case ${caseName}`);
    return openLinkLoss(system, found.shape, cores);
  },
};
