// The client package's Node entry, as a program uses it: a line each, and a log that is open.

import { connect } from '@trunkline/client/node';

/** @type {import('../load.mjs').OpenClient} */
export function openClient({ port, room, received }) {
  /** @type {import('@trunkline/client/node').Line<import('@trunkline/client/node').UntypedApp>} */
  const line = connect(`ws://127.0.0.1:${port}/line`);
  const log = /** @type {any} */ (line.channel).room(String(room));
  let offset = 0;
  log.subscribe(() => {
    const { entries } = log.snapshot();
    let first = entries.length;
    while (first > 0 && entries[first - 1].offset > offset) first -= 1;
    for (const entry of entries.slice(first)) {
      offset = entry.offset;
      received(entry.data);
    }
  });
  return { isLive: () => log.snapshot().state === 'live', close: () => void line.close() };
}
