// Node's entry: the same client on our own engine.

import { connect as openSocket } from '@trunkline/websocket';
import type { AnyApp, ConnectOptions, Line } from './line.js';
import { openLine } from './open-line.js';
import type { Network, OpenSocket } from './ports.js';

// All but its `connect`, which this file's own hides.
export * from './index.js';

/**
 * `connect` of the browser entry, for Node: on the engine of `@trunkline/websocket`.
 * An open line keeps the process running until its last interest is given up, or `close()`.
 * @throws TypeError if `url` is not absolute.
 */
export function connect<App extends AnyApp = never>(url: string | URL, options?: ConnectOptions): Line<App> {
  const target = new URL(url);
  target.protocol = target.protocol.replace(/^http/, 'ws');
  return openLine<App>({ url: () => target.href, socket: nodeSocket, network: alwaysOnline }, options);
}

/** A slice holds 64 KB or one entry, and a server may allow large ones. */
const MAX_MESSAGE_BYTES = 16 * 1_048_576;
/** A reconnect sends at most 64 publishes a log at once. */
const MAX_BUFFERED_BYTES = 64 * 1_048_576;

const nodeSocket: OpenSocket = (url, protocol, events) => {
  let failure = '';
  const socket = openSocket(url, {
    protocols: [protocol],
    limits: { maxMessageBytes: MAX_MESSAGE_BYTES, maxBufferedBytes: MAX_BUFFERED_BYTES },
    handler: {
      open: () => events.onOpen(),
      message: (_socket, data) => events.onMessage(typeof data === 'string' ? data : null),
      error: (_socket, error) => {
        failure = error.message;
      },
      // A browser may not say why a socket failed; here the reason is known.
      close: (_socket, code, reason, wasClean) => events.onClose({ code, reason: reason || failure, wasClean }),
    },
  });
  return {
    send: (text) => {
      socket.send(text);
    },
    close: (code, reason) => socket.close(code, reason),
  };
};

/** Node does not tell; what is lost is noticed by what is received. */
const alwaysOnline: Network = { isOnline: () => true, listen: () => () => {} };
