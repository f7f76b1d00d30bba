import { describe, expect, it } from 'vitest';
import { Outbox, room } from '../src/outbox.js';
import { fc } from './support/property.js';

function put(outbox: Outbox, bytes: Uint8Array, reserved = bytes.length): void {
  outbox.reserve(reserved);
  room.target.set(bytes, room.at);
  outbox.commit(bytes.length);
}

/** Takes what waits, as a transport that keeps the bytes would. */
function take(outbox: Outbox): Uint8Array[] {
  const taken = outbox.take();
  if (taken === null) return [];
  return taken instanceof Uint8Array ? [taken] : [...taken];
}

describe('an outbox', () => {
  it('hands out what was put in, in order, however connections and writes are mixed', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({
          do: fc.constant('put' as const),
          who: fc.nat(3),
          bytes: fc.oneof(fc.integer({ min: 0, max: 6_000 }), fc.integer({ min: 10_000, max: 40_000 })),
          spare: fc.nat(500),
        }),
        fc.record({ do: fc.constant('append' as const), who: fc.nat(3), bytes: fc.integer({ min: 1, max: 6_000 }) }),
        fc.record({ do: fc.constant('take' as const), who: fc.nat(3), consumed: fc.boolean() }),
        fc.record({ do: fc.constant('block' as const), who: fc.nat(3), blocked: fc.boolean() }),
      ),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const outboxes = Array.from({ length: 4 }, () => new Outbox());
        const expected: Buffer[][] = outboxes.map(() => []);
        const kept: { parts: Uint8Array[]; expected: Buffer }[] = [];
        let fill = 0;
        for (const step of all) {
          const outbox = outboxes[step.who] as Outbox;
          const waiting = expected[step.who] as Buffer[];
          if (step.do === 'block') {
            outbox.setBlocked(step.blocked);
          } else if (step.do === 'take') {
            const bytes = outbox.bytes;
            const parts = take(outbox);
            const joined = Buffer.concat(waiting.splice(0));
            expect(bytes).toBe(joined.length);
            expect(Buffer.concat(parts).equals(joined)).toBe(true);
            // What a transport still needs must never change.
            if (!step.consumed) kept.push({ parts, expected: joined });
            outbox.settle(step.consumed);
            expect(outbox.bytes).toBe(0);
          } else {
            const bytes = Buffer.alloc(step.bytes, ++fill % 251);
            waiting.push(bytes);
            if (step.do === 'append') outbox.append(bytes);
            else put(outbox, bytes, bytes.length + step.spare);
          }
        }
        for (const [who, outbox] of outboxes.entries()) {
          expect(Buffer.concat(take(outbox)).equals(Buffer.concat(expected[who] as Buffer[]))).toBe(true);
          outbox.settle(false);
        }
        for (const { parts, expected: bytes } of kept) expect(Buffer.concat(parts).equals(bytes)).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('uses memory again once the transport has no use for it', () => {
    const outbox = new Outbox();
    const buffers = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 1_000; turn++) {
      put(outbox, Buffer.alloc(100, turn));
      for (const { buffer } of take(outbox)) buffers.add(buffer);
      outbox.settle(true);
    }
    expect(buffers.size).toBeLessThanOrEqual(2);
  });

  it('uses the memory of a large frame again for the next one that fits, once the transport has no use for it', () => {
    const outbox = new Outbox();
    const memoryOf = (bytes: number, consumed: boolean): ArrayBufferLike => {
      put(outbox, Buffer.alloc(bytes));
      const [taken] = take(outbox);
      expect(taken).toHaveLength(bytes);
      outbox.settle(consumed);
      return (taken as Uint8Array).buffer;
    };
    const first = memoryOf(40_000, true);
    expect(memoryOf(40_000, true)).toBe(first);
    expect(memoryOf(20_000, true)).toBe(first);
    // A slow peer would keep more than twice of what it is counted for.
    expect(memoryOf(19_999, false)).not.toBe(first);
    expect(memoryOf(40_001, false)).not.toBe(first);
    // This one is still the transport's.
    expect(memoryOf(30_000, false)).toBe(first);
    expect(memoryOf(30_000, true)).not.toBe(first);
  });

  it('keeps the memory of one frame of the largest messages by default, and not of larger ones', () => {
    for (const [bytes, isKept] of [
      [1_048_576 + 14, true],
      [1_048_576 + 15, false],
    ] as const) {
      const outbox = new Outbox();
      put(outbox, Buffer.alloc(bytes));
      const [first] = take(outbox);
      outbox.settle(true);
      put(outbox, Buffer.alloc(bytes));
      expect(take(outbox)[0]?.buffer === first?.buffer).toBe(isKept);
      outbox.settle(false);
    }
  });

  it('does not take a shared frame for its own memory, nor the frame of a list', () => {
    const outbox = new Outbox();
    const frame = Buffer.alloc(50_000, 7);
    put(outbox, Buffer.alloc(50_000, 1));
    outbox.append(frame);
    const parts = take(outbox);
    outbox.settle(true);
    outbox.append(frame);
    outbox.take();
    outbox.settle(true);
    put(outbox, Buffer.alloc(50_000, 2));
    outbox.take();
    expect(frame.every((byte) => byte === 7)).toBe(true);
    expect(parts[0]?.every((byte) => byte === 1)).toBe(true);
  });

  it('keeps no shared memory alive for what waits behind a blocked transport', () => {
    const shared = new Outbox();
    put(shared, Buffer.alloc(10));
    const sharedMemory = take(shared)[0]?.buffer;
    const blocked = new Outbox();
    blocked.setBlocked(true);
    for (let index = 0; index < 100; index++) {
      put(blocked, Buffer.alloc(50));
      blocked.append(Buffer.alloc(50));
    }
    const parts = take(blocked);
    expect(parts.some(({ buffer }) => buffer === sharedMemory)).toBe(false);
    expect(new Set(parts.map(({ buffer }) => buffer)).size).toBeLessThanOrEqual(3);
  });

  it('hands out a lone shared frame as it is, also after an own one was taken', () => {
    const outbox = new Outbox();
    put(outbox, Buffer.alloc(5));
    take(outbox);
    outbox.settle(true);
    const frame = Buffer.alloc(5);
    outbox.append(frame);
    expect(outbox.take()).toBe(frame);
  });

  it('forgets what waits', () => {
    const outbox = new Outbox();
    put(outbox, Buffer.alloc(5));
    outbox.append(Buffer.alloc(5));
    outbox.clear();
    expect([outbox.bytes, outbox.take()]).toEqual([0, null]);
  });
});
