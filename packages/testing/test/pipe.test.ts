// One direction of a simulated connection: what arrives, when, and what waits where.

import { beforeEach, describe, expect, it } from 'vitest';
import { type Conditions, Pipe, Random, Simulator } from '../src/index.js';

const CONDITIONS: Conditions = {
  latencyMs: 50,
  jitterMs: 0,
  bytesPerMs: 100,
  kernelBytes: 4_000,
  frozenUntilMs: 0,
  splitRatio: 0,
};

let simulator: Simulator;
let arrived: { readonly atMs: number; readonly bytes: number }[];
let text: string;
let drains: number;
let ends: number;

beforeEach(() => {
  simulator = new Simulator();
  arrived = [];
  text = '';
  drains = 0;
  ends = 0;
});

function open(conditions: Partial<Conditions> = {}): Pipe {
  return new Pipe(
    simulator,
    new Random(1),
    { ...CONDITIONS, ...conditions },
    {
      received: (chunk) => {
        arrived.push({ atMs: simulator.nowMs, bytes: chunk.length });
        text += chunk.toString();
      },
      drained: () => {
        drains += 1;
      },
      ended: () => {
        ends += 1;
      },
      reads: () => true,
    },
  );
}

describe('a pipe', () => {
  it('delivers after latency and by bandwidth', async () => {
    open().write(Buffer.alloc(1_000));
    await simulator.run(1_000);
    expect(arrived).toEqual([{ atMs: 60, bytes: 1_000 }]);
  });

  it('keeps the order over jitter and splits, and loses nothing', async () => {
    const pipe = open({ jitterMs: 40, splitRatio: 0.7 });
    const words = Array.from({ length: 200 }, (_, index) => `${index} `);
    for (const [index, word] of words.entries()) simulator.at(index, () => pipe.write(Buffer.from(word)));
    simulator.at(300, () => pipe.end());
    await simulator.run(10_000);
    expect(text).toBe(words.join(''));
    expect(ends).toBe(1);
  });

  it('takes what its kernels hold; the rest waits with the writer until somebody reads', async () => {
    const pipe = open();
    pipe.pause();
    pipe.write(Buffer.alloc(10_000));
    await simulator.run(1_000);
    expect([pipe.takenBytes, pipe.queuedBytes, drains]).toEqual([4_000, 6_000, 0]);
    pipe.resume();
    await simulator.run(2_000);
    expect([pipe.takenBytes, pipe.queuedBytes, drains]).toEqual([10_000, 0, 1]);
    expect(arrived.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(10_000);
  });

  it('holds everything while it is frozen', async () => {
    open({ frozenUntilMs: 5_000 }).write(Buffer.from('late'));
    await simulator.run(4_999);
    expect(text).toBe('');
    await simulator.run(6_000);
    expect(text).toBe('late');
  });

  it('that went silent takes what its kernel has room for, and delivers none of it', async () => {
    const pipe = open();
    pipe.silence();
    pipe.write(Buffer.alloc(3_000));
    pipe.write(Buffer.alloc(3_000));
    await simulator.run(10_000);
    expect(arrived).toEqual([]);
    // The second one does not fit, and is not taken by crumbs.
    expect([pipe.takenBytes, pipe.queuedBytes]).toEqual([3_000, 3_000]);
  });

  it('can be cut in the middle of what it carries', async () => {
    const pipe = open();
    let isCut = false;
    pipe.cutAfter(5, () => {
      isCut = true;
      pipe.stop();
    });
    pipe.write(Buffer.from('0123456789'));
    await simulator.run(1_000);
    expect([text, isCut]).toEqual(['01234', true]);
  });
});
