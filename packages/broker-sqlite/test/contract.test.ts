import { brokerContract } from '@trunkline/broker/contract';
import { describe, it } from 'vitest';
import { sqliteWorld } from './world.js';

const { cases } = brokerContract({
  make: sqliteWorld,
  skip: { "a watch hears of another node's appends": 'one broker at a time can use a file' },
});

describe('the SQLite broker keeps the contract', () => {
  for (const { name, run } of cases) it(name, run);
});
