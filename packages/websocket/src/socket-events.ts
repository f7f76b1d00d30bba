/** What happens on a connection is told to the handler of its socket: one object for all connections. */
import type { ConnectionEvents } from './connection-options.js';
import type { NodeSocket } from './node-socket.js';

export const SOCKET_EVENTS: ConnectionEvents<NodeSocket<unknown>> = {
  message: (socket, data) => socket.handler.message?.(socket, data),
  ping: (socket, payload) => socket.handler.ping?.(socket, payload),
  pong: (socket, payload) => socket.handler.pong?.(socket, payload),
  failed: (socket, error) => socket.handler.error?.(socket, error),
  closed: (socket, code, reason, wasClean) => {
    socket.owner.socketClosed(socket);
    socket.handler.close?.(socket, code, reason, wasClean);
  },
  later: (socket, work) => socket.doLater(work),
};
