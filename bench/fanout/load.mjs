// The load process: all subscribers of one server, the pace, and the checks. Started by bench.mjs with its plan as one argument of
// JSON; announces itself when it is connected and warm, then obeys `turn` and `finish` on standard input.
//
// A burst is ordered only when every subscriber has all of the one before: so a server cannot fold two bursts into one write, and
// the number of messages per flush is what the case says.

import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { connectControl } from '../lib/control.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { quantile } from '../lib/stats.mjs';
import { dialectOf } from './dialects.mjs';
import { FIRST_SEQ, isPayloadOf } from './payload.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system
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
const dialect = dialectOf(plan.system);
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

const sums = {
  deliveries: 0,
  windowSeconds: 0,
  serverCpuSeconds: 0,
  serverSystemSeconds: 0,
  loadCpuSeconds: 0,
  othersSeconds: 0,
  receivedBytes: 0,
  pacedSeconds: 0,
  pacedOthersSeconds: 0,
  lateBursts: 0,
  checked: 0,
};

const control = await connectControl(plan.controlPort);
for (let from = 0; from < plan.subscribers; from += HANDSHAKES_AT_ONCE) {
  const to = Math.min(from + HANDSHAKES_AT_ONCE, plan.subscribers);
  await Promise.all(Array.from({ length: to - from }, (_, index) => subscribe(from + index)));
}
await burstsFor(plan.warmUpMs);
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'turn') {
    await turn();
    say({ done: true });
  } else {
    say(await finish());
  }
}
for (const socket of sockets) socket.end();
control.end();

async function turn() {
  const before = snapshot(await control.usage());
  await burstsFor(plan.windowMs);
  const between = snapshot(await control.usage());
  isPaced = true;
  sums.lateBursts += await pacedBursts();
  isPaced = false;
  const after = snapshot(await control.usage());

  const window = difference(before, between);
  sums.deliveries += window.published * plan.subscribers;
  sums.windowSeconds += window.seconds;
  sums.serverCpuSeconds += window.serverCpuSeconds;
  sums.serverSystemSeconds += window.serverSystemSeconds;
  sums.loadCpuSeconds += window.cpuSeconds;
  sums.othersSeconds += window.othersSeconds;
  sums.receivedBytes += window.receivedBytes;
  const paced = difference(between, after);
  sums.pacedSeconds += paced.seconds;
  sums.pacedOthersSeconds += paced.othersSeconds;
}

/** @returns {Promise<Outcome>} */
async function finish() {
  await new Promise((resolve) => setTimeout(resolve, REPEATS_WAIT_MS));
  const short = received.findIndex((count) => count !== published);
  if (short !== -1) fail(new Error(`subscriber ${short} has ${received[short]} of ${published} messages`));
  const { rssBytes } = await control.usage();
  const sorted = Float64Array.from(latencies).sort();
  return {
    deliveries: sums.deliveries,
    windowSeconds: sums.windowSeconds,
    serverCpuSeconds: sums.serverCpuSeconds,
    serverSystemSeconds: sums.serverSystemSeconds,
    loadCpuSeconds: sums.loadCpuSeconds,
    othersBusy: sums.othersSeconds / sums.windowSeconds,
    othersBusyPaced: sums.pacedOthersSeconds / sums.pacedSeconds,
    bytesPerDelivery: sums.receivedBytes / sums.deliveries,
    latencyP50Ms: quantile(sorted, 0.5),
    latencyP99Ms: quantile(sorted, 0.99),
    latencyMaxMs: quantile(sorted, 1),
    lateBursts: sums.lateBursts,
    checked: sums.checked,
    rssBytes,
  };
}

/** @param {object} answer */
function say(answer) {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** What is wrong is wrong for good: the process ends, and with it the bench. @param {Error} error @returns {never} */
function fail(error) {
  process.stderr.write(`${plan.system}: ${error.message}\n`);
  process.exit(1);
}

/** @param {import('../lib/control.mjs').Usage} server */
function snapshot(server) {
  const { user, system } = process.cpuUsage();
  const receivedBytes = sockets.reduce((sum, socket) => sum + socket.receivedBytes, 0);
  const machineCpuSeconds = cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys, 0) / 1e3;
  return {
    server,
    atMs: performance.now(),
    cpuSeconds: (user + system) / 1e6,
    machineCpuSeconds,
    published,
    receivedBytes,
  };
}

/**
 * @param {ReturnType<typeof snapshot>} before
 * @param {ReturnType<typeof snapshot>} after
 */
function difference(before, after) {
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const serverCpuSeconds = after.server.cpuSeconds - before.server.cpuSeconds;
  return {
    seconds: (after.atMs - before.atMs) / 1e3,
    cpuSeconds,
    serverCpuSeconds,
    serverSystemSeconds: after.server.systemSeconds - before.server.systemSeconds,
    // Signed: the machine counts in steps of 10 ms, which cancel out over the turns.
    othersSeconds: after.machineCpuSeconds - before.machineCpuSeconds - cpuSeconds - serverCpuSeconds,
    published: after.published - before.published,
    receivedBytes: after.receivedBytes - before.receivedBytes,
  };
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
  const isSampled = index % SAMPLE_STRIDE === 0;
  return new Promise((resolve) => {
    sockets[index] = new RawWebSocket({
      port: plan.port,
      path: dialect.path,
      ...(dialect.subprotocol === undefined ? {} : { subprotocol: dialect.subprotocol }),
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
  const payloads = dialect.decode(text);
  const isRight = payloads.every((payload, index) => isPayloadOf(payload, FIRST_SEQ + had + index));
  if (payloads.length !== count || !isRight) throw new Error(`wrong content: ${text.slice(0, 300)}`);
  sums.checked += count;
}
