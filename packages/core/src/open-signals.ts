// Subscribing to the signals beside a log: from now on, as nothing is kept.

import type { StreamName } from '@trunkline/protocol';
import type { Session } from './session.js';
import type { Opened } from './session-streams.js';

/** Rejects as the broker does. */
export async function openSignals<Request>(session: Session<Request>, name: StreamName): Promise<Opened> {
  const { hub, signals } = session.engine;
  const stream = await hub.openSignals(name, signals);
  return {
    stream,
    begin: () => {
      const cursor = hub.subscribeSignals(stream, session.outflow);
      return { cursor, from: 0, start: () => cursor.start() };
    },
  };
}
