// Publishes that share rows are found each by its own seq, and nothing else is.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Connection } from '../src/database.js';
import { PublishRuns } from '../src/publish-runs.js';
import { CREATE_SCHEMA } from '../src/schema.js';

const PRODUCERS = [1, 2, 3];
const MAX_SEQ = 80;
const step = fc.record({
  producer: fc.constantFrom(...PRODUCERS),
  count: fc.integer({ min: 1, max: 12 }),
  // Seqs that were left out, what others stored in between, time that went by, a commit.
  left: fc.constantFrom(0, 0, 0, 1, 3),
  others: fc.constantFrom(0, 0, 0, 1, 5),
  ms: fc.constantFrom(0, 0, 0, 1),
  commits: fc.boolean(),
});

function open() {
  const db = new Connection(':memory:');
  db.exec(CREATE_SCHEMA);
  return { db, runs: new PublishRuns(db) };
}

it('finds what was stored, whoever stored in between, and nothing that was left out', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 14 }), (steps) => {
      const { db, runs } = open();
      const stored = new Map<string, readonly [offset: number, at: number]>();
      const last = new Map<number, number>();
      let [offset, at] = [0, 1_763_650_000_000];
      for (const { producer, count, left, others, ms, commits } of steps) {
        offset += others;
        at += ms;
        let seq = (last.get(producer) ?? 0) + left;
        for (let index = 0; index < count && seq < MAX_SEQ; index += 1) {
          seq += 1;
          offset += 1;
          runs.add({ producer, seq, offset, at, count: 1 });
          stored.set(`${producer} ${seq}`, [offset, at]);
          last.set(producer, seq);
        }
        if (commits) runs.flush();
      }
      for (const producer of PRODUCERS) {
        expect(runs.last(producer)).toBe(last.get(producer) ?? 0);
        for (let seq = 1; seq <= MAX_SEQ + 1; seq += 1) {
          expect(runs.find(producer, seq)).toEqual(stored.get(`${producer} ${seq}`));
        }
      }
      expect(Number(db.value('SELECT total(count) FROM publishes'))).toBe(stored.size);
      db.close();
    }),
  );
});

it('a burst is one row', () => {
  const { db, runs } = open();
  for (let seq = 1; seq <= 1_000; seq += 1) runs.add({ producer: 7, seq, offset: 500 + seq, at: 1, count: 1 });
  runs.flush();
  const row = db.query('SELECT producer, seq, offset, at, count FROM publishes').rows([]);
  expect(row).toEqual([[7, 1, 501, 1, 1_000]]);
  db.close();
});

it('of which some come together too', () => {
  const { db, runs } = open();
  for (const [seq, count] of [
    [1, 3],
    [4, 1],
    [5, 40],
  ] as const)
    runs.add({ producer: 7, seq, offset: 500 + seq, at: 1, count });
  runs.add({ producer: 7, seq: 46, offset: 546, at: 1, count: 2 });
  runs.flush();
  const rows = db.query('SELECT producer, seq, offset, at, count FROM publishes').rows([]);
  expect(rows).toEqual([
    [7, 1, 501, 1, 44],
    [7, 46, 546, 1, 2],
  ]);
  db.close();
});

it('what its transaction took with it is not stored with the next one', () => {
  const { db, runs } = open();
  runs.add({ producer: 7, seq: 1, offset: 1, at: 1, count: 1 });
  runs.clear();
  runs.add({ producer: 7, seq: 2, offset: 2, at: 1, count: 1 });
  expect([runs.find(7, 1), runs.find(7, 2)]).toEqual([undefined, [2, 1]]);
  db.close();
});
