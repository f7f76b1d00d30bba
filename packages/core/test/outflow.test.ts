// What counts as on its way, and how the window follows the receiver. The clock and the connection are fakes.

import { describe, expect, it } from 'vitest';
import { MAX_UNTAKEN_BYTES, MAX_WINDOW_BYTES, MIN_WINDOW_BYTES, Outflow, SLOW_WINDOW_BYTES } from '../src/outflow.js';
import { FakeClock } from './support/fake-clock.js';
import { FakeConnection } from './support/fake-connection.js';

function outflowOf(reports = true) {
  const clock = new FakeClock();
  const connection = new FakeConnection();
  const outflow = new Outflow(connection, clock);
  if (reports) outflow.expectReports();
  return { clock, connection, outflow };
}

/** One that was sent so much, and has not reported any of it. */
function sent(bytes: number) {
  const parts = outflowOf();
  parts.outflow.send('x'.repeat(bytes));
  return parts;
}

describe('what is on its way', () => {
  it('is counted in bytes of UTF-8, for one peer and for many', () => {
    const { outflow, connection } = outflowOf();
    outflow.send('aä€😀');
    expect(outflow.onTheirWayBytes).toBe(10);
    outflow.sendShared({ text: 'ä', bytes: 2, wire: null });
    expect(outflow.onTheirWayBytes).toBe(12);
    expect(connection.texts).toEqual(['aä€😀', 'ä']);
    expect(outflow.seen(9)).toBeNull();
    expect([outflow.onTheirWayBytes, outflow.seenBytes]).toEqual([3, 9]);
  });

  it('is nothing for a receiver that does not report', () => {
    const { outflow, connection } = outflowOf(false);
    outflow.send('x'.repeat(2 * MAX_WINDOW_BYTES));
    expect(outflow.onTheirWayBytes).toBe(0);
    expect(outflow.isFull(1)).toBe(false);
    expect(outflow.seen(1)).toContain('did not name');
    connection.bufferedBytes = MAX_UNTAKEN_BYTES;
    expect(outflow.isFull(1)).toBe(false);
    connection.bufferedBytes = MAX_UNTAKEN_BYTES + 1;
    expect(outflow.isFull(1)).toBe(true);
  });

  it.each([
    [99, null, 99],
    [100, null, 100],
    [101, 'seen: 101 bytes are more than the 100 that were sent', 50],
    [50, null, 50],
    [49, null, 50],
    [0, null, 50],
  ])('after 50 of 100 bytes a report of %i: %s', (bytes, problem, seen) => {
    const { outflow } = sent(100);
    expect(outflow.seen(50)).toBeNull();
    expect(outflow.seen(bytes)).toBe(problem);
    expect(outflow.seenBytes).toBe(seen);
  });
});

describe('the window', () => {
  it.each([
    [MIN_WINDOW_BYTES - 1, MIN_WINDOW_BYTES, false],
    [MIN_WINDOW_BYTES, MIN_WINDOW_BYTES, true],
    [MIN_WINDOW_BYTES, MIN_WINDOW_BYTES + 1, false],
    [999, 1_000, false],
    [1_000, 1_000, true],
  ])('with %i bytes on their way and at least %i wide, is full: %s', (bytes, least, isFull) => {
    expect(sent(bytes).outflow.isFull(least)).toBe(isFull);
  });

  it('does not hide a socket that takes nothing', () => {
    const { outflow, connection } = sent(10);
    connection.bufferedBytes = MAX_UNTAKEN_BYTES + 1;
    expect(outflow.isFull(MIN_WINDOW_BYTES)).toBe(true);
  });

  it.each([
    [32_768, MIN_WINDOW_BYTES],
    [32_769, MIN_WINDOW_BYTES + 2],
    [200_000, 400_000],
    [524_287, MAX_WINDOW_BYTES - 2],
    [524_288, MAX_WINDOW_BYTES],
    [900_000, MAX_WINDOW_BYTES],
  ])('is twice what was processed: %i bytes give %i', (bytes, window) => {
    const { outflow } = sent(1_000_000);
    outflow.seen(bytes);
    expect(outflow.windowBytes(MIN_WINDOW_BYTES)).toBe(window);
  });

  it.each([
    [0, 400_000],
    [249, 400_000],
    [250, 400_000],
    // The span is over: it counts as far as it lies within the last 250 ms.
    [350, 240_000],
    [499, MIN_WINDOW_BYTES],
    [500, MIN_WINDOW_BYTES],
    [3_600_000, MIN_WINDOW_BYTES],
    // Somebody set the clock back.
    [-1, MIN_WINDOW_BYTES],
  ])('%i ms after 200,000 bytes were processed it is %i', (ms, window) => {
    const { outflow, clock } = sent(1_000_000);
    outflow.seen(200_000);
    clock.jumpMs(ms);
    expect(outflow.windowBytes(MIN_WINDOW_BYTES)).toBe(window);
  });

  it('follows a steady receiver, whatever the place of its reports in the spans', () => {
    for (const everyMs of [1, 7, 40, 125]) {
      const { outflow, clock } = sent(50_000_000);
      // 1 MB a second: 500,000 bytes are what it processes in half a second.
      for (let bytes = 0; bytes < 3_000_000; ) {
        clock.advanceMs(everyMs);
        bytes += 1_000 * everyMs;
        outflow.seen(bytes);
        if (bytes > 600_000) {
          const window = outflow.windowBytes(MIN_WINDOW_BYTES);
          expect(window).toBeGreaterThan(500_000 - 2_000 * everyMs);
          expect(window).toBeLessThanOrEqual(500_000 + 2_000 * everyMs);
        }
      }
    }
  });

  it('begins anew after a pause, and after the clock was set back', () => {
    for (const ms of [10_000, -10_000]) {
      const { outflow, clock } = sent(400_000);
      outflow.seen(400_000);
      clock.jumpMs(ms);
      outflow.send('x'.repeat(600_000));
      outflow.seen(450_000);
      expect(outflow.windowBytes(MIN_WINDOW_BYTES)).toBe(100_000);
      clock.jumpMs(100);
      outflow.seen(500_000);
      expect(outflow.windowBytes(MIN_WINDOW_BYTES)).toBe(200_000);
    }
  });

  it.each([
    [250, 400_000],
    [251, 398_406],
    [500, 200_000],
    [1_000, 100_000],
    [60_000, 4_096],
  ])('is not opened by one large message that took %i ms: %i', (ms, window) => {
    const { outflow, clock } = sent(200_000);
    clock.advanceMs(ms);
    outflow.seen(200_000);
    expect(outflow.windowBytes(4_096)).toBe(window);
    // It counts from the report before, if something was on its way then …
    outflow.send('x'.repeat(300_000));
    clock.advanceMs(ms);
    outflow.seen(400_000);
    if (ms > 500) expect(outflow.windowBytes(4_096)).toBe(window);
    // … and from when it was sent, if nothing was.
    outflow.seen(500_000);
    clock.advanceMs(10_000);
    outflow.send('x'.repeat(200_000));
    clock.advanceMs(ms);
    outflow.seen(700_000);
    expect(outflow.windowBytes(4_096)).toBe(window);
  });

  it.each([
    [400, false],
    [401, true],
  ])('a receiver whose report took %i ms is slow: %s', (ms, isSlow) => {
    const { outflow, clock } = sent(10_000);
    clock.advanceMs(ms);
    outflow.seen(10_000);
    outflow.send('x'.repeat(SLOW_WINDOW_BYTES - 1));
    expect(outflow.isFullForNewest(4_096)).toBe(false);
    outflow.send('x');
    expect(outflow.isFullForNewest(4_096)).toBe(isSlow);
    expect(outflow.isFull(4_096)).toBe(false);
  });

  it.each([
    [149, false],
    [150, true],
  ])('one that was slow and takes %i ms goes on being so: %s', (ms, isSlow) => {
    const { outflow, clock } = sent(10_000);
    clock.advanceMs(1_000);
    outflow.seen(10_000);
    outflow.send('x'.repeat(2_000));
    clock.advanceMs(ms);
    outflow.seen(12_000);
    outflow.send('x'.repeat(2_000));
    expect(outflow.isFullForNewest(4_096)).toBe(isSlow);
  });

  it('reads no clock for a receiver that is not behind', () => {
    const { outflow, clock } = sent(MIN_WINDOW_BYTES - 1);
    const before = clock.nowMs();
    clock.costMs = 1;
    for (let n = 0; n < 1_000; n++) outflow.isFull(MIN_WINDOW_BYTES);
    clock.costMs = 0;
    expect(clock.nowMs()).toBe(before);
  });
});
