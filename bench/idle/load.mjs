// The load process of `idle`: opens the connections, which subscribe and say nothing more. Started by bench.mjs with its plan as JSON.

import { dialectOf } from '../fanout/dialects.mjs';
import { FIRST_SEQ, isPayloadOf } from '../fanout/payload.mjs';
import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
 * @property {string} dialect
 * @property {number} port
 * @property {number} controlPort
 * @property {number} connections
 * @property {number} warmUpConnections Opened and cut off before.
 */

/**
 * @typedef {object} Outcome
 * @property {number} connections
 * @property {number} bytesBefore Resident, of the server.
 * @property {number} bytesAfter
 */

/** Few, so that the warm-up itself leaves the server no larger. */
const HANDSHAKES_AT_ONCE = 20;
const DELIVERY_MS = 30_000;
const FIELDS = /** @type {const} */ (['path', 'subprotocol']);

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);
const dialect = dialectOf(plan.dialect);
const handshake = Object.fromEntries(FIELDS.flatMap((name) => (dialect[name] ? [[name, dialect[name]]] : [])));

let delivered = 0;
/** @type {() => void} */
let allDelivered = () => undefined;

const control = await connectControl(plan.controlPort);
await connectAll(plan.warmUpConnections, (socket) => socket.end());
const before = await control.collect();
/** @type {RawWebSocket[]} */
const sockets = [];
await connectAll(plan.connections, (socket) => sockets.push(socket));
const after = await control.collect();

await obey({ turn: async () => undefined, finish });
for (const socket of sockets) socket.end();
control.end();

/** Nobody was forgotten: each gets what is published now. A connection that was closed meanwhile has failed the bench. @returns {Promise<Outcome>} */
async function finish() {
  const late = setTimeout(
    () => fail(new Error(`${delivered} of ${sockets.length} connections got the message`)),
    DELIVERY_MS,
  );
  const arrived = new Promise((resolve) => {
    allDelivered = () => resolve(undefined);
  });
  control.order('burst 1');
  await arrived;
  clearTimeout(late);
  return { connections: plan.connections, bytesBefore: before.rssBytes, bytesAfter: after.rssBytes };
}

/**
 * @param {number} count
 * @param {(socket: RawWebSocket) => void} ready
 */
async function connectAll(count, ready) {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      next += 1;
      ready(await subscribed());
    }
  };
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, worker));
}

/** Opens a connection and resolves when it is subscribed. @returns {Promise<RawWebSocket>} */
function subscribed() {
  let received = 0;
  return new Promise((resolve) => {
    new RawWebSocket({
      port: plan.port,
      path: '/',
      ...handshake,
      opened: (socket) => {
        if (dialect.greeting !== null) socket.send(dialect.greeting);
        if (dialect.isReadyAtOnce) resolve(socket);
      },
      text: (socket, bytes, start, end) => {
        const messages = dialect.count(bytes, start, end, received);
        const text = bytes.toString('utf8', start, end);
        if (messages === 0) {
          const { ready = false, reply } = dialect.other(text);
          if (reply !== undefined) socket.send(reply);
          if (ready) resolve(socket);
          return;
        }
        received += messages;
        if (received > 1 || !isPayloadOf(dialect.decode?.(text)[0], FIRST_SEQ)) throw new Error(`wrong: ${text}`);
        delivered += 1;
        if (delivered === plan.connections) allDelivered();
      },
      failed: fail,
    });
  });
}
