// `echo`: what one message in and out costs. 100 connections send and get back the same; the measure is how many a second of the
// server's CPU time buys.

import { join } from 'node:path';
import { ENGINE_SYSTEMS, NOT_EQUAL, serverCommand, WS_WITH_ADDON } from '../engine/systems.mjs';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';

const CONNECTIONS = 100;
const WARM_UP_MS = 600;
const TURNS = 6;
/** Of each turn: so long as fast as possible … */
const WINDOW_MS = 300;
/** … then so many ticks of a pace, in each of which some of the connections send. */
const PACED_TICKS = 25;
const PACE_MS = 8;
const LARGE = '64KB-depth-1';

const CASES = [
  {
    name: '20B-depth-1',
    words: 'a text of 20 bytes, the next one when it is back',
    shape: { depth: 1, payloadBytes: 20, isBinary: false, pacedConnections: 8 },
  },
  {
    name: '20B-depth-32',
    words: '32 texts of 20 bytes in one chunk, the next 32 when all are back',
    shape: { depth: 32, payloadBytes: 20, isBinary: false, pacedConnections: 4 },
  },
  {
    name: LARGE,
    words: 'a binary message of 65,536 bytes, the next one when it is back',
    shape: { depth: 1, payloadBytes: 65_536, isBinary: true, pacedConnections: 2 },
  },
];

/** @type {import('../lib/harness.mjs').Bench<import('../engine/systems.mjs').EngineSystem>} */
export const bench = {
  name: 'echo',
  title: `${CONNECTIONS} connections get back what they send`,
  cases: CASES,
  systems: [...ENGINE_SYSTEMS, { ...WS_WITH_ADDON, cases: [LARGE] }],
  measures: [
    { name: 'messagesPerCpuSecond', unit: 'messages in and out per second of server CPU', better: 'more' },
    { name: 'latencyP99Ms', unit: 'ms', better: 'less' },
  ],
  method: [
    `Per run and arm: a new server process, ${CONNECTIONS} raw sockets, ${WARM_UP_MS / 1_000} s of warm-up dropped; then the arms take turns, ${TURNS} each, of ${WINDOW_MS / 1_000} s as fast as`,
    `possible, and ${(PACED_TICKS * PACE_MS) / 1_000} s at a pace for the latency, from sending until all of it is back: every ${PACE_MS} ms ${CASES.map(({ name, shape }) => `${shape.pacedConnections} connections (${name})`).join(', ')}.`,
    'All is masked with random keys. Every byte of every answer is compared.',
  ],
  notEqual: [
    ...NOT_EQUAL,
    'Texts reach the application as strings with trunkline and bun, which encode them again; ws hands over the bytes and sends those.',
    'trunkline and bun put the answers to one chunk into one write; ws writes each.',
    'The load is on Node and as busy as the servers, busier than bun: bun is woken for fewer messages at a time than it could take.',
  ],
  turns: TURNS,
  open: (system, caseName, cores) =>
    openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: serverCommand(system),
        load: join(import.meta.dirname, 'load.mjs'),
        plan: {
          system: system.name,
          connections: CONNECTIONS,
          ...CASES.find(({ name }) => name === caseName)?.shape,
          warmUpMs: WARM_UP_MS,
          windowMs: WINDOW_MS,
          paceMs: PACE_MS,
          pacedTicks: PACED_TICKS,
        },
        measured: measuredOf,
      },
      cores,
    ),
};

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf(outcome) {
  const { messages, windowSeconds, serverCpuSeconds, loadCpuSeconds, latencyP99Ms, ...rest } = outcome;
  const loadBusy = loadCpuSeconds / windowSeconds;
  return {
    figures: { messagesPerCpuSecond: messages / serverCpuSeconds, latencyP99Ms },
    problems: onlyProblems({
      latencyP99Ms: busyness(rest.loadBusyPaced) ?? disturbance(rest.othersBusyPaced),
    }),
    context: {
      messages,
      windowSeconds,
      messagesPerSecond: messages / windowSeconds,
      serverBusy: serverCpuSeconds / windowSeconds,
      loadBusy,
      ...rest,
    },
  };
}
