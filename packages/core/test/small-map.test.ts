// A map for few keys is a map, on both sides of the size at which it changes its form.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SmallMap } from '../src/small-map.js';

const key = fc.integer({ min: 0, max: 12 });
const step = fc.oneof(
  fc.record({ set: key, value: fc.integer().map((value) => ({ value })) }),
  fc.record({ set: key, value: fc.integer().map((value) => ({ value })) }),
  fc.record({ remove: key }),
);

it('any changes leave what they leave in a Map', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const small = new SmallMap<number, object>();
      const map = new Map<number, object>();
      for (const one of steps) {
        if ('set' in one) {
          small.set(one.set, one.value);
          map.set(one.set, one.value);
        } else expect(small.delete(one.remove)).toBe(map.delete(one.remove));
        expect([...small]).toEqual([...map]);
        expect([...small.keys()]).toEqual([...map.keys()]);
        expect([...small.values()]).toEqual([...map.values()]);
        expect(small.size).toBe(map.size);
        for (let index = 0; index <= 12; index += 1) {
          expect(small.has(index)).toBe(map.has(index));
          expect(small.get(index)).toBe(map.get(index));
        }
      }
    }),
  );
});

it.each([1, 2, 3, 8, 9])('of %i pairs, those deleted while it is walked are not met', (count) => {
  const map = new SmallMap<number, object>();
  for (let index = 0; index < count; index += 1) map.set(index, { index });
  const met: number[] = [];
  for (const [index] of map) {
    met.push(index);
    map.delete(index + 1);
    map.set(100 + index, {});
  }
  expect(met).toEqual(Array.from({ length: count }, (_, index) => index).filter((index) => index % 2 === 0));
});
