import { describe, expect, it } from 'vitest';
import { Assembly } from '../src/assembly.js';
import { OPCODE_BINARY } from '../src/frame.js';
import { fc } from './support/property.js';

const UNKNOWN = Number.POSITIVE_INFINITY;

function add(assembly: Assembly, bytes: Buffer, expected: number): void {
  expect(assembly.add(bytes, 0, bytes.length, 0, expected)).toBe(true);
}

describe('an assembly', () => {
  it('holds at most twice what it was given, or 256 bytes, and never more than the message will have', () => {
    const pieces = fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(pieces, fc.boolean(), (sizes, isKnown) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const assembly = new Assembly(OPCODE_BINARY, false);
        for (const [index, size] of sizes.entries()) {
          add(assembly, Buffer.alloc(size, index), isKnown ? total : UNKNOWN);
          const held = assembly.bytes.buffer.byteLength;
          expect(held).toBeLessThanOrEqual(Math.max(256, 2 * assembly.length));
          if (isKnown) expect(held).toBeLessThanOrEqual(Math.max(256, total));
        }
        const whole = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index)));
        expect(whole.equals(assembly.finish() as Buffer)).toBe(true);
      }),
    );
  });

  it('does not move a message whose first piece was half of it', () => {
    for (const [first, rest] of [
      [65_522, 14],
      [500, 500],
    ] as const) {
      const assembly = new Assembly(OPCODE_BINARY, false);
      add(assembly, Buffer.alloc(first), first + rest);
      const memory = assembly.bytes.buffer;
      add(assembly, Buffer.alloc(rest), first + rest);
      expect(assembly.bytes.buffer).toBe(memory);
    }
  });

  it('moves a message in ever larger steps', () => {
    const assembly = new Assembly(OPCODE_BINARY, false);
    const memories = new Set<ArrayBufferLike>();
    for (let index = 0; index < 1_000; index++) {
      add(assembly, Buffer.alloc(1_000), UNKNOWN);
      memories.add(assembly.bytes.buffer);
    }
    expect(memories.size).toBeLessThanOrEqual(11);
  });
});
