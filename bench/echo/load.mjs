// The load process of `echo`. Each connection sends a batch of messages in one chunk, and the next when all of it is back; what comes
// back is compared byte by byte with what is due, so no frame is parsed here. Started by bench.mjs with its plan as JSON.

import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { quantile } from '../lib/stats.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';
import { makeBatches } from './batches.mjs';
import { EchoSocket } from './echo-socket.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {number} port
 * @property {number} controlPort
 * @property {number} connections
 * @property {number} depth Messages in a batch.
 * @property {number} payloadBytes
 * @property {boolean} isBinary
 * @property {number} warmUpMs
 * @property {number} windowMs In each turn, as fast as possible.
 * @property {number} paceMs After that, at this pace …
 * @property {number} pacedConnections … so many connections send a batch …
 * @property {number} pacedTicks … so many times.
 */

/**
 * Sums over the windows of all turns, and the latencies of all paced batches.
 * @typedef {object} Outcome
 * @property {number} messages
 * @property {number} windowSeconds
 * @property {number} serverCpuSeconds
 * @property {number} serverSystemSeconds The part of them that the kernel used.
 * @property {number} loadCpuSeconds
 * @property {number} othersBusy What other programs used of this machine's cores during the window: 1 is a whole core.
 * @property {number} othersBusyPaced The same while the latency was measured.
 * @property {number} loadBusyPaced
 * @property {number} latencyP50Ms
 * @property {number} latencyP99Ms
 * @property {number} latencyMaxMs
 * @property {number} pacedBatches
 * @property {number} lateBatches Due while the one before was not back; not sent.
 */

const STALL_MS = 10_000;
/** What comes after the last answer would be a repeat. */
const REPEATS_WAIT_MS = 50;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const batches = makeBatches(plan);
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);

let messages = 0;
let active = 0;
let endMs = 0;
let isPaced = false;
let lateBatches = 0;
let lastAnswerMs = performance.now();
/** When each connection sent its paced batch. */
const sentMs = new Float64Array(plan.connections);
/** @type {number[]} */
const latencies = [];
/** @type {() => void} */
let quiet = () => undefined;
const windows = emptyWindow();
const pacedWindows = emptyWindow();

const control = await connectControl(plan.controlPort);
const sockets = await Promise.all(
  Array.from({ length: plan.connections }, (_, index) =>
    EchoSocket.open({ port: plan.port, batches, index, answered, failed: fail }),
  ),
);
const watchdog = setInterval(() => {
  if (active > 0 && performance.now() - lastAnswerMs > STALL_MS) fail(new Error(`${active} answers are missing`));
}, 1_000);
await sendFor(plan.warmUpMs);
messages = 0;
await obey({ turn, finish });
clearInterval(watchdog);
for (const socket of sockets) socket.end();
control.end();

async function turn() {
  const before = snapshot(await control.usage());
  await sendFor(plan.windowMs);
  const between = snapshot(await control.usage());
  isPaced = true;
  await sendAtPace();
  isPaced = false;
  addWindow(windows, windowBetween(before, between));
  addWindow(pacedWindows, windowBetween(between, snapshot(await control.usage())));
}

/** @returns {Promise<Outcome>} */
async function finish() {
  await new Promise((resolve) => setTimeout(resolve, REPEATS_WAIT_MS));
  const sorted = Float64Array.from(latencies).sort();
  return {
    messages,
    windowSeconds: windows.seconds,
    serverCpuSeconds: windows.serverCpuSeconds,
    serverSystemSeconds: windows.serverSystemSeconds,
    loadCpuSeconds: windows.loadCpuSeconds,
    othersBusy: windows.othersSeconds / windows.seconds,
    othersBusyPaced: pacedWindows.othersSeconds / pacedWindows.seconds,
    loadBusyPaced: pacedWindows.loadCpuSeconds / pacedWindows.seconds,
    latencyP50Ms: quantile(sorted, 0.5),
    latencyP99Ms: quantile(sorted, 0.99),
    latencyMaxMs: quantile(sorted, 1),
    pacedBatches: latencies.length,
    lateBatches,
  };
}

/** As fast as possible; resolves when all answers are back. @param {number} durationMs */
async function sendFor(durationMs) {
  endMs = performance.now() + durationMs;
  lastAnswerMs = performance.now();
  active = sockets.length;
  const done = new Promise((resolve) => {
    quiet = () => resolve(undefined);
  });
  for (const socket of sockets) socket.send();
  await done;
}

async function sendAtPace() {
  const startMs = performance.now();
  let next = 0;
  for (let tick = 0; tick < plan.pacedTicks; tick += 1) {
    const waitMs = startMs + tick * plan.paceMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    for (let count = 0; count < plan.pacedConnections; count += 1) {
      const socket = sockets[next];
      next = (next + 1) % sockets.length;
      if (socket === undefined || socket.isWaiting) {
        lateBatches += 1;
        continue;
      }
      active += 1;
      sentMs[socket.index] = performance.now();
      socket.send();
    }
  }
  if (active === 0) return;
  await new Promise((resolve) => {
    quiet = () => resolve(undefined);
  });
}

/** A whole batch is back. @param {EchoSocket} socket */
function answered(socket) {
  lastAnswerMs = performance.now();
  if (isPaced) {
    latencies.push(lastAnswerMs - /** @type {number} */ (sentMs[socket.index]));
  } else {
    messages += plan.depth;
    if (lastAnswerMs < endMs) {
      socket.send();
      return;
    }
  }
  active -= 1;
  if (active === 0) quiet();
}
