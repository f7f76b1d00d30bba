import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokerContract, type Command, runCommands, seeded, withFlakyNotifications } from '../src/contract/index.js';
import { memoryWorld } from './world.js';

const KEEPS_NOTHING = 'memory does not outlive the broker';
const skip = {
  "a watch hears of another node's appends": 'memory is not shared between processes',
  'after a restart, a reader resumes at every offset of the same epoch': KEEPS_NOTHING,
  'restarted after every append, the log is the same as without': KEEPS_NOTHING,
  'after a restart, sources are remembered, those of trimmed entries too': KEEPS_NOTHING,
  'after a restart, fences are remembered and the tokens of leases go on growing': KEEPS_NOTHING,
  'after a restart, a removed stream is still removed and begins anew': KEEPS_NOTHING,
  'after a restart, a table is the same, and a reader resumes at every offset': KEEPS_NOTHING,
  'after a restart, sources, fences, expiries and the floor of a table are remembered': KEEPS_NOTHING,
  'after a restart, amended entries, their owners and records are the same, and readers resume at every offset':
    KEEPS_NOTHING,
  'after a restart, calls are remembered: begun ones as begun, finished ones with their result': KEEPS_NOTHING,
  'after a restart, what waits still waits, and dead letters are there': KEEPS_NOTHING,
  'after a restart, the bytes that are kept are known': KEEPS_NOTHING,
  'after a restart, a search finds what it found, and what came since': KEEPS_NOTHING,
  'what was accepted before close is there after a restart, and watches work': KEEPS_NOTHING,
};

describe('the memory broker keeps the contract', () => {
  for (const { name, run } of brokerContract({ make: memoryWorld, skip }).cases) it(name, run);
});

describe('with notifications as bad as the port allows, it still keeps the contract', () => {
  const make = () => {
    const world = memoryWorld();
    return { ...world, broker: withFlakyNotifications(world.broker, seeded(7)) };
  };
  const flakySkip = {
    ...skip,
    'nothing is announced before it can be read, nor before watch resolves': 'covered by the broker underneath',
    'a repeat is not a change': 'an overlapping advance is allowed to begin earlier',
  };
  for (const { name, run } of brokerContract({ make, skip: flakySkip }).cases) it(name, run);
});

describe('brokerContract', () => {
  it('refuses to skip what it does not have', () => {
    expect(() => brokerContract({ make: memoryWorld, skip: { 'no such case': 'none' } })).toThrow('no such case');
  });

  it('names what is skipped, and why', () => {
    const { cases, skipped } = brokerContract({ make: memoryWorld, skip });
    expect(skipped).toHaveLength(14);
    expect(cases.map(({ name }) => name)).not.toContain(skipped[0]?.name);
  });
});

it('any sequence of calls gives what a plain array gives', async () => {
  const stream = fc.nat(2);
  const command: fc.Arbitrary<Command> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record(
        {
          do: fc.constant('append' as const),
          stream,
          entries: fc.uniqueArray(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 12 })), {
            maxLength: 5,
            selector: ([producer, seq]) => `${producer}:${seq}`,
          }),
          retain: fc.integer({ min: 1, max: 9 }),
        },
        { requiredKeys: ['do', 'stream', 'entries'] },
      ),
    },
    fc.record(
      {
        do: fc.constant('read' as const),
        stream,
        after: fc.nat(30),
        limit: fc.integer({ min: 1, max: 12 }),
        bytes: fc.nat(300),
      },
      { requiredKeys: ['do', 'stream', 'after', 'limit'] },
    ),
    fc.record({
      do: fc.constant('readBack' as const),
      stream,
      before: fc.nat(30),
      limit: fc.integer({ min: 1, max: 12 }),
    }),
    fc.record({
      do: fc.constant('lookup' as const),
      stream,
      producer: fc.integer({ min: 1, max: 3 }),
      seq: fc.integer({ min: 1, max: 12 }),
    }),
    fc.record({ do: fc.constant('remove' as const), stream }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
      const world = memoryWorld();
      await runCommands(world, commands);
      await world.close();
    }),
    { numRuns: 300 },
  );
});
