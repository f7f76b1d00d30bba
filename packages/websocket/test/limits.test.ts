import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, MisuseError, resolveLimits } from '../src/index.js';
import { breach, Recorded } from './support/recorded.js';
import { BINARY, CONTINUATION, hex, masked, PING, PONG, plain, TEXT } from './support/wire.js';

describe('limits', () => {
  it('FR-24 has a limit on message size and fragments by default', () => {
    expect(DEFAULT_LIMITS).toEqual({
      maxMessageBytes: 1_048_576,
      maxFragments: 4_096,
      maxControlFramesPerSecond: 1_000,
      maxBufferedBytes: 4_194_304,
      closeWaitMs: 10_000,
      handshakeMs: 10_000,
      maxHandshakeBytes: 16_384,
      maxHandshakeFields: 100,
      maxPendingHandshakes: 1_000,
    });
  });

  it.each([
    [999, true],
    [1_000, true],
    [1_001, false],
  ])('FR-24 maxMessageBytes 1000: a message of %i bytes', (size, isLegal) => {
    const payload = Buffer.alloc(size, 'x');
    for (const role of ['server', 'client'] as const) {
      const piece = role === 'server' ? masked : plain;
      const options = { role, limits: { maxMessageBytes: 1_000 } };
      const inputs = [
        [piece(BINARY, payload)],
        Array.from(piece(TEXT, payload), (byte) => Buffer.of(byte)),
        [piece(TEXT, payload.subarray(0, 600), false), piece(CONTINUATION, payload.subarray(600))],
        [piece(TEXT, payload.subarray(0, 999), false), piece(CONTINUATION, payload.subarray(999))],
      ];
      for (const input of inputs) {
        const peer = new Recorded(options).receive(...input);
        if (isLegal) expect(peer.events).toHaveLength(1);
        else expect(peer.events).toEqual(breach('message_too_big', 1009));
        expect(peer.sentClose).toBe(isLegal ? undefined : 1009);
      }
    }
  });

  it('FR-24 refuses a declared length past the limit before any payload came', () => {
    expect(new Recorded().receive(hex('82 ff 00 00 00 00 00 10 00 01')).sentClose).toBe(1009);
    expect(new Recorded().receive(hex('82 ff 00 00 00 00 00 10 00 00')).sentClose).toBe(undefined);
  });

  it('maxMessageBytes 0 admits only empty messages', () => {
    const limits = { maxMessageBytes: 0 };
    expect(new Recorded({ limits }).receive(masked(TEXT)).texts()).toEqual(['']);
    expect(new Recorded({ limits }).receive(masked(TEXT, 'x')).sentClose).toBe(1009);
  });

  it.each([
    [9, true],
    [10, true],
    [11, false],
  ])('FR-24 maxFragments 10: a message of %i fragments, empty ones counted', (count, isLegal) => {
    const server = new Recorded({ limits: { maxFragments: 10 } }).receive(masked(TEXT, 'a', false));
    for (let index = 2; index < count; index++) server.receive(masked(CONTINUATION, '', false));
    server.receive(masked(CONTINUATION, 'z'));
    expect(server.events).toEqual(isLegal ? [{ type: 'text', data: 'az' }] : breach('too_many_fragments', 1008));
    // The next message has its own count.
    if (isLegal) expect(server.receive(masked(TEXT, 'b', false), masked(CONTINUATION)).texts()).toEqual(['az', 'b']);
  });

  it.each([
    [999, true],
    [1_000, true],
    [1_001, false],
  ])('FR-24 bytes + 100 per fragment stay within twice maxMessageBytes: %i fragments', (count, isLegal) => {
    // 60,000 bytes in the first fragment and 100 for each: 1,000 fragments are exactly 2 * 80,000.
    const server = new Recorded({ limits: { maxMessageBytes: 80_000 } });
    server.receive(masked(BINARY, Buffer.alloc(60_000), false));
    for (let index = 2; index < count; index++) server.receive(masked(CONTINUATION, '', false));
    server.receive(masked(CONTINUATION));
    expect(server.sentClose).toBe(isLegal ? undefined : 1008);
  });

  it.each([
    [999, undefined],
    [1_000, undefined],
    [1_001, 1008],
  ])('answers %i pings in one second with close %s', (count, closeCode) => {
    const server = new Recorded();
    for (let index = 0; index < count; index++) server.receive(masked(index % 2 === 0 ? PING : PONG));
    expect(server.sentClose).toBe(closeCode);
    if (closeCode !== undefined) expect(server.failed).toMatchObject({ code: 'too_many_control_frames' });
  });

  it('gives a new budget of control frames each second', () => {
    const server = new Recorded({ limits: { maxControlFramesPerSecond: 2 } });
    for (let second = 0; second < 5; second++) {
      server.receive(masked(PING), masked(PING));
      server.nowMs += 1_000;
    }
    expect(server.sentClose).toBe(undefined);
    server.receive(masked(PING), masked(PING));
    server.nowMs += 999;
    expect(server.receive(masked(PING)).sentClose).toBe(1008);
  });

  it('counts a close frame towards no budget', () => {
    const server = new Recorded({ limits: { maxControlFramesPerSecond: 0 } });
    expect(server.receive(masked(8)).closed).toMatchObject({ code: 1005, wasClean: true });
  });

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 30, '10' as unknown as number])(
    'refuses %s as a limit',
    (value) => {
      expect(() => resolveLimits({ maxMessageBytes: value })).toThrow(MisuseError);
    },
  );

  it.each([
    [0, 4_194_304],
    [1_048_576, 4_194_304],
    [1_048_577, 4_194_308],
    [16_777_216, 67_108_864],
    [2 ** 30 - 1, 2 ** 30 - 1],
  ])('lets four of the largest messages wait, 4 MiB at least: maxMessageBytes %i', (maxMessageBytes, most) => {
    expect(resolveLimits({ maxMessageBytes }).maxBufferedBytes).toBe(most);
    expect(resolveLimits({ maxMessageBytes, maxBufferedBytes: 7 }).maxBufferedBytes).toBe(7);
  });

  it('takes undefined for the default', () => {
    expect(resolveLimits({ maxBufferedBytes: undefined as unknown as number })).toEqual(DEFAULT_LIMITS);
    expect(resolveLimits({ maxFragments: undefined as unknown as number })).toEqual(DEFAULT_LIMITS);
  });
});
