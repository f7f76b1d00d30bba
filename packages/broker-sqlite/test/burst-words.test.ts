// The words of a burst: what the writing side reads is what the calling side was given, however much of it is the same as before.

import type { NewEntry, Retention } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { appendsOf, type BurstCall, Bursts, MAX_BURST } from '../src/bursts.js';
import type { KeptThread } from '../src/kept-thread.js';
import type { WriterCall } from '../src/messages.js';
import { PendingRun } from '../src/pending-run.js';

const TOLD = { stored: () => {}, refused: () => {} };

/** Bursts whose calls do not leave. */
function unsent(): { bursts: Bursts; calls: readonly BurstCall[] } {
  const calls: BurstCall[] = [];
  const link = {
    call: (call: BurstCall) => void calls.push(call),
    get newestUnsent() {
      return calls.at(-1);
    },
  };
  const settle = { stored: () => {}, refused: () => {} };
  return { bursts: new Bursts(link as unknown as KeptThread<WriterCall>, () => 'epoch', settle), calls };
}

// Mostly the same, one ahead, and after the one before: what is left out of the words then.
const mostly = <T>(same: T, ...others: readonly T[]) =>
  fc.oneof({ weight: 12, arbitrary: fc.constant(same) }, fc.constantFrom(...others));

const append = fc.record({
  // Whether it is added to the run before, if it goes on with it.
  grows: fc.boolean(),
  stream: mostly('orders/1' as StreamName, 'orders/2' as StreamName),
  at: mostly(1, 2),
  user: mostly<string | null>('"ada"', '"bob"', null),
  owner: mostly<string | undefined>('ada', 'bob', undefined),
  producer: mostly<string | undefined>('ada/p1', '"p1', undefined),
  step: mostly(1, 0, 2),
  after: mostly<'before' | number>('before', 0, 1),
  retain: mostly<Retention | null>(null, { entries: 5 }, { bytes: 9 }),
  outbox: mostly(false, true),
});

it('say every append as it was called', () => {
  fc.assert(
    fc.property(fc.array(append, { maxLength: 60 }), (appends) => {
      const { bursts, calls } = unsent();
      const expected: unknown[] = [];
      let seq = 10;
      let last = null as { readonly run: PendingRun; readonly like: string } | null;
      for (const { grows, stream, at, user, owner, producer, step, after, retain, outbox } of appends) {
        const before = producer === undefined ? 0 : after === 'before' ? seq : after;
        seq += step;
        const entry: NewEntry = {
          ...{ at, data: `${seq}`, user },
          ...(owner === undefined ? {} : { owner }),
          ...(producer === undefined ? {} : { source: { producer, seq } }),
        };
        const like = JSON.stringify([stream, at, user, owner, producer, retain, outbox]);
        const isNext = producer !== undefined && step === 1 && before === seq - 1 && last?.like === like;
        if (!(grows && isNext && last !== null && bursts.add(last.run, entry.data))) {
          last = { run: new PendingRun(stream, entry, outbox, TOLD), like };
          bursts.append(last.run, retain, before);
        }
        const key = producer?.startsWith('"') ? JSON.stringify(producer) : (producer ?? null);
        expected.push({
          ...{ type: 'append', stream, newEpoch: 'epoch' },
          entries: [at, `${seq}`, user, key, producer === undefined ? null : seq, owner ?? null],
          ...(retain === null ? {} : { retain }),
          ...(before === 0 ? {} : { after: before }),
          ...(outbox ? { outbox } : {}),
        });
      }
      expect(calls.flatMap((call) => [...appendsOf(structuredClone(call))])).toEqual(expected);
    }),
    { numRuns: 500 },
  );
});

it.each([MAX_BURST, MAX_BURST + 1])('are those of %i appends, in calls that are not too large', (count) => {
  const { bursts, calls } = unsent();
  for (let seq = 1; seq <= count; seq += 1) {
    const entry: NewEntry = { at: 1, data: `${seq}`, user: null, source: { producer: 'p', seq } };
    bursts.append(new PendingRun('orders/1' as StreamName, entry, false, TOLD), null, seq - 1);
  }
  expect(calls.map((call) => call.count)).toEqual(count === MAX_BURST ? [MAX_BURST] : [MAX_BURST, 1]);
  // All of the first, then a word for each.
  expect(calls[0]?.words.length).toBe(11 + MAX_BURST - 1);
});

it('a run grows while it is the last one and has not left, and up to a call', () => {
  const { bursts, calls } = unsent();
  const runOf = (producer: string): PendingRun => {
    const entry: NewEntry = { at: 1, data: '1', user: null, source: { producer, seq: 1 } };
    const run = new PendingRun('orders/1' as StreamName, entry, false, TOLD);
    bursts.append(run, null, 0);
    return run;
  };
  const [first, second] = [runOf('p'), runOf('q')];
  expect(bursts.add(first, '2')).toBe(false);
  for (let count = 2; count < MAX_BURST; count += 1) expect(bursts.add(second, `${count}`)).toBe(true);
  expect(bursts.add(second, 'more')).toBe(false);
  expect(calls.map(({ count }) => count)).toEqual([MAX_BURST]);
  const third = runOf('q');
  (calls as BurstCall[]).push({ type: 'burst', words: [], count: 0 });
  expect(bursts.add(third, 'left')).toBe(false);
  expect([first, second, third].map(({ data }) => data.length)).toEqual([1, MAX_BURST - 1, 1]);
});
