// `table`: what it costs to keep 1,000 replicas of a table that changes all the time. Ten of 200 symbols change every 10 ms.

import { join } from 'node:path';
import { busyness, disturbance, onlyProblems, openArm } from '../lib/arm.mjs';
import { BATCHED, BROADCASTS, OURS, READERS, serverCommand } from './arm.mjs';
import { BATCH_EVERY_MS, FIELDS_PER_CHANGE, PER_BATCH, SYMBOLS } from './market.mjs';
import { SLOW_BYTES_PER_SECOND } from './readers.mjs';

const TURNS = 3;
const SLOW_READERS = 100;
const WARM_UP_MS = 300;

/**
 * @type {readonly { name: string, words: string, leadMs: number, windowMs: number, rate?: number, watched?: number, slowReaders?: number,
 *   warmUpMs?: number }[]}
 */
const CASES = [
  { name: 'unlimited', words: 'every reader is told every change as soon as it is made', leadMs: 400, windowMs: 600 },
  { name: 'rate-2', words: 'readers want two slices a second', leadMs: 100, windowMs: 1_000, rate: 2 },
  {
    name: 'watch-list-20',
    words: 'each reader follows 20 symbols of its own',
    leadMs: 400,
    windowMs: 600,
    watched: 20,
  },
  {
    name: 'slow-readers',
    words: `${SLOW_READERS} of the ${READERS.toLocaleString('en-US')} read at ${SLOW_BYTES_PER_SECOND / 1_024} KB/s`,
    leadMs: 1_000,
    windowMs: 1_500,
    slowReaders: SLOW_READERS,
    // That a link is slow shows when it has carried something: here more than the first slice.
    warmUpMs: 3_500,
  },
];

/** @type {import('../lib/harness.mjs').Bench<import('./arm.mjs').TableSystem>} */
export const bench = {
  name: 'table',
  title: `${READERS.toLocaleString('en-US')} readers; every ${BATCH_EVERY_MS} ms ${PER_BATCH} of ${SYMBOLS} rows change, ${FIELDS_PER_CHANGE} of 8 fields each`,
  cases: CASES,
  systems: [...OURS, ...BROADCASTS, ...BATCHED.map((system) => ({ ...system, cases: ['unlimited', 'watch-list-20'] }))],
  measures: [
    { name: 'deliveriesPerCpuSecond', unit: 'rows told per second of server CPU', better: 'more' },
    { name: 'deliveriesPerSecond', unit: 'rows told per second', better: 'more' },
    { name: 'bytesPerSecond', unit: 'bytes to all readers for a second of the market', better: 'less' },
    { name: 'serverCpuPercent', unit: '% of a core for this work', better: 'less' },
    { name: 'latencyP99Ms', unit: 'ms, of readers who are not slow', better: 'less' },
    { name: 'dataAgeP99Ms', unit: 'ms, of slow readers, or of all where none is', better: 'less' },
    {
      name: 'ageBeyondLinkP99Ms',
      cases: ['slow-readers'],
      unit: 'ms of the age of slow readers beyond what the link needs for the message',
      better: 'less',
    },
    { name: 'rssGrowthBytes', unit: 'bytes', better: 'less', isCompared: false },
  ],
  method: [
    `Per run and arm: a new server process, ${READERS} raw sockets; then the arms take turns, ${TURNS} each: the market is fed for a lead that does not count, and a window that does: ${CASES.map(({ name, leadMs, windowMs }) => `${leadMs} + ${windowMs} ms (${name})`).join(', ')}.`,
    ' A delivery is a row told to a reader who follows it: where changes are folded (rate-2, and slow readers of trunkline) a row counts once, however many changes it stands for; where a system tells',
    'rows that a reader does not follow (watch-list-20) those do not count. Latency and age: from the moment when the newest change in a message was due, by the clock of the feed, until the reader had all of the message.',
    `Time between turns is no time: slow readers stand still. Every message is decoded, or is byte for byte one that was; 40 replicas, of slow readers too, equal the server's table in the end.`,
  ],
  notEqual: [
    'ws and socket.io broadcast every change to everybody as it is made, which is the way most write it. They cannot keep up with 1,000 readers: what had not begun when the time was over is left out, and bytes are those for the changes that were told. ws-batched and socket.io-batched, written with more care, send one JSON for the ten changes of a batch.',
    'trunkline gives each batch an offset, keeps each field’s last change, and could resume any reader from any offset; its readers report what they processed, and those reports are in its CPU time. The others keep nothing.',
    'trunkline serves rates and watch lists; an application on the others could write that, with a message for each reader. The watch lists are all different, so no two readers of trunkline share a message there.',
    "The kernel buffers what slow readers leave, some MB a connection, which is in nobody's resident memory: with ws and socket.io a slow reader's data would grow older by the length of the run, and their memory begin to grow when those buffers are full.",
    'trunkline asks its readers to say what they have processed, and does not count on these buffers. socket.io would end a reader that is so late after 45 s: its pings are off here.',
  ],
  turns: TURNS,
  open: (system, caseName, cores) => {
    const wanted = CASES.find(({ name }) => name === caseName) ?? never();
    const { leadMs, windowMs, rate, watched, slowReaders = 0, warmUpMs = WARM_UP_MS } = wanted;
    return openArm(
      {
        label: `${system.name}, ${caseName}`,
        server: serverCommand(system, slowReaders === 0 ? [] : ['--expose-gc']),
        load: join(import.meta.dirname, 'load.mjs'),
        plan: {
          system: system.name,
          dialect: system.dialect,
          readers: READERS,
          slowReaders,
          ...(rate === undefined ? {} : { rate }),
          ...(watched === undefined ? {} : { watched }),
          warmUpMs,
          leadMs,
          windowMs,
          isCollected: slowReaders > 0,
        },
        measured: measuredOf,
      },
      cores,
    );
  },
};

/** @param {import('./readers.mjs').TableOutcome} outcome */
function measuredOf(outcome) {
  const { rows, bytes, windowSeconds, serverCpuSeconds, loadCpuSeconds, othersBusy, ...rest } = outcome;
  /** The part of the market that was told at all. */
  const toldShare = rest.batches / (rest.batches + rest.batchesMissed);
  const loadBusy = loadCpuSeconds / windowSeconds;
  const problem = busyness(loadBusy) ?? disturbance(othersBusy);
  return {
    figures: {
      deliveriesPerCpuSecond: rows / serverCpuSeconds,
      deliveriesPerSecond: rows / windowSeconds,
      bytesPerSecond: bytes / (windowSeconds * toldShare),
      serverCpuPercent: (serverCpuSeconds / windowSeconds) * 100,
      latencyP99Ms: rest.latencyP99Ms,
      dataAgeP99Ms: rest.dataAgeP99Ms,
      ...(rest.slowMessages === 0 ? {} : { ageBeyondLinkP99Ms: rest.ageBeyondLinkP99Ms }),
      rssGrowthBytes: rest.rssGrowthBytes,
    },
    problems: onlyProblems({
      deliveriesPerSecond: problem,
      latencyP99Ms: problem,
      dataAgeP99Ms: problem,
      ageBeyondLinkP99Ms: problem,
    }),
    context: { rows, bytes, windowSeconds, serverCpuSeconds, loadBusy, othersBusy, ...rest },
  };
}

/** @returns {never} */
function never() {
  throw new Error('there are cases');
}
