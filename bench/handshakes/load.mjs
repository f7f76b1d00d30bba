// The load process of `handshakes`: opens and closes, so many connections at a time. Started by bench.mjs with its plan as JSON.

import { connect } from 'node:net';
import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { RawHandshake } from '../lib/raw-handshake.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {number} port
 * @property {number} controlPort
 * @property {number} atOnce
 * @property {number} warmUpMs
 * @property {number} windowMs
 */

/**
 * Sums over the windows of all turns.
 * @typedef {object} Outcome
 * @property {number} handshakes Opened and closed.
 * @property {number} windowSeconds
 * @property {number} serverCpuSeconds
 * @property {number} serverSystemSeconds The part of them that the kernel used.
 * @property {number} loadCpuSeconds
 * @property {number} othersBusy What other programs used of this machine's cores during the window: 1 is a whole core.
 */

const STALL_MS = 10_000;
/** Requests are made once: computing keys is no part of the bench. */
const HANDSHAKES = 64;
/** 1000, masked with the key 1, 2, 3, 4. */
const CLOSE_FRAME = Buffer.from([0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2]);
const CLOSE_ANSWER = Buffer.from([0x88, 0x02, 0x03, 0xe8]);

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);
const handshakes = Array.from({ length: HANDSHAKES }, () => new RawHandshake({ port: plan.port }));

let started = 0;
let finished = 0;
let lastFinishedMs = performance.now();
let counted = 0;
const windows = emptyWindow();

const control = await connectControl(plan.controlPort);
const watchdog = setInterval(() => {
  if (started !== finished && performance.now() - lastFinishedMs > STALL_MS) {
    fail(new Error(`${started - finished} connections hang`));
  }
}, 1_000);
await connectFor(plan.warmUpMs);
await obey({ turn, finish });
clearInterval(watchdog);
control.end();

async function turn() {
  const before = snapshot(await control.usage());
  const finishedBefore = finished;
  await connectFor(plan.windowMs);
  addWindow(windows, windowBetween(before, snapshot(await control.usage())));
  counted += finished - finishedBefore;
}

/** @returns {Promise<Outcome>} */
async function finish() {
  return {
    handshakes: counted,
    windowSeconds: windows.seconds,
    serverCpuSeconds: windows.serverCpuSeconds,
    serverSystemSeconds: windows.serverSystemSeconds,
    loadCpuSeconds: windows.loadCpuSeconds,
    othersBusy: windows.othersSeconds / windows.seconds,
  };
}

/** Resolves when the last connection has ended. @param {number} durationMs */
async function connectFor(durationMs) {
  const endMs = performance.now() + durationMs;
  lastFinishedMs = performance.now();
  const worker = async () => {
    while (performance.now() < endMs) await openAndClose();
  };
  await Promise.all(Array.from({ length: plan.atOnce }, worker));
}

/** @returns {Promise<void>} */
function openAndClose() {
  const handshake = /** @type {RawHandshake} */ (handshakes[started % HANDSHAKES]);
  started += 1;
  return new Promise((resolve) => {
    const socket = connect({ port: plan.port, host: '127.0.0.1', noDelay: true });
    /** What came and was not yet understood. @type {Buffer} */
    let bytes = Buffer.alloc(0);
    let isOpen = false;
    let isClosed = false;
    socket.on('connect', () => socket.write(handshake.request));
    socket.on('data', (/** @type {Buffer} */ chunk) => {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      if (!isOpen) {
        const end = check(() => handshake.check(bytes, bytes.length));
        if (end === 0) return;
        isOpen = true;
        bytes = bytes.subarray(end);
        socket.write(CLOSE_FRAME);
      }
      if (bytes.length < CLOSE_ANSWER.length) return;
      if (isClosed || !bytes.equals(CLOSE_ANSWER)) fail(new Error(`not the close frame: ${bytes.toString('hex')}`));
      isClosed = true;
    });
    socket.on('error', fail);
    // The server ends first (RFC 6455 §7.1.1); then the socket ends by itself.
    socket.on('close', () => {
      if (!isClosed) fail(new Error('a connection ended without its close frame'));
      finished += 1;
      lastFinishedMs = performance.now();
      resolve();
    });
  });
}

/**
 * @template T
 * @param {() => T} work
 */
function check(work) {
  try {
    return work();
  } catch (error) {
    return fail(/** @type {Error} */ (error));
  }
}
