// Appends of one turn travel together. Each is answered and told as if it had come alone: as by the memory broker.

import { join } from 'node:path';
import { type Advance, type Broker, memoryBroker, type NewEntry } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_BURST } from '../src/bursts.js';
import { openSqliteBroker } from '../src/index.js';
import { temporaryFolder } from './world.js';

const STREAMS = ['chat/lobby', 'chat/"quoted"', 'orders/1'] as StreamName[];

const call = fc.record({
  stream: fc.constantFrom(...STREAMS),
  // Of the turn before, now and then: what comes in one turn travels together.
  waits: fc.constantFrom(false, false, false, false, true),
  user: fc.constantFrom(null, '"ada"', '"bob"'),
  producer: fc.constantFrom(undefined, 'p1', 'p2', '"p\u0000'),
  seq: fc.integer({ min: 1, max: 12 }),
  at: fc.integer({ min: 1, max: 3 }),
  after: fc.constantFrom(undefined, undefined, undefined, 3),
  retain: fc.constantFrom(undefined, undefined, { entries: 1_000 }, { entries: 1_000, ageMs: 1e12 }),
  does: fc.constantFrom('one', 'one', 'one', 'one', 'one', 'two', 'fenced', 'removes'),
  // So many more follow it, each with the next seq and after the one before, as a client's burst does: some are repeats, some come too late.
  follow: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 9 })),
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

async function run(broker: Broker, calls: readonly Call[]): Promise<unknown> {
  const told: unknown[] = [];
  const watches = STREAMS.map((name) =>
    broker.watch(name, ({ stream, from, to, entries }: Advance) => void told.push({ stream, from, to, entries })),
  );
  await Promise.all(watches);
  const results: Promise<unknown>[] = [];
  for (const [index, { stream, waits, does, user, producer, seq, at, after, retain, follow }] of calls.entries()) {
    if (waits) await Promise.allSettled(results);
    const source = producer === undefined ? {} : { source: { producer, seq } };
    const entry: NewEntry = { at, data: `${index}`, user, ...source };
    const options = {
      ...(after === undefined || producer === undefined ? {} : { after }),
      ...(retain === undefined ? {} : { retain }),
      ...(does === 'fenced' ? { fence: index } : {}),
    };
    if (does === 'removes') results.push(broker.remove(stream));
    else {
      const entries = does === 'two' ? [entry, { at, data: '"second"', user: null }] : [entry];
      results.push(broker.append(stream, entries, options).then(({ appended }) => appended));
    }
    if (does !== 'one') continue;
    for (let next = seq + 1; next <= seq + follow; next += 1) {
      const one: NewEntry = { at, data: `"${index} é \\u0000 ${next}"`, user };
      const sent = producer === undefined ? one : { ...one, source: { producer, seq: next } };
      const before = producer === undefined ? {} : { after: next - 1 };
      results.push(broker.append(stream, [sent], { ...options, ...before }).then(({ appended }) => appended));
    }
  }
  const settled = (await Promise.allSettled(results)).map((result) =>
    result.status === 'fulfilled' ? result.value : (result.reason as Error).name,
  );
  const pages = await Promise.all(
    STREAMS.map(async (name) => (await broker.read(name, { epoch: null, offset: 0 }, { entries: 1_000 })).entries),
  );
  await broker.close();
  return { settled, pages, told: STREAMS.map((name) => told.filter((one) => (one as Advance).stream === name)) };
}

it('what becomes of each is what the memory broker makes of it', async () => {
  const folder = temporaryFolder();
  let file = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(call, { maxLength: 40 }), async (calls) => {
      file += 1;
      const nowMs = () => 1_000;
      const sqlite = await run(await openSqliteBroker(join(folder.path, `${file}.db`), { nowMs }), calls);
      expect(sqlite).toEqual(await run(memoryBroker({ nowMs }), calls));
    }),
    { numRuns: 25 },
  );
  folder.remove();
}, 240_000);

it.each([MAX_BURST - 1, MAX_BURST, MAX_BURST + 1, 2 * MAX_BURST + 1])('%i in one turn', async (count) => {
  const folder = temporaryFolder();
  let calls = 0;
  const broker = await openSqliteBroker(join(folder.path, 'many.db'), {
    onGroup: (group) => {
      calls += group.calls;
      expect(group.entries).toBe(group.calls);
    },
  });
  const name = STREAMS[0] as StreamName;
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const results = await Promise.all(numbers.map((at) => broker.append(name, [{ at, data: `${at}`, user: null }])));
  expect(results.map(({ appended: [one] }) => [one?.offset, one?.at])).toEqual(numbers.map((at) => [at, at]));
  expect(new Set(results.map(({ epoch }) => epoch)).size).toBe(1);
  expect(calls).toBe(count);
  await broker.close();
  folder.remove();
});
