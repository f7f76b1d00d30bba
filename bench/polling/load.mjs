// The load process of `polling`: the clients of one arm. Started by bench.mjs with its plan as JSON.

import { subscribe } from 'node:diagnostics_channel';
import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { steadyMs } from '../lib/steady.mjs';
import { emptyWindow, snapshot, windowBetween } from '../lib/window.mjs';
import { Deliveries, shareOf } from '../link-loss/message.mjs';
import { openPoller } from './poller.mjs';
import { openSubscriber } from './subscriber.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {'socket' | 'poll' | 'long-poll'} way
 * @property {number} intervalMs
 * @property {number} port
 * @property {number} controlPort
 * @property {number} clients
 * @property {number} rooms
 * @property {number} messages In the window, to all rooms in turns.
 * @property {number} windowMs
 */
/**
 * @typedef {object} Outcome
 * @property {import('../lib/window.mjs').Window} window
 * @property {number} bytes Both ways, of all clients.
 * @property {number} requests
 * @property {readonly number[]} latencies
 */
/**
 * A client. It is ready when it has heard the first message of its room.
 * @typedef {(options: { port: number, token: string, room: number, intervalMs: number, isLong: boolean,
 *   received: (message: any) => void, failed: (error: Error) => void }) => { requests: () => number, close: () => void }} OpenClient
 */

const PATIENCE_MS = 15_000;
const TICK_MS = 10;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);
const control = await connectControl(plan.controlPort);

/** @type {Set<import('node:net').Socket>} */
const sockets = new Set();
subscribe('net.client.socket', (message) => {
  sockets.add(/** @type {{ socket: import('node:net').Socket }} */ (message).socket);
});

control.order(`rate ${(plan.messages * 1e3) / plan.windowMs}`);
control.order(`warm ${plan.rooms}`);
/** @type {number[]} */
let latencies = [];
let outcome = /** @type {Outcome} */ ({ window: emptyWindow(), bytes: 0, requests: 0, latencies: [] });
const open = plan.way === 'socket' ? openSubscriber : openPoller;
const clients = Array.from({ length: plan.clients }, (_, index) => {
  const room = index % plan.rooms;
  const deliveries = new Deliveries();
  const { port, intervalMs, way } = plan;
  const received = (/** @type {import('../link-loss/message.mjs').Message} */ message) => {
    latencies.push(deliveries.take(message, steadyMs()));
  };
  const handle = open({
    port,
    intervalMs,
    isLong: way === 'long-poll',
    token: `c${index}`,
    room,
    received,
    failed: fail,
  });
  return { room, deliveries, handle };
});
await until(() => clients.every(({ deliveries }) => deliveries.last === 1));
await obey({ turn, finish: async () => outcome });
for (const { handle } of clients) handle.close();
control.end();

async function turn() {
  const requestsBefore = sum(({ handle }) => handle.requests());
  latencies = [];
  const before = snapshot(await control.usage());
  const bytesBefore = bytes();
  const endMs = steadyMs() + plan.windowMs;
  control.order(`publish ${plan.messages}`);
  await until(() => steadyMs() > endMs && clients.every((client) => isServed(client)));
  // A poller's last poll may come late: what it costs counts, and so does the time.
  const window = windowBetween(before, snapshot(await control.usage()));
  const wrong = sum(({ deliveries }) => deliveries.skipped + deliveries.disordered);
  if (wrong > 0) fail(new Error(`${wrong} messages were missing or came again`));
  const requests = sum(({ handle }) => handle.requests()) - requestsBefore;
  outcome = { window, bytes: bytes() - bytesBefore, requests, latencies };
}

/** @param {{ room: number, deliveries: Deliveries }} client */
function isServed({ room, deliveries }) {
  return deliveries.last === 1 + shareOf(plan.messages, plan.rooms, room);
}

function bytes() {
  let total = 0;
  for (const { bytesRead, bytesWritten } of sockets) total += bytesRead + bytesWritten;
  return total;
}

/** @param {(client: (typeof clients)[number]) => number} of */
function sum(of) {
  return clients.reduce((total, client) => total + of(client), 0);
}

/** @param {() => boolean} isSo */
async function until(isSo) {
  const endMs = steadyMs() + plan.windowMs + PATIENCE_MS;
  while (!isSo()) {
    if (steadyMs() > endMs) fail(new Error('some messages did not come'));
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}
