// The newest entries, within a bound of bytes.

import { describe, expect, it } from 'vitest';
import { Ring } from '../src/ring.js';

const item = (bytes: number, at = 0) => ({ text: 'x'.repeat(bytes), bytes, at });
const ring = (bytesMax: number, sizes: readonly number[], start = 0) => {
  const made = new Ring(start, bytesMax);
  for (const [index, size] of sizes.entries()) made.push(item(size, index));
  return made;
};

describe('a ring', () => {
  it.each([
    [99, 2],
    [100, 1],
    [101, 1],
  ])('of %i bytes drops the oldest of two items of 50 before one of 50 only if it must', (bytesMax, start) => {
    expect(ring(bytesMax, [50, 50]).start).toBe(start === 2 ? 1 : 0);
    expect(ring(bytesMax, [50, 50, 50])).toMatchObject({ start, end: 3 });
  });

  it('keeps the newest item even if it is larger', () => {
    expect(ring(10, [5, 5, 100])).toMatchObject({ start: 2, end: 3, bytes: 100 });
  });

  it('holds any number of items that passed through it in its bound', () => {
    const made = ring(
      1_000,
      Array.from({ length: 10_000 }, () => 10),
      7,
    );
    expect(made).toMatchObject({ start: 9_907, end: 10_007, bytes: 1_000 });
    expect(made.atOf(9_907)).toBeUndefined();
    expect(made.atOf(9_908)).toBe(9_900);
    expect(made.atOf(10_007)).toBe(9_999);
    expect(made.atOf(10_008)).toBeUndefined();
  });

  it('gives the same slices to the same question until something is pushed', () => {
    const made = ring(1_000, [10, 10]);
    const slices = made.slicesFrom(1, 7, 'e');
    expect(made.slicesFrom(1, 7, 'e')).toBe(slices);
    made.push(item(10));
    expect(made.slicesFrom(1, 7, 'e')).not.toBe(slices);
  });

  it('forgets slices when cursors at many places have asked: they would hold it many times over', () => {
    const made = ring(
      10_000,
      Array.from({ length: 100 }, () => 100),
    );
    const first = made.slicesFrom(0, 7, 'e');
    for (let from = 1; from < 100; from++) made.slicesFrom(from, 7, 'e');
    expect(made.slicesFrom(0, 7, 'e')).not.toBe(first);
  });
});
