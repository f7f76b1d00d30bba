import { describe, expect, it } from 'vitest';
import { applyMask, highBits, rotateKey } from '../src/mask.js';
import { nextMaskKey } from '../src/mask-keys.js';
import { fc } from './support/property.js';

function reference(bytes: Uint8Array, key: number): Uint8Array {
  return bytes.map((byte, index) => byte ^ ((key >>> ((index % 4) * 8)) & 0xff));
}

describe('mask', () => {
  it('XORs with the repeated key at any place of any buffer, and leaves the rest alone', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
        fc.nat(9),
        fc.nat(5),
        (payload, key, before, after) => {
          const memory = new Uint8Array(before + payload.length + after).fill(0x5a);
          memory.set(payload, before);
          const view = memory.subarray(Math.min(1, before));
          const start = before - Math.min(1, before);
          const seen = applyMask(view, start, start + payload.length, key);
          const expected = reference(payload, key);
          expect(memory.subarray(before, before + payload.length)).toEqual(expected);
          expect(memory.subarray(0, before).every((byte) => byte === 0x5a)).toBe(true);
          expect(memory.subarray(before + payload.length).every((byte) => byte === 0x5a)).toBe(true);
          expect(seen !== 0).toBe(expected.some((byte) => byte >= 0x80));
          expect(highBits(memory, before, before + payload.length)).toBe(seen);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('continues in pieces with the rotated key', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), fc.integer(), (payload, cut, key) => {
        const middle = Math.min(cut, payload.length);
        const expected = reference(payload, key | 0);
        const bytes = payload.slice();
        applyMask(bytes, 0, middle, key | 0);
        applyMask(bytes, middle, bytes.length, rotateKey(key | 0, middle));
        expect(bytes).toEqual(expected);
      }),
    );
  });

  it('draws keys that do not repeat in a row', () => {
    const keys = Array.from({ length: 3_000 }, nextMaskKey);
    expect(keys.every((key) => Number.isInteger(key) && key === (key | 0))).toBe(true);
    expect(new Set(keys).size).toBeGreaterThan(2_990);
  });
});
