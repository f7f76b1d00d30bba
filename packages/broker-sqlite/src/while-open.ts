// A lease of a broker that may be closed meanwhile.

import type { Lease } from '@trunkline/broker';

/** The same lease, whose calls reject once `mustBeOpen` throws. */
export function whileOpen(lease: Lease, mustBeOpen: () => void): Lease {
  return {
    token: lease.token,
    renew: async () => {
      mustBeOpen();
      return lease.renew();
    },
    release: async () => {
      mustBeOpen();
      return lease.release();
    },
  };
}
