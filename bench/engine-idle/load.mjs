// The load process of `engine-idle`: opens the connections, each of which says one thing and then nothing. Started by bench.mjs with
// its plan as JSON.

import { runIdleLoad } from '../lib/idle-load.mjs';
import { failLoad } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';

/** @typedef {import('../lib/idle-load.mjs').IdlePlan & { system: string }} Plan `system`: for errors. */

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);

await runIdleLoad(
  plan,
  (number) => echoOnce(`connection ${String(number).padStart(9)}`),
  // A connection that is closed meanwhile fails the bench, so all of them are open here.
  async (sockets) => {
    if (sockets.length !== plan.connections) fail(new Error(`${sockets.length} connections are open`));
  },
);

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
