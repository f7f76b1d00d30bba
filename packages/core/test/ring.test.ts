// The newest entries, within a bound of bytes.

import { describe, expect, it } from 'vitest';
import { Ring } from '../src/ring.js';
import { encodeItem } from '../src/slice.js';

const item = (bytes: number, at = 0, offset = at + 1) => ({ offset, text: 'x'.repeat(bytes), bytes, at, amends: 0 });
const ring = (bytesMax: number, sizes: readonly number[], start = 0) => {
  const made = new Ring(start, bytesMax);
  for (const [index, size] of sizes.entries()) made.push(item(size, index, start + index + 1));
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

describe('amendments', () => {
  const entry = (offset: number, text: string) =>
    encodeItem({
      offset,
      at: offset,
      user: '"ada"',
      data: JSON.stringify(text),
      source: { producer: 'ada/p', seq: offset },
    });
  const record = (offset: number, of: number, text?: string) => {
    const amends =
      text === undefined ? { offset: of } : { offset: of, data: JSON.stringify(text), state: '{"editedAt":9}' };
    return [encodeItem({ offset, at: offset, user: null, data: 'null', amends }), amends] as const;
  };
  const textOf = (made: Ring) =>
    made
      .slicesFrom(made.start, 7, 'e')
      .map(({ text }) => text)
      .join('');
  const bytesOf = (made: Ring) =>
    made
      .slicesFrom(made.start, 7, 'e')
      .flatMap(({ text }) => (JSON.parse(text) as { items: object[] }).items)
      .reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)), 0);

  it('AMD-4: leave nothing of what they replaced, and count the bytes of what is there', () => {
    const made = new Ring(0, 10_000);
    made.push(entry(1, 'a secret'));
    made.push(entry(2, 'other'));
    made.amend(...record(3, 1, 'another secret'));
    expect(textOf(made)).toContain('"data":"another secret","editedAt":9}');
    expect(bytesOf(made)).toBe(made.bytes);
    // One that was read after a later one says nothing, and neither does the one before it.
    made.amend(...record(4, 1));
    made.amend(...record(5, 1, 'harmless'));
    expect(textOf(made)).not.toContain('secret');
    expect(textOf(made)).toContain(
      '{"offset":1,"at":1,"user":"ada","producer":"p","seq":1,"data":"harmless","editedAt":9}',
    );
    expect(textOf(made)).toContain('{"offset":3,"at":3,"amends":{"offset":1}}');
    expect(bytesOf(made)).toBe(made.bytes);
    expect([made.back(0), made.back(1), made.back(2), made.back(3)]).toEqual([5, 1, 0, undefined]);
    expect([0, 1, 2, 5].map((offset) => made.entriesAfter(offset))).toEqual([2, 1, 0, 0]);
  });

  it('of entries that the ring does not hold are held like any item', () => {
    const made = new Ring(10, 10_000);
    made.amend(...record(11, 3, 'old'));
    made.amend(...record(12, 3, 'older'));
    expect(textOf(made)).not.toContain('"old"');
    expect(made.back(1)).toBeUndefined();
  });

  it('grow the ring, which lets go of its oldest items', () => {
    const made = new Ring(0, 300);
    made.push(entry(1, 'x'));
    made.push(entry(2, 'y'));
    made.amend(...record(3, 2, 'z'.repeat(100)));
    expect(made.bytes).toBeLessThanOrEqual(300);
    expect(made.start).toBe(2);
  });
});
