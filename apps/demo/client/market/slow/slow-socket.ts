// The browser's WebSocket at the end of a slow link: `connect` takes it in the place of its own. What the client has not been handed it has not seen, and says
// so to the server: that is all the server needs to send no more than the link takes.

import type { OpenSocket, SocketEvents } from '@trunkline/client';
import type { SlowLink } from './slow-link.js';

const encoder = new TextEncoder();

export function slowSocket(link: SlowLink): OpenSocket {
  return (url, protocol, events: SocketEvents) => {
    const socket = new WebSocket(url, protocol);
    socket.onopen = () => events.onOpen();
    socket.onmessage = ({ data }) => {
      const text = typeof data === 'string' ? data : null;
      link.pass(text === null ? 0 : encoder.encode(text).length, () => events.onMessage(text));
    };
    // After all that is still on its way.
    socket.onclose = ({ code, reason, wasClean }) => link.pass(0, () => events.onClose({ code, reason, wasClean }));
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close: (code, reason) => socket.close(code, reason),
    };
  };
}
