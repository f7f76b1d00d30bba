// That the process ends, whatever does not: by a fake clock, and an exit that is only noted.

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { closeWithin } from '../src/ending.js';

const health = { status: 'ok', connections: 2, streams: 0, subscriptions: 0 } as const;
let exits: unknown[];
let err: string;
let out: string;

beforeEach(() => {
  exits = [];
  err = '';
  out = '';
  vi.useFakeTimers();
  vi.spyOn(process, 'exit').mockImplementation((code) => void exits.push(code) as never);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('closeWithin', () => {
  it('ends with 1 when the store does not close: after the drain, 5 s for clients and 5 s for the store', () => {
    void closeWithin({ health: () => health, close: () => new Promise(() => {}) }, 'SIGTERM', 20_000);
    vi.advanceTimersByTime(29_999);
    expect(exits).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(exits).toEqual([1]);
    expect(err).toBe('trunkline: the store did not close in time; what it has acknowledged is safe\n');
  });

  it('ends with 0 a second after the close, if something of the app holds the process', async () => {
    const asked: unknown[] = [];
    const close = async (options: unknown) => void asked.push(options);
    await closeWithin({ health: () => health, close }, 'SIGINT', 0);
    expect(asked).toEqual([{ drainMs: 0, deadlineMs: 5_000 }]);
    expect(out).toBe('trunkline: SIGINT: goodbye to 2 clients, at most 5 s\n');
    vi.advanceTimersByTime(999);
    expect(exits).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(exits).toEqual([0]);
    vi.advanceTimersByTime(60_000);
    expect([exits, err]).toEqual([[0], '']);
  });
});
