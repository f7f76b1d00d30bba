// Socket.IO's own client. Its waits are those of Trunkline's: any part of 500, 1,000, then 2,000 ms. (Its jitter of 1 spreads a delay over 0 to
// twice of it, so it begins at 250.)

import { io } from 'socket.io-client';

/** @type {import('../load.mjs').OpenClient} */
export function openClient({ port, room, received }) {
  const socket = io(`http://127.0.0.1:${port}`, {
    transports: ['websocket'],
    // Each client has a connection of its own.
    forceNew: true,
    auth: { room },
    reconnectionDelay: 250,
    reconnectionDelayMax: 2_000,
    randomizationFactor: 1,
  });
  socket.on('m', received);
  return { isLive: () => socket.connected, close: () => void socket.disconnect() };
}
