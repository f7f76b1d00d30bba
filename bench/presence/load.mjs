// The load process: all members and watchers of one server. In a turn every member joins and, when every watcher has counted all of them,
// every member leaves, until every watcher counts none.

import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { addWindow, emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';
import { dialectOf } from './dialects.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system
 * @property {number} port
 * @property {number} controlPort
 * @property {number} members
 * @property {number} watchers
 */

/**
 * @typedef {object} Outcome
 * @property {number} changes Joins and leaves.
 * @property {number} windowSeconds
 * @property {number} serverCpuSeconds
 * @property {number} loadCpuSeconds
 * @property {number} othersBusy
 * @property {number} bytesPerWatcher For each join or leave.
 */

const HANDSHAKES_AT_ONCE = 50;
/** Members say so in each pass of the event loop. */
const AT_ONCE = 200;
/** Members that come and go before anything counts. */
const WARM_UP = 500;
const STALL_MS = 60_000;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const dialect = dialectOf(plan.system);
/** @type {RawWebSocket[]} */
const members = [];
/** @type {RawWebSocket[]} */
const watchers = [];
/** What each watcher counts. */
const counts = new Array(plan.watchers).fill(0);
let wanted = -1;
let missing = 0;
/** @type {() => void} */
let complete = () => undefined;
const windows = emptyWindow();
let changes = 0;
let watcherBytes = 0;

const control = await connectControl(plan.controlPort);
await openAll(plan.watchers, (index) => watch(index));
await openAll(plan.members, (index) => member(index));
await wave(true, WARM_UP);
await wave(false, WARM_UP);
await obey({ turn, finish });
for (const socket of [...members, ...watchers]) socket.end();
control.end();

async function turn() {
  const before = snapshot(await control.usage());
  const bytesBefore = bytes();
  await wave(true);
  await wave(false);
  addWindow(windows, windowBetween(before, snapshot(await control.usage())));
  changes += 2 * plan.members;
  watcherBytes += bytes() - bytesBefore;
}

/** @returns {Promise<Outcome>} */
async function finish() {
  return {
    changes,
    windowSeconds: windows.seconds,
    serverCpuSeconds: windows.serverCpuSeconds,
    loadCpuSeconds: windows.loadCpuSeconds,
    othersBusy: windows.othersSeconds / windows.seconds,
    bytesPerWatcher: watcherBytes / plan.watchers / changes,
  };
}

function bytes() {
  return watchers.reduce((sum, socket) => sum + socket.receivedBytes, 0);
}

/** Members join, or leave. @param {boolean} isJoin @param {number} [most] */
async function wave(isJoin, most = plan.members) {
  const crowd = Math.min(most, plan.members);
  wanted = isJoin ? crowd : 0;
  missing = counts.filter((count) => count !== wanted).length;
  const stalled = setTimeout(() => {
    failLoad(plan.system, new Error(`${missing} watchers do not count ${wanted}: ${counts.slice(0, 5)}`));
  }, STALL_MS);
  const done = new Promise((resolve) => {
    complete = () => resolve(undefined);
  });
  for (let from = 0; from < crowd; from += AT_ONCE) {
    const to = Math.min(from + AT_ONCE, crowd);
    for (let index = from; index < to; index += 1) {
      members[index]?.send(isJoin ? dialect.join(`m${index}`) : dialect.leave);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await done;
  clearTimeout(stalled);
}

/** @param {number} count @param {(index: number) => Promise<void>} open */
async function openAll(count, open) {
  for (let from = 0; from < count; from += HANDSHAKES_AT_ONCE) {
    const to = Math.min(from + HANDSHAKES_AT_ONCE, count);
    await Promise.all(Array.from({ length: to - from }, (_, index) => open(from + index)));
  }
}

/** @param {number} index @returns {Promise<void>} */
function member(index) {
  return new Promise((resolve) => {
    members[index] = open(`m${index}`, (socket, text) => {
      const { isReady, reply } = dialect.other(text);
      if (reply !== undefined) socket.send(reply);
      if (isReady) resolve();
    });
  });
}

/** @param {number} index @returns {Promise<void>} */
function watch(index) {
  return new Promise((resolve) => {
    watchers[index] = open(`w${index}`, (socket, text) => {
      const before = counts[index];
      const count = dialect.count(text, before);
      if (count !== before) {
        counts[index] = count;
        if (before === wanted) missing += 1;
        if (count === wanted) missing -= 1;
        if (missing === 0) complete();
        return;
      }
      const { isReady, reply, isWatching } = dialect.other(text);
      if (reply !== undefined) socket.send(reply);
      if (isReady) socket.send(dialect.watch);
      if (isWatching) resolve();
    });
  });
}

/** @param {string} user @param {(socket: RawWebSocket, text: string) => void} heard */
function open(user, heard) {
  return new RawWebSocket({
    port: plan.port,
    path: dialect.path,
    ...(dialect.subprotocol === undefined ? {} : { subprotocol: dialect.subprotocol }),
    opened: (socket) => {
      const hello = dialect.hello(user);
      if (hello !== null) socket.send(hello);
    },
    text: (socket, from, start, end) => heard(socket, from.toString('latin1', start, end)),
    failed: (error) => failLoad(plan.system, error),
  });
}
