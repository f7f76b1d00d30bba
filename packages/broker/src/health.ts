// An optional power of brokers: those that can fail for good, such as one whose worker thread died, say so when asked.

import type { Broker } from './broker.js';

/**
 * `starting`: calls wait until it is open · `ready`: calls are served · `failed`: it could not open, lost a part
 * of itself, or was closed; calls reject with `BrokerUnavailableError`, and only a new broker helps.
 */
export type BrokerHealth = 'starting' | 'ready' | 'failed';

/** A broker that knows how it is. */
export interface ReportsHealth {
  /** Read at each probe of a load balancer, so it answers from memory. A full disk, which may get room again, is no failure. */
  readonly health: BrokerHealth;
}

/** Whether the broker has this power. */
export function reportsHealth(broker: Broker): broker is Broker & ReportsHealth {
  return (broker as Partial<ReportsHealth>).health !== undefined;
}
