// Many readers over real sockets, among them one that is slow and some that take nothing: the others do not notice, what is on
// its way to those stays within the window though the kernel would take all of it, and in the end they have everything.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Reader } from './support/reader.js';

const isDeep = process.env.TRUNKLINE_DEEP === '1';
const READERS = isDeep ? 1_000 : 150;
const ROUNDS = isDeep ? 300 : 150;
const STALLED = 10;
const ENTRY_BYTES = 4_000;
const SLOW_BYTES_PER_SECOND = 8_192;
/** The smallest window and one slice. */
const MOST_ON_THE_WAY = 131_072;
/** V8's heap and the allocator keep what they had once; what is published to those who take nothing is more in the long form. */
const MOST_GROWTH_BYTES = 64 * 1_048_576;

let child: ChildProcess;
let port = 0;
let published = 0;
const readers: Reader[] = [];

beforeAll(async () => {
  child = fork(new URL('./support/feed-child.mjs', import.meta.url), { execArgv: ['--expose-gc'] });
  const [message] = (await once(child, 'message')) as [{ port: number }];
  port = message.port;
  for (let n = 0; n < READERS; n++) readers.push(await Reader.join(port, 'feed'));
}, 240_000);
afterAll(async () => {
  for (const { socket } of readers) socket.destroy();
  const exit = once(child, 'exit');
  child.disconnect();
  await exit;
});

async function residentBytes(): Promise<number> {
  const answer = once(child, 'message');
  child.send({});
  const [{ rss }] = (await answer) as [{ rss: number }];
  return rss;
}

function reached(some: readonly Reader[], offset: number, each: () => void = () => {}): Promise<void> {
  return new Promise((resolve) => {
    let left = some.length;
    for (const reader of some) {
      const look = () => {
        if (reader.cursor < offset) return;
        reader.onCursor = undefined;
        each();
        left -= 1;
        if (left === 0) resolve();
      };
      reader.onCursor = look;
      look();
    }
  });
}

/** Publishes in rounds, each when all of `some` have the one before; gives percentiles of all deliveries, in milliseconds. */
async function rounds(count: number, some: readonly Reader[], between: () => void = () => {}) {
  const latencies: number[] = [];
  for (let n = 0; n < count; n++) {
    const began = performance.now();
    published += 1;
    child.send({ publish: 1, bytes: ENTRY_BYTES });
    await reached(some, published, () => latencies.push(performance.now() - began));
    between();
  }
  latencies.sort((a, b) => a - b);
  const percentile = (part: number) => latencies[Math.floor(latencies.length * part)] ?? 0;
  return { median: percentile(0.5), p99: percentile(0.99) };
}

describe(`FLO-2: a slow reader and ${STALLED} that take nothing, among ${READERS}`, () => {
  it('are held at the window, cost the others nothing, and get every entry in order', {
    timeout: 180_000,
  }, async () => {
    await rounds(20, readers);
    const alone = await rounds(ROUNDS, readers);
    const before = await residentBytes();

    const slow = await Reader.join(port, 'feed');
    const stalled: Reader[] = [];
    for (let n = 0; n < STALLED; n++) stalled.push(await Reader.join(port, 'feed'));
    const held = [slow, ...stalled];
    readers.push(...held);
    for (const reader of held) {
      reader.isThorough = true;
      reader.hold();
    }
    const heldFrom = performance.now();
    const taken = slow.takenBytes;
    // As much as its rate allows by now: that paces it, and nothing waits for it.
    const together = await rounds(ROUNDS, readers.slice(0, READERS), () => {
      const allowed = ((performance.now() - heldFrom) * SLOW_BYTES_PER_SECOND) / 1_000;
      slow.takeBytes(Math.max(0, Math.floor(taken + allowed - slow.takenBytes)));
    });
    expect(slow.cursor).toBeLessThan(published);
    const after = await residentBytes();
    expect(after - before).toBeLessThan(MOST_GROWTH_BYTES);

    // What they had not processed: all that comes until the answer to a ping.
    for (const reader of held) {
      reader.reports = false;
      const unprocessed = reader.processedBytes;
      reader.release();
      await reader.barrier();
      expect(reader.processedBytes - unprocessed).toBeLessThan(MOST_ON_THE_WAY + 1_000);
      expect(reader.cursor).toBeLessThan(published);
    }
    for (const reader of held) {
      reader.reports = true;
      reader.report();
    }
    await reached(held, published);
    const alongside = await rounds(ROUNDS, readers);
    // Printed, so that a run shows more than that it passed.
    const figures = { alone, together, alongside };
    process.stdout.write(`in ms, ${READERS} readers: ${JSON.stringify(figures)}; grown by ${after - before} bytes\n`);
    // The median: those who took nothing would hold up every round. What else the machine does holds up some.
    expect(together.median).toBeLessThan(3 * Math.max(alone.median, alongside.median) + 50);
  });
});
