// The load process of `resume`: lean clients that do what Trunkline's client does when a link is lost (the same waits, the same first
// message, each subscription from its own position), on raw sockets: 10,000 real ones in one process would be busier than the server. Started by arm.mjs with its
// plan as JSON. `finish` waits until all are live again.

import { failLoad, obey } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';
import { steadyMs } from '../lib/steady.mjs';
import { isLineOf, MISSED, roomOf, SEEN } from './app.mjs';

/** @typedef {{ port: number, clients: number, rooms: number, patienceMs: number }} Plan */
/**
 * @typedef {object} Outcome
 * @property {number} allLiveMs When the last one was live again, by `steadyMs`.
 * @property {number} firstLiveMs
 * @property {number} lostEntries
 * @property {number} repeatedEntries
 * @property {number} dials
 * @property {number} cpuSeconds Since the links were lost.
 */

const CONNECTS_AT_ONCE = 100;
/** As in the client package: any part of a bound that doubles. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 2_000;

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad('trunkline', error);

let live = 0;
let repeated = 0;
let dials = 0;
let firstLiveMs = 0;
let allLiveMs = 0;
let isEnding = false;
/** @type {() => void} */
let onAllLive = () => undefined;
/** @type {{ cpu: NodeJS.CpuUsage } | null} */
let lostLinks = null;

class Client {
  /** @type {RawWebSocket | null} */
  socket = null;
  offset = 0;
  /** Entries that a slice or a gap passed over. */
  lost = 0;
  #epoch = '';
  #at = 0;
  #room;
  #isLive = false;
  #attempts = 0;

  /** @param {number} index */
  constructor(index) {
    this.#room = roomOf(index, plan.rooms);
  }

  dial() {
    dials += 1;
    let isOver = false;
    this.socket = new RawWebSocket({
      port: plan.port,
      path: '/line',
      subprotocol: 'trunkline.v1.json',
      opened: (socket) => socket.send(this.#greeting()),
      text: (socket, bytes, start, end) => {
        for (const line of bytes.toString('utf8', start, end).split('\n')) this.#heard(socket, JSON.parse(line));
      },
      failed: (error) => {
        // A wrong message is no lost link.
        if (!isLoss(error)) fail(error);
        if (isOver) return;
        isOver = true;
        this.#lost();
      },
    });
  }

  #greeting() {
    const after = this.#epoch === '' ? {} : { after: { epoch: this.#epoch, offset: this.offset, at: this.#at } };
    const subscribe = { type: 'subscribe', id: 1, stream: `chat/${this.#room}`, ...after, last: SEEN };
    return `{"type":"hello","version":1,"features":[]}\n${JSON.stringify(subscribe)}`;
  }

  /** @param {RawWebSocket} socket @param {any} message */
  #heard(socket, message) {
    switch (message.type) {
      case 'welcome':
        return;
      case 'ping':
        return socket.send('{"type":"pong"}');
      case 'ok':
        this.#epoch = message.epoch;
        if (this.offset === 0) this.offset = message.from;
        return;
      case 'entries':
        return this.#slice(message);
      case 'gap':
        this.lost += message.to - this.offset;
        this.offset = message.to;
        return;
      case 'synced':
        if (message.to !== this.offset) throw new Error(`synced at ${message.to}, the last entry was ${this.offset}`);
        return this.#nowLive();
      default:
        throw new Error(`trunkline said ${JSON.stringify(message)}`);
    }
  }

  /** @param {{ from: number, items: { offset: number, at: number, data: unknown }[] }} slice */
  #slice({ items }) {
    for (const { offset, at, data } of items) {
      if (!isLineOf(data, this.#room, offset)) throw new Error(`entry ${offset} reads ${JSON.stringify(data)}`);
      if (offset <= this.offset) {
        repeated += 1;
        continue;
      }
      this.lost += offset - this.offset - 1;
      this.offset = offset;
      this.#at = at;
    }
  }

  #nowLive() {
    this.#isLive = true;
    this.#attempts = 0;
    live += 1;
    allLiveMs = steadyMs();
    if (live === 1) firstLiveMs = allLiveMs;
    if (live === plan.clients) onAllLive();
  }

  #lost() {
    if (isEnding) return;
    if (this.#isLive) {
      this.#isLive = false;
      live -= 1;
      lostLinks ??= { cpu: process.cpuUsage() };
    }
    const waitMs = Math.random() * Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#attempts);
    this.#attempts += 1;
    setTimeout(() => this.dial(), waitMs);
  }
}

const clients = Array.from({ length: plan.clients }, (_, index) => new Client(index));
for (let first = 0; first < clients.length; first += CONNECTS_AT_ONCE) {
  const some = clients.slice(first, first + CONNECTS_AT_ONCE);
  for (const client of some) client.dial();
  await until(() => live === first + some.length);
}
await obey({
  // The server is gone: `turn` waits until each client has noticed.
  turn: async () => {
    await until(() => live === 0);
    firstLiveMs = 0;
  },
  finish,
});
isEnding = true;
for (const { socket } of clients) socket?.end();

/** @returns {Promise<Outcome>} */
async function finish() {
  const late = setTimeout(() => fail(new Error(`${live} of ${plan.clients} are live`)), plan.patienceMs);
  await new Promise((resolve) => {
    onAllLive = () => resolve(undefined);
    if (live === plan.clients) resolve(undefined);
  });
  clearTimeout(late);
  const { user, system } = process.cpuUsage(lostLinks?.cpu);
  return {
    allLiveMs,
    firstLiveMs,
    lostEntries: clients.reduce((sum, { offset, lost }) => sum + lost + SEEN + MISSED - offset, 0),
    repeatedEntries: repeated,
    dials,
    cpuSeconds: (user + system) / 1e6,
  };
}

/** @param {Error} error */
function isLoss(error) {
  const { code } = /** @type {NodeJS.ErrnoException} */ (error);
  return code !== undefined || error.message === 'the server closed a connection';
}

/** @param {() => boolean} isSo */
async function until(isSo) {
  const endMs = steadyMs() + plan.patienceMs;
  while (!isSo()) {
    if (steadyMs() > endMs) fail(new Error(`${live} of ${plan.clients} are live`));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
