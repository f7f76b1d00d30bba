// What the page makes of the events that come to it: how often it draws, what it keeps, what it knows after a restart of the server.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { wireSource } from '../client/wire/wire-source.js';
import type { WireBatch, WireFrame, WireTotals } from '../shared/wire.js';

class FakeEventSource {
  static opened: FakeEventSource[] = [];
  onmessage: ((message: { data: string; lastEventId: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  constructor(readonly url: string) {
    FakeEventSource.opened.push(this);
  }
  close(): void {}
}

const TOTALS: WireTotals = {
  framesIn: 0,
  framesOut: 0,
  requests: 0,
  bytesIn: 0,
  bytesOut: 0,
  dataBytes: 0,
  handshakeBytes: 0,
};
const frame = (n: number, preview: string): WireFrame => ({
  kind: 'frame',
  n,
  connection: 1,
  at: n,
  direction: 'out',
  opcode: 1,
  fin: true,
  payloadBytes: preview.length,
  preview,
  cut: false,
});

let tab = 0;
let draws = 0;
let n = 0;
let leave = () => {};
let source: ReturnType<typeof wireSource>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('EventSource', FakeEventSource);
  vi.stubGlobal('document', { hidden: false, addEventListener() {}, removeEventListener() {} });
  tab += 1;
  n = 0;
  draws = 0;
  source = wireSource(`tab ${tab}`);
  leave = source.subscribe(() => {
    draws += 1;
  });
});
afterEach(() => {
  leave();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function receive(previews: readonly string[], changes: Partial<WireBatch> = {}): void {
  const events = previews.map((preview) => {
    n += 1;
    return frame(n, preview);
  });
  const batch: WireBatch = {
    boot: 'one',
    events,
    totals: { ...TOTALS, framesOut: n },
    streams: [],
    missed: 0,
    ...changes,
  };
  FakeEventSource.opened.at(-1)?.onmessage?.({ data: JSON.stringify(batch), lastEventId: `one:${n}` });
}

const contents = () =>
  source.snapshot().events.map((event) => (event.kind === 'frame' ? event.said.content : event.kind));

describe('the view of a wire', () => {
  it('is drawn thirty times a second at most, and ends with everything', () => {
    for (let ms = 0; ms < 1_000; ms += 1) {
      receive(['{"type":"rows","ch":1,"from":1,"to":2}']);
      vi.advanceTimersByTime(1);
    }
    expect(draws).toBeGreaterThan(25);
    expect(draws).toBeLessThanOrEqual(30);
    vi.advanceTimersByTime(34);
    expect(source.snapshot().totals.framesOut).toBe(1_000);
    expect(source.snapshot().events.at(-1)).toMatchObject({ n: 1_000 });
    const quiet = draws;
    vi.advanceTimersByTime(1_000);
    expect(draws).toBe(quiet);
  });

  it('is drawn at once when nothing was for a while', () => {
    receive(['x']);
    expect(draws).toBe(1);
    receive(['y']);
    expect(draws).toBe(1);
    vi.advanceTimersByTime(33);
    expect(draws).toBe(1);
    vi.advanceTimersByTime(1);
    expect(draws).toBe(2);
  });

  it('keeps the last 500 events, and the sums of all', () => {
    receive(Array.from({ length: 500 }, () => 'x'));
    vi.advanceTimersByTime(34);
    expect(source.snapshot().events).toHaveLength(500);
    receive(['y']);
    vi.advanceTimersByTime(34);
    expect(source.snapshot().events).toHaveLength(500);
    expect([source.snapshot().events[0]?.n, source.snapshot().totals.framesOut]).toEqual([2, 501]);
  });

  it('knows the names of streams, those of one life of the server', () => {
    const rows = '{"type":"rows","ch":7,"from":1,"to":2}';
    receive([rows], { streams: [{ connection: 1, ch: 7, stream: 'quotes/nyse' }] });
    receive([rows]);
    receive([rows], { boot: 'two' });
    vi.advanceTimersByTime(34);
    expect(contents()).toEqual(
      ['quotes/nyse', 'quotes/nyse', 'stream 7'].map((name) => `${name} 1→2 · nothing to tell`),
    );
  });

  it('numbers runs of equal frames, also over reports in between', () => {
    const runs = () => source.snapshot().events.map((event) => (event.kind === 'frame' ? event.run : null));
    const rows = '{"type":"rows","ch":7,"from":1,"to":2}';
    receive([rows, '{"type":"seen","bytes":1}', rows, '{"type":"entries"}', rows]);
    expect(runs()).toEqual([1, 1, 1, 2, 3]);
  });
});
