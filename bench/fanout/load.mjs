// The load process: all subscribers of one server, the pace, and the checks. Started by bench.mjs with its plan as one argument of
// JSON; announces itself when it is connected and warm, then obeys `turn` and `finish` on standard input.
//
// A burst is ordered only when every subscriber has all of the one before: so a server cannot fold two bursts into one write, and
// the number of messages per flush is what the case says.

import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { quantile } from '../lib/stats.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';
import { dialectOf } from './dialects.mjs';
import { FIRST_SEQ, isPayloadOf } from './payload.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {string} dialect
 * @property {number} port
 * @property {number} controlPort
 * @property {number} subscribers
 * @property {number} perBurst Messages that the server publishes in one turn.
 * @property {number} warmUpMs Bursts as fast as possible, not counted.
 * @property {number} windowMs In each turn the same, counted.
 * @property {number} paceMs After that, a burst each so many milliseconds, for the latency.
 * @property {number} pacedBursts In each turn.
 */

/**
 * Sums over the windows of all turns, and the latencies of all paced bursts.
 * @typedef {object} Outcome
 * @property {number} deliveries
 * @property {number} windowSeconds
 * @property {number} serverCpuSeconds
 * @property {number} serverSystemSeconds The part of them that the kernel used.
 * @property {number} loadCpuSeconds
 * @property {number} othersBusy What other programs used of this machine's cores during the window: 1 is a whole core.
 * @property {number} othersBusyPaced The same while the latency was measured.
 * @property {number} bytesPerDelivery On the wire, frame headers included.
 * @property {number} latencyP50Ms
 * @property {number} latencyP99Ms
 * @property {number} latencyMaxMs
 * @property {number} lateBursts Paced bursts that were not complete when the next was due.
 * @property {number} checked Messages that were decoded and compared.
 * @property {number} rssBytes The server's, at the end.
 */

/** Of so many subscribers, one decodes all it gets. */
const SAMPLE_STRIDE = 50;
const HANDSHAKES_AT_ONCE = 50;
/** What comes after the last burst is complete would be a repeat. */
const REPEATS_WAIT_MS = 50;
const STALL_MS = 10_000;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const dialect = dialectOf(plan.dialect);
const { perBurst } = plan;

/** @type {RawWebSocket[]} */
const sockets = [];
/** Messages that each subscriber has. @type {number[]} */
const received = [];
let published = 0;
let outstanding = 0;
let burstBeganMs = 0;
let newInRead = 0;
let isPaced = false;
/** One number per delivery of the paced bursts. @type {number[]} */
const latencies = [];
/** @type {() => void} */
let complete = () => undefined;

const windows = emptyWindow();
const pacedWindows = emptyWindow();
let deliveries = 0;
let windowBytes = 0;
let lateBursts = 0;
let checked = 0;

const control = await connectControl(plan.controlPort);
for (let from = 0; from < plan.subscribers; from += HANDSHAKES_AT_ONCE) {
  const to = Math.min(from + HANDSHAKES_AT_ONCE, plan.subscribers);
  await Promise.all(Array.from({ length: to - from }, (_, index) => subscribe(from + index)));
}
await burstsFor(plan.warmUpMs);
await obey({ turn, finish });
for (const socket of sockets) socket.end();
control.end();

async function turn() {
  const before = snapshot(await control.usage());
  const publishedBefore = published;
  const bytesBefore = receivedBytes();
  await burstsFor(plan.windowMs);
  const between = snapshot(await control.usage());
  deliveries += (published - publishedBefore) * plan.subscribers;
  windowBytes += receivedBytes() - bytesBefore;
  isPaced = true;
  lateBursts += await pacedBursts();
  isPaced = false;
  addWindow(windows, windowBetween(before, between));
  addWindow(pacedWindows, windowBetween(between, snapshot(await control.usage())));
}

/** @returns {Promise<Outcome>} */
async function finish() {
  await new Promise((resolve) => setTimeout(resolve, REPEATS_WAIT_MS));
  const short = received.findIndex((count) => count !== published);
  if (short !== -1) fail(new Error(`subscriber ${short} has ${received[short]} of ${published} messages`));
  const { rssBytes } = await control.usage();
  const sorted = Float64Array.from(latencies).sort();
  return {
    deliveries,
    windowSeconds: windows.seconds,
    serverCpuSeconds: windows.serverCpuSeconds,
    serverSystemSeconds: windows.serverSystemSeconds,
    loadCpuSeconds: windows.loadCpuSeconds,
    othersBusy: windows.othersSeconds / windows.seconds,
    othersBusyPaced: pacedWindows.othersSeconds / pacedWindows.seconds,
    bytesPerDelivery: windowBytes / deliveries,
    latencyP50Ms: quantile(sorted, 0.5),
    latencyP99Ms: quantile(sorted, 0.99),
    latencyMaxMs: quantile(sorted, 1),
    lateBursts,
    checked,
    rssBytes,
  };
}

/** @param {Error} error @returns {never} */
function fail(error) {
  return failLoad(plan.system, error);
}

function receivedBytes() {
  return sockets.reduce((sum, socket) => sum + socket.receivedBytes, 0);
}

/** @param {number} durationMs */
async function burstsFor(durationMs) {
  const endMs = performance.now() + durationMs;
  // A burst is ordered from within the read that completed the one before: no timer, no promise in between.
  await new Promise((resolve) => {
    const timer = watchdog();
    complete = () => {
      if (performance.now() < endMs) return burst();
      clearInterval(timer);
      resolve(undefined);
    };
    burst();
  });
}

/** @returns {Promise<number>} How many bursts took longer than the pace. */
async function pacedBursts() {
  let late = 0;
  const timer = watchdog();
  for (let count = 0; count < plan.pacedBursts; count += 1) {
    const done = new Promise((resolve) => {
      complete = () => resolve(undefined);
    });
    burst();
    const dueMs = burstBeganMs + plan.paceMs;
    await done;
    const leftMs = dueMs - performance.now();
    if (leftMs < 0) late += 1;
    else await new Promise((resolve) => setTimeout(resolve, leftMs));
  }
  clearInterval(timer);
  return late;
}

function burst() {
  outstanding = plan.subscribers * perBurst;
  published += perBurst;
  burstBeganMs = performance.now();
  control.order(`burst ${perBurst}`);
}

function watchdog() {
  return setInterval(() => {
    if (performance.now() - burstBeganMs > STALL_MS)
      fail(new Error(`a burst stalled: ${outstanding} deliveries missing`));
  }, 1_000);
}

/**
 * @param {number} index
 * @returns {Promise<void>} Resolves when the subscriber is ready.
 */
function subscribe(index) {
  received[index] = 0;
  const isSampled = index % SAMPLE_STRIDE === 0 && dialect.decode !== null;
  return new Promise((resolve) => {
    sockets[index] = new RawWebSocket({
      port: plan.port,
      path: dialect.path,
      ...(dialect.subprotocol === undefined ? {} : { subprotocol: dialect.subprotocol }),
      ...(dialect.extension === undefined ? {} : { extension: dialect.extension }),
      opened: (socket) => {
        if (dialect.greeting !== null) socket.send(dialect.greeting);
        if (dialect.isReadyAtOnce) resolve();
      },
      text: (socket, bytes, start, end) => {
        const had = received[index] ?? 0;
        const count = dialect.count(bytes, start, end, had);
        if (count === 0) {
          const { ready, reply } = dialect.other(bytes.toString('utf8', start, end));
          if (reply !== undefined) socket.send(reply);
          if (ready) resolve();
          return;
        }
        received[index] = had + count;
        newInRead += count;
        if (had + count > published) throw new Error(`subscriber ${index} has a message that was not published`);
        if (dialect.decode === null) checked += count;
        if (isSampled) check(bytes.toString('utf8', start, end), had, count);
      },
      read,
      failed: fail,
    });
  });
}

/** After each read of a socket, so that a clock is read once for all the messages in it. */
function read() {
  if (newInRead === 0) return;
  if (isPaced) {
    const latencyMs = performance.now() - burstBeganMs;
    for (let count = 0; count < newInRead; count += 1) latencies.push(latencyMs);
  }
  outstanding -= newInRead;
  newInRead = 0;
  if (outstanding === 0) complete();
}

/**
 * @param {string} text
 * @param {number} had
 * @param {number} count
 */
function check(text, had, count) {
  const payloads = dialect.decode?.(text) ?? [];
  const isRight = payloads.every((payload, index) => isPayloadOf(payload, FIRST_SEQ + had + index));
  if (payloads.length !== count || !isRight) throw new Error(`wrong content: ${text.slice(0, 300)}`);
  checked += count;
}
