// An optional power of brokers: those that open, or can fail as a whole, such as one whose worker thread dies, say so when asked.

import type { Broker } from './broker.js';

/**
 * `starting`: it opens, and calls wait for that; or it lost a part of itself and starts it again, and calls wait or reject with
 * `BrokerUnavailableError` · `ready`: calls are served · `failed`: it could not open, could not get back what it lost, or was closed; calls
 * reject with `BrokerUnavailableError`, and only a new broker helps.
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
