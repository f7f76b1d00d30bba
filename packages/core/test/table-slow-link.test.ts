// What a slow link shows of a table that changes all the time: values as young as the link allows, behind at most the smallest window.

import { expect, it } from 'vitest';
import { MIN_TABLE_WINDOW_BYTES } from '../src/table-subscription.js';
import { QUOTES, World } from './support/world.js';

const LINK_BYTES_PER_MS = 8;
const EVERY_MS = 10;
const ROWS = 200;
const REPORT_BYTES = 16_384;
const REPORT_LEAST_BYTES = 1_024;
const REPORT_MS = 200;

it('a slow reader has each slice when its link has carried it, and at most 4,096 bytes before it (TAB-7, FLO-2)', async () => {
  const world = new World();
  const row = (n: number) => JSON.stringify({ n, pad: 'x'.repeat(80) });
  const change = (n: number) =>
    world.store.change(
      QUOTES,
      Array.from({ length: 10 }, (_, index) => ({ key: `S${(n * 10 + index) % ROWS}`, patch: row(n) })),
    );
  for (let n = 0; n < ROWS / 10; n++) await change(n);
  const peer = world.connect();
  peer.say({ type: 'hello', version: 1, token: 'ada', features: ['seen'] });
  peer.say({ type: 'subscribe', id: 1, stream: QUOTES });
  await world.settle();
  const { texts } = peer.connection;
  let processed = 0;
  let reported = 0;
  let reportAtMs = Number.POSITIVE_INFINITY;
  let next = 0;
  let left = texts[0]?.length ?? 0;
  const dueMs = new Map<number, number>();
  const lateMs: number[] = [];
  const report = () => {
    reported = processed;
    reportAtMs = Number.POSITIVE_INFINITY;
    peer.say({ type: 'seen', bytes: processed });
  };
  const beganMs = world.clock.nowMs();
  for (let n = 0; n < 3_000; n++) {
    world.clock.advanceMs(EVERY_MS);
    const nowMs = world.clock.nowMs();
    dueMs.set(ROWS / 10 + n + 1, nowMs);
    await change(ROWS / 10 + n);
    await world.settle();
    for (let budget = LINK_BYTES_PER_MS * EVERY_MS; budget > 0 && next < texts.length; ) {
      const text = texts[next] ?? '';
      if (left === 0) left = text.length;
      const taken = Math.min(left, budget);
      budget -= taken;
      left -= taken;
      if (left > 0) break;
      next += 1;
      processed += text.length;
      const { type, to } = JSON.parse(text);
      // After the first seconds, in which the snapshot is carried.
      if (type === 'rows' && dueMs.has(to) && nowMs - beganMs > 10_000) {
        lateMs.push(nowMs - (dueMs.get(to) ?? 0) - text.length / LINK_BYTES_PER_MS);
      }
    }
    if (processed - reported >= REPORT_BYTES || nowMs >= reportAtMs) report();
    else if (processed - reported > REPORT_LEAST_BYTES && reportAtMs > 1e15) reportAtMs = nowMs + REPORT_MS;
    await world.settle();
  }
  expect(lateMs.length).toBeGreaterThan(3);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(EVERY_MS + MIN_TABLE_WINDOW_BYTES / LINK_BYTES_PER_MS);
});
