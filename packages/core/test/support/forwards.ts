// A broker that hands each call on, to be spread where some calls do something else.

import type { Broker } from '@trunkline/broker';

export const forwards = (broker: Broker): Broker => ({
  append: (...args) => broker.append(...args),
  amend: (...args) => broker.amend(...args),
  tail: (...args) => broker.tail(...args),
  lookup: (...args) => broker.lookup(...args),
  read: (...args) => broker.read(...args),
  readBack: (...args) => broker.readBack(...args),
  change: (...args) => broker.change(...args),
  readRows: (...args) => broker.readRows(...args),
  readRow: (...args) => broker.readRow(...args),
  expire: () => broker.expire(),
  begin: (...args) => broker.begin(...args),
  recall: (...args) => broker.recall(...args),
  finish: (...args) => broker.finish(...args),
  watch: (...args) => broker.watch(...args),
  remove: (...args) => broker.remove(...args),
  lease: (...args) => broker.lease(...args),
  close: () => broker.close(),
});
