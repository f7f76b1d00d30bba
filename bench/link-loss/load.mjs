// One of the load processes of `link-loss`: clients of one system, whose TCP connections it resets. Started by arm.mjs with its plan as JSON.
// The clients are the systems' own; a socket is found by Node's channel that tells of each new one, and belongs to the client in whose
// asynchronous context it was made.

import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';
import { failLoad, obey } from '../lib/load-process.mjs';
import { steadyMs } from '../lib/steady.mjs';
import { Deliveries, shareOf } from './message.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {string} client The module with its `openClient`.
 * @property {number} port
 * @property {number} firstClient Number of the first client of this process among all.
 * @property {number} clients Of this process.
 * @property {number} rooms Of all processes: client `i` is in room `i % rooms`.
 * @property {number} messages After the warm-up, to all rooms in turns.
 * @property {number} lossEveryMs
 * @property {number} durationMs Links are lost during this time.
 * @property {number} settleMs After it, for what is late; not longer than until nothing is missing.
 */

/**
 * @typedef {object} Outcome
 * @property {number} expected
 * @property {number} inOrder
 * @property {number} skipped
 * @property {number} disordered
 * @property {number} resets
 * @property {number} liveInTheEnd
 * @property {number} cpuSeconds
 * @property {number} delayedMs How long a timer of this process came late, at most.
 * @property {readonly number[]} latencies
 */

/** @typedef {(options: { port: number, room: number, received: (message: import('./message.mjs').Message) => void }) => { isLive: () => boolean, close: () => void }} OpenClient */

/**
 * @typedef {object} Client
 * @property {number} room
 * @property {Deliveries} deliveries
 * @property {import('node:net').Socket | null} socket
 * @property {ReturnType<OpenClient> | null} handle
 */

const CONNECTS_AT_ONCE = 50;
const CONNECT_MS = 60_000;
const TICK_MS = 10;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);
const { openClient } = /** @type {{ openClient: OpenClient }} */ (await import(plan.client));

/** @type {AsyncLocalStorage<Client>} */
const owner = new AsyncLocalStorage();
subscribe('net.client.socket', (message) => {
  const { socket } = /** @type {{ socket: import('node:net').Socket }} */ (message);
  const client = owner.getStore();
  if (client === undefined) return fail(new Error('a socket that belongs to no client'));
  client.socket = socket;
});

/** @type {Client[]} */
const clients = [];
/** @type {number[]} */
let latencies = [];
let resets = 0;
let delayedMs = 0;
let cpuSeconds = 0;
let isWarm = false;

for (let first = 0; first < plan.clients; first += CONNECTS_AT_ONCE) {
  const some = Array.from({ length: Math.min(CONNECTS_AT_ONCE, plan.clients - first) }, (_, index) =>
    start((plan.firstClient + first + index) % plan.rooms),
  );
  clients.push(...some);
  await until(() => some.every(({ handle }) => handle?.isLive()), CONNECT_MS, 'clients did not connect');
}
await obey({ turn, finish });
for (const { handle } of clients) handle?.close();

/** @param {number} room @returns {Client} */
function start(room) {
  /** @type {Client} */
  const client = { room, deliveries: new Deliveries(), socket: null, handle: null };
  client.handle = owner.run(client, () =>
    openClient({
      port: plan.port,
      room,
      received: (message) => {
        try {
          latencies.push(client.deliveries.take(message, steadyMs()));
        } catch (error) {
          fail(/** @type {Error} */ (error));
        }
      },
    }),
  );
  return client;
}

/** The first one waits until everybody has the first message of its room, which counts for nothing; in the second one links are lost. */
async function turn() {
  if (isWarm) return loseLinks();
  const isHeard = () => clients.every(({ deliveries }) => deliveries.last === 1);
  await until(isHeard, CONNECT_MS, 'the first message is missing');
  for (const { deliveries } of clients) deliveries.inOrder = 0;
  latencies = [];
  isWarm = true;
}

async function loseLinks() {
  const { user, system } = process.cpuUsage();
  const startMs = steadyMs();
  /** Spread evenly, so that a steady number of links is lost each second. */
  const lostAt = clients.map((_, index) => startMs + (plan.lossEveryMs * (index + Math.random())) / clients.length);
  const endMs = startMs + plan.durationMs;
  for (let nowMs = startMs; nowMs < endMs; ) {
    for (const [index, client] of clients.entries()) {
      if (/** @type {number} */ (lostAt[index]) > nowMs) continue;
      lostAt[index] = /** @type {number} */ (lostAt[index]) + plan.lossEveryMs;
      lose(client);
    }
    await pause(TICK_MS);
    const laterMs = steadyMs();
    delayedMs = Math.max(delayedMs, laterMs - nowMs - TICK_MS);
    nowMs = laterMs;
  }
  const lateMs = steadyMs() + plan.settleMs;
  while (steadyMs() < lateMs && !clients.every((client) => isServed(client))) await pause(TICK_MS);
  const used = process.cpuUsage();
  cpuSeconds = (used.user - user + used.system - system) / 1e6;
}

/** The network is there again at once: only the connection is gone. @param {Client} client */
function lose(client) {
  if (client.socket === null || client.socket.destroyed) return;
  client.socket.resetAndDestroy();
  client.deliveries.linkedMs = steadyMs();
  resets += 1;
}

/** @param {Client} client */
function isServed({ room, deliveries, handle }) {
  return handle?.isLive() === true && deliveries.last === 1 + shareOf(plan.messages, plan.rooms, room);
}

/** @returns {Promise<Outcome>} */
async function finish() {
  const sum = (/** @type {(client: Client) => number} */ of) =>
    clients.reduce((total, client) => total + of(client), 0);
  return {
    expected: sum(({ room }) => shareOf(plan.messages, plan.rooms, room)),
    inOrder: sum(({ deliveries }) => deliveries.inOrder),
    skipped: sum(({ deliveries }) => deliveries.skipped),
    disordered: sum(({ deliveries }) => deliveries.disordered),
    resets,
    liveInTheEnd: sum(({ handle }) => (handle?.isLive() ? 1 : 0)),
    cpuSeconds,
    delayedMs,
    latencies: latencies.map((ms) => Math.round(ms * 1e3) / 1e3),
  };
}

/** @param {() => boolean | undefined} isSo @param {number} deadlineMs @param {string} problem */
async function until(isSo, deadlineMs, problem) {
  const endMs = steadyMs() + deadlineMs;
  while (!isSo()) {
    if (steadyMs() > endMs) fail(new Error(problem));
    await pause(TICK_MS);
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
