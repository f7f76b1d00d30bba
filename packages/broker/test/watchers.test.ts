import type { StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { type Advance, Watchers } from '../src/index.js';

const ROOM = 'chat/lobby' as StreamName;
const advance = (to: number): Advance => ({ stream: ROOM, epoch: 'e', from: to - 1, to });

/** What nobody caught while `work` ran and everything it caused was delivered. */
async function uncaughtDuring(work: () => void): Promise<unknown[]> {
  const uncaught: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => uncaught.push(reason));
  try {
    work();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const other of others) process.on('unhandledRejection', other);
  }
  return uncaught;
}

describe('watchers', () => {
  it('an error of one is not caught, and the others still hear everything in order', async () => {
    const watchers = new Watchers();
    const before: number[] = [];
    const after: number[] = [];
    watchers.add(ROOM, ({ to }) => before.push(to));
    watchers.add(ROOM, ({ to }) => {
      throw new Error(`at ${to}`);
    });
    watchers.add(ROOM, ({ to }) => after.push(to));
    const uncaught = await uncaughtDuring(() => {
      for (const to of [1, 2, 3]) watchers.announce(advance(to));
    });
    expect(uncaught.map(String)).toEqual(['Error: at 1', 'Error: at 2', 'Error: at 3']);
    expect([before, after]).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it('knows whether anybody listens', () => {
    const watchers = new Watchers();
    const [first, second] = [watchers.add(ROOM, () => {}), watchers.add(ROOM, () => {})];
    first();
    expect(watchers.has(ROOM)).toBe(true);
    second();
    expect(watchers.has(ROOM)).toBe(false);
  });

  it('delivers nothing after clear, and those who come later hear again', async () => {
    const watchers = new Watchers();
    const heard: number[] = [];
    const close = watchers.add(ROOM, ({ to }) => heard.push(to));
    watchers.announce(advance(1));
    watchers.clear();
    watchers.add(ROOM, ({ to }) => heard.push(to));
    watchers.announce(advance(2));
    close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toEqual([2]);
  });
});
