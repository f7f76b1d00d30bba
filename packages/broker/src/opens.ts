// An optional power of brokers: those that have something to open can be asked whether that worked.

import type { Broker } from './broker.js';

/** A broker that opens something (a file, a connection) after it was made. */
export interface Opens {
  /**
   * Resolves when the broker can serve, rejects with what prevents it. A broker that could not open rejects every call with
   * `BrokerUnavailableError`, so a server asks first: `if (opens(broker)) await broker.ready()`.
   */
  ready(): Promise<void>;
}

/** Whether the broker has to be opened. */
export function opens(broker: Broker): broker is Broker & Opens {
  return typeof (broker as Partial<Opens>).ready === 'function';
}
