// The memory broker as the contract suite wants it.

import type { BrokerWorld } from '../src/contract/index.js';
import { memoryBroker } from '../src/index.js';

export function memoryWorld(): BrokerWorld {
  let nowMs = 1_700_000_000_000;
  let epochs = 0;
  const broker = memoryBroker({ nowMs: () => nowMs, randomEpoch: () => `epoch-${++epochs}` });
  return {
    broker,
    advanceMs: (ms) => {
      nowMs += ms;
    },
    close: () => broker.close(),
  };
}
