// `broadcast`: `fanout` without anything above the WebSocket engine. What the engine's part costs of a message to everybody.

import { ENGINE_SYSTEMS, NOT_EQUAL, serverCommand } from '../engine/systems.mjs';
import {
  FANOUT_MEASURES,
  openFanout,
  PACE_MS,
  PACED_BURSTS,
  SUBSCRIBERS,
  TURNS,
  WARM_UP_MS,
  WINDOW_MS,
} from '../fanout/arm.mjs';
import { LARGE_PAYLOAD_BYTES, PAYLOAD_BYTES } from '../fanout/payload.mjs';

const COMPRESSED = 'compressed-1KB';
const CASES = [
  { name: '1-per-turn', words: `one message of ${PAYLOAD_BYTES} bytes in a turn of the event loop`, perBurst: 1 },
  { name: '10-per-turn', words: `ten messages of ${PAYLOAD_BYTES} bytes in one turn`, perBurst: 10 },
  {
    name: COMPRESSED,
    words: `one message of ${LARGE_PAYLOAD_BYTES.toLocaleString('en-US')} bytes in a turn, permessage-deflate without context takeover`,
    perBurst: 1,
  },
];

/** @type {import('../lib/harness.mjs').Bench<import('../engine/systems.mjs').EngineSystem>} */
export const bench = {
  name: 'broadcast',
  title: `one message to ${SUBSCRIBERS.toLocaleString('en-US')} WebSockets, engines alone`,
  cases: CASES,
  systems: ENGINE_SYSTEMS,
  measures: FANOUT_MEASURES,
  method: [
    `Per run and arm: a new server process, ${SUBSCRIBERS} raw sockets, ${WARM_UP_MS / 1_000} s of warm-up dropped; then the arms take turns, ${TURNS} each, of ${WINDOW_MS / 1_000} s as fast as possible,`,
    `each burst ordered when all had the one before, and ${PACED_BURSTS} bursts at ${1_000 / PACE_MS} a second for the latency, from ordering a burst to each delivery.`,
    "Every message's number is checked, and every 50th subscriber's messages are compared whole; compressed ones all.",
  ],
  notEqual: [
    ...NOT_EQUAL,
    'trunkline and bun put what is sent in one turn into one write per connection; ws writes each message. An application on ws could gather by hand: nobody gets that for free.',
    'Each encodes a message once: trunkline as a prepared frame, ws gets a Buffer and makes 1,000 headers, bun publishes to a topic.',
    `${COMPRESSED}: all agree on no context takeover for either side and windows of 2^15. trunkline and ws compress with zlib's level 1 (ws would take 6 by itself), ws once per connection.`,
  ],
  turns: TURNS,
  open: (system, caseName, cores) =>
    openFanout(
      {
        system: system.name,
        caseName,
        server: serverCommand(system, { compression: caseName === COMPRESSED }),
        dialect: caseName === COMPRESSED ? 'deflated' : 'plain',
        perBurst: CASES.find(({ name }) => name === caseName)?.perBurst ?? 1,
      },
      cores,
    ),
};
