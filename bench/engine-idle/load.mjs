// The load process of `engine-idle`: opens the connections, each of which says one thing and then nothing. Started by bench.mjs with
// its plan as JSON.

import { connectControl } from '../lib/control.mjs';
import { failLoad, obey } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';

/**
 * @typedef {object} Plan
 * @property {string} system For errors.
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

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);

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

/** A connection that is closed meanwhile fails the bench, so all of them are open here. @returns {Promise<Outcome>} */
async function finish() {
  if (sockets.length !== plan.connections) fail(new Error(`${sockets.length} connections are open`));
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
      ready(await echoOnce(`connection ${String(next).padStart(9)}`));
    }
  };
  await Promise.all(Array.from({ length: HANDSHAKES_AT_ONCE }, worker));
}

/**
 * Opens a connection, sends a text, and checks that it comes back.
 * @param {string} said
 * @returns {Promise<RawWebSocket>}
 */
function echoOnce(said) {
  return new Promise((resolve) => {
    new RawWebSocket({
      port: plan.port,
      path: '/',
      opened: (socket) => socket.send(said),
      text: (socket, bytes, start, end) => {
        const heard = bytes.toString('latin1', start, end);
        if (heard !== said) throw new Error(`"${said}" came back as "${heard}"`);
        resolve(socket);
      },
      failed: fail,
    });
  });
}
