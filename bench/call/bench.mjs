// `call`: how long a procedure takes that is called while the server tells its table to everybody: the load of `table`, case `unlimited`.

import { join } from 'node:path';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';
import { BATCHED, OURS, READERS, serverCommand } from '../table/arm.mjs';
import { BATCH_EVERY_MS, PER_BATCH, SYMBOLS } from '../table/market.mjs';

const TURNS = 3;
const LEAD_MS = 400;
const WINDOW_MS = 1_000;
/** With so many none of the systems needs its core whole. */
const FEWER_READERS = 400;

const CASES = [
  { name: '1-caller', words: 'one reader calls 200 times a second', readers: READERS, callers: 1, callsPerSecond: 200 },
  { name: '50-callers', words: '50 readers, 500 calls a second', readers: READERS, callers: 50, callsPerSecond: 500 },
  {
    name: '50-callers-of-400',
    words: `the same, with ${FEWER_READERS} readers in all: nobody is near its limit`,
    readers: FEWER_READERS,
    callers: 50,
    callsPerSecond: 500,
  },
];

/** @type {import('../lib/harness.mjs').Bench<import('../table/arm.mjs').TableSystem>} */
export const bench = {
  name: 'call',
  title: `a procedure, while every ${BATCH_EVERY_MS} ms ${PER_BATCH} of ${SYMBOLS} rows change and ${READERS.toLocaleString('en-US')} readers are told`,
  cases: CASES,
  systems: [...OURS, ...BATCHED],
  measures: [
    { name: 'latencyP99Ms', unit: 'ms', better: 'less' },
    { name: 'latencyP50Ms', unit: 'ms', better: 'less' },
  ],
  method: [
    `Per run and arm: a new server process, raw sockets that read the table, of which some also call; then the arms take turns, ${TURNS} each: the market is fed for ${LEAD_MS / 1_000} s that do not count and ${WINDOW_MS / 1_000} s in which calls are`,
    'due at an even pace, whatever became of the ones before. Latency is from when a call was due until its answer was read. Every answer names its order; the replicas of the table are compared in the end, as in `table`.',
  ],
  notEqual: [
    'trunkline calls a procedure of the app: the input is checked by a schema, the call counted against limits, and it has a deadline and a signal. socket.io: emitWithAck. ws: an id in the request and in the answer.',
    'The table is told as in `table`: by ws and socket.io one JSON per batch to everybody, by trunkline slices; its readers report what they processed, on the connections over which they call.',
    'A server on one core at its limit answers late, whoever it is: `serverBusy` in the CSV says how near it was.',
  ],
  turns: TURNS,
  open: (system, caseName, cores) => {
    const { readers, callers, callsPerSecond } = CASES.find(({ name }) => name === caseName) ?? never();
    return openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: serverCommand(system),
        load: join(import.meta.dirname, 'load.mjs'),
        plan: {
          system: system.name,
          dialect: system.dialect,
          readers,
          slowReaders: 0,
          leadMs: LEAD_MS,
          windowMs: WINDOW_MS,
          isCollected: false,
          callers,
          callsPerSecond,
        },
        measured: measuredOf,
      },
      cores,
    );
  },
};

/** @param {import('./load.mjs').Outcome} outcome */
function measuredOf({ callP50Ms, callP99Ms, callMaxMs, calls, ...table }) {
  const { windowSeconds, serverCpuSeconds, loadCpuSeconds, othersBusy, rows, latencyP99Ms, batchesMissed } = table;
  const loadBusy = loadCpuSeconds / windowSeconds;
  const problem = busyness(loadBusy) ?? disturbance(othersBusy);
  return {
    figures: { latencyP99Ms: callP99Ms, latencyP50Ms: callP50Ms },
    problems: onlyProblems({ latencyP99Ms: problem, latencyP50Ms: problem }),
    context: {
      calls,
      callMaxMs,
      tableLatencyP99Ms: latencyP99Ms,
      rowsPerSecond: rows / windowSeconds,
      batchesMissed,
      windowSeconds,
      serverBusy: serverCpuSeconds / windowSeconds,
      loadBusy,
      othersBusy,
    },
  };
}

/** @returns {never} */
function never() {
  throw new Error('there are cases');
}
