// A client of `polling` on a WebSocket: Trunkline's own for Node.

import { connect } from '@trunkline/client/node';

/** @type {import('./load.mjs').OpenClient} */
export function openSubscriber({ port, token, room, received }) {
  const line = connect(`ws://127.0.0.1:${port}/line`, { token });
  const log = /** @type {any} */ (line.channel).room(String(room));
  let last = 0;
  const close = log.subscribe(
    () => {
      for (const { offset, data } of log.snapshot().entries) {
        if (offset <= last) continue;
        last = offset;
        received(data);
      }
    },
    { last: 1 },
  );
  return { requests: () => 0, close };
}
