// A load of connections that each send a batch of messages in one chunk, and the next one when all of it is answered: as fast as possible
// for the rates, at a pace for the latency. What a batch is, and whether its answers are right, is the connection's own business.

import { connectControl } from './control.mjs';
import { obey } from './load-process.mjs';
import { quantile } from './stats.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from './window.mjs';

/**
 * @typedef {object} BatchPlan
 * @property {string} system For errors.
 * @property {number} port
 * @property {number} controlPort
 * @property {number} connections
 * @property {number} depth Messages in a batch.
 * @property {number} warmUpMs
 * @property {number} windowMs In each turn, as fast as possible.
 * @property {number} paceMs After that, at this pace …
 * @property {number} pacedConnections … so many connections send a batch …
 * @property {number} pacedTicks … so many times.
 */

/**
 * Sums over the windows of all turns, and the latencies of all paced batches.
 * @typedef {object} BatchOutcome
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

/**
 * @typedef {object} BatchConnection
 * @property {number} index Its place among the connections.
 * @property {boolean} isWaiting Whether an answer is due.
 * @property {() => void} send
 * @property {() => void} end
 */

const STALL_MS = 10_000;
/** What comes after the last answer would be a repeat. */
const REPEATS_WAIT_MS = 50;

/**
 * Runs until the bench ends.
 * @template {BatchConnection} C
 * @param {BatchPlan} plan
 * @param {(index: number, answered: (connection: C) => void) => Promise<C>} open
 * @param {(error: Error) => never} fail
 * @param {(connections: readonly C[], control: import('./control.mjs').Control) => Promise<object>} [checked]
 *   After the last turn: looks at what was sent in all; its result is added to the outcome.
 */
export async function runBatchLoad(plan, open, fail, checked = async () => ({})) {
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
  const connections = await Promise.all(Array.from({ length: plan.connections }, (_, index) => open(index, answered)));
  const watchdog = setInterval(() => {
    if (active > 0 && performance.now() - lastAnswerMs > STALL_MS) fail(new Error(`${active} answers are missing`));
  }, 1_000);
  await sendFor(plan.warmUpMs);
  messages = 0;
  await obey({ turn, finish });
  clearInterval(watchdog);
  for (const connection of connections) connection.end();
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

  /** @returns {Promise<BatchOutcome>} */
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
      ...(await checked(connections, control)),
    };
  }

  /** As fast as possible; resolves when all answers are back. @param {number} durationMs */
  async function sendFor(durationMs) {
    endMs = performance.now() + durationMs;
    lastAnswerMs = performance.now();
    active = connections.length;
    const done = new Promise((resolve) => {
      quiet = () => resolve(undefined);
    });
    for (const connection of connections) connection.send();
    await done;
  }

  async function sendAtPace() {
    const startMs = performance.now();
    let next = 0;
    for (let tick = 0; tick < plan.pacedTicks; tick += 1) {
      const waitMs = startMs + tick * plan.paceMs - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      for (let count = 0; count < plan.pacedConnections; count += 1) {
        const connection = connections[next];
        next = (next + 1) % connections.length;
        if (connection === undefined || connection.isWaiting) {
          lateBatches += 1;
          continue;
        }
        active += 1;
        sentMs[connection.index] = performance.now();
        connection.send();
      }
    }
    if (active === 0) return;
    await new Promise((resolve) => {
      quiet = () => resolve(undefined);
    });
  }

  /** A whole batch is back. @param {C} connection */
  function answered(connection) {
    lastAnswerMs = performance.now();
    if (isPaced) {
      latencies.push(lastAnswerMs - /** @type {number} */ (sentMs[connection.index]));
    } else {
      messages += plan.depth;
      if (lastAnswerMs < endMs) {
        connection.send();
        return;
      }
    }
    active -= 1;
    if (active === 0) quiet();
  }
}
