// The load process of `idle`: opens the connections, which subscribe and say nothing more. Started by bench.mjs with its plan as JSON.

import { dialectOf } from '../fanout/dialects.mjs';
import { FIRST_SEQ, isPayloadOf } from '../fanout/payload.mjs';
import { runIdleLoad } from '../lib/idle-load.mjs';
import { failLoad } from '../lib/load-process.mjs';
import { RawWebSocket } from '../lib/raw-websocket.mjs';

/** @typedef {import('../lib/idle-load.mjs').IdlePlan & { system: string, dialect: string }} Plan `system`: for errors. */

const DELIVERY_MS = 30_000;
const FIELDS = /** @type {const} */ (['path', 'subprotocol']);

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);
const dialect = dialectOf(plan.dialect);
const handshake = Object.fromEntries(FIELDS.flatMap((name) => (dialect[name] ? [[name, dialect[name]]] : [])));

let delivered = 0;
/** @type {() => void} */
let allDelivered = () => undefined;

// Nobody was forgotten: each gets what is published in the end. A connection that was closed meanwhile has failed the bench.
await runIdleLoad(plan, subscribed, async (sockets, control) => {
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
});

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
