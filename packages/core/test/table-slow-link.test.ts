// What a slow link shows of a table that changes all the time: values as young as the link allows.

import { expect, it } from 'vitest';
import { QUOTES, World } from './support/world.js';

const LINK_BYTES_PER_MS = 8;
const EVERY_MS = 10;
const ROWS = 200;
const REPORT_BYTES = 16_384;
const REPORT_LEAST_BYTES = 1_024;
const REPORT_MS = 200;

it('a slow reader has each slice as soon as its link has carried it, with values that were new when that began (TAB-7, FLO-2)', async () => {
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
  let reportedAtMs = 0;
  let next = 0;
  let left = texts[0]?.length ?? 0;
  const dueMs = new Map<number, number>();
  const lateMs: number[] = [];
  const report = () => {
    reported = processed;
    reportedAtMs = world.clock.nowMs();
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
    const unreported = processed - reported;
    const isDue = unreported > REPORT_LEAST_BYTES && nowMs >= reportedAtMs + REPORT_MS;
    if (unreported >= REPORT_BYTES || isDue) report();
    await world.settle();
  }
  expect(lateMs.length).toBeGreaterThan(3);
  expect(Math.max(...lateMs)).toBeLessThanOrEqual(EVERY_MS + 100);
});
