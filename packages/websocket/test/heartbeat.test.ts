/** Pings for silent peers, and the end of dead ones, on a clock moved by hand. */
import { afterEach, describe, expect, it } from 'vitest';
import { connect, createWebSocketServer, MisuseError, type WebSocketServerOptions } from '../src/index.js';
import {
  accept,
  FakeClock,
  type FakeTransport,
  onStop,
  RecordingHandler,
  serve,
  stopAll,
  turn,
} from './support/node.js';
import { masked, PING, PONG, TEXT } from './support/wire.js';

afterEach(stopAll);

async function start(options: Partial<WebSocketServerOptions> = {}) {
  const clock = new FakeClock();
  const handler = new RecordingHandler();
  const server = createWebSocketServer({ handler, clock, ...options });
  const transport = await accept(server);
  return { clock, handler, server, transport };
}

/** Lets time pass as it does, half a second at a time, with the turns of the event loop between. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    clock.advance(500);
    await turn();
  }
}

/** How many milliseconds pass until something is so. */
async function silentUntil(isSo: () => boolean, clock: FakeClock, everyMs: number): Promise<number> {
  let passed = 0;
  for (; !isSo() && passed < 1_000_000; passed += everyMs) {
    clock.advance(everyMs);
    await turn();
  }
  return passed;
}

function pings(transport: FakeTransport): number {
  return transport.frames.filter(({ opcode }) => opcode === PING).length;
}

describe('the heartbeat of a server', () => {
  it('pings a silent peer once after idlePingMs, and gives it up after deadAfterMs', async () => {
    const { clock, handler, transport, server } = await start();
    await pass(clock, 30_000);
    expect(pings(transport)).toBe(0);
    await pass(clock, 7_500);
    expect(pings(transport)).toBe(1);
    await pass(clock, 22_000);
    expect(pings(transport)).toBe(1);
    expect(handler.socket.readyState).toBe('open');
    await pass(clock, 8_000);
    expect(handler.errorCodes).toEqual(['peer_silent']);
    expect(handler.log.items.at(-1)).toMatchObject({ type: 'close', code: 1006, wasClean: false });
    expect(transport.destroyed).toBe(true);
    expect(server.connections).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('takes anything that comes for life, the answer to a ping too', async () => {
    const { clock, handler, transport } = await start();
    for (let round = 0; round < 20; round++) {
      await pass(clock, 20_000);
      transport.receive(masked(TEXT, 'here'));
    }
    expect(pings(transport)).toBe(0);
    for (let round = 1; round <= 5; round++) {
      await pass(clock, 40_000);
      expect(pings(transport)).toBe(round);
      transport.receive(masked(PONG));
      await turn();
    }
    expect(handler.errorCodes).toEqual([]);
  });

  it('counts part of a message', async () => {
    const { clock, handler, transport } = await start();
    for (const byte of masked(TEXT, 'slowly')) {
      transport.receive(Buffer.of(byte));
      await pass(clock, 25_000);
    }
    expect(handler.messages).toEqual(['slowly']);
    expect(pings(transport)).toBe(0);
  });

  it('bears with a peer that slowly takes what waits for it, and not with one that takes nothing', async () => {
    const { clock, handler, transport } = await start({ limits: { maxBufferedBytes: 10_000_000 } });
    transport.isStuck = true;
    for (let round = 0; round < 10; round++) {
      handler.socket.send('x'.repeat(100_000));
      await pass(clock, 20_000);
      transport.unstick();
      transport.isStuck = true;
    }
    expect(handler.errorCodes).toEqual([]);
    handler.socket.send('x'.repeat(100_000));
    await pass(clock, 80_000);
    expect(handler.errorCodes).toEqual(['peer_silent']);
  });

  it('does not blame the peer while we do not read', async () => {
    const { clock, handler } = await start();
    handler.socket.pause();
    await pass(clock, 300_000);
    expect(handler.errorCodes).toEqual([]);
    handler.socket.resume();
    await pass(clock, 75_000);
    expect(handler.errorCodes).toEqual(['peer_silent']);
  });

  it('gives nobody up because the process slept', async () => {
    const { clock, handler, transport } = await start();
    clock.advance(3_600_000);
    await turn();
    clock.advance(500);
    await turn();
    transport.receive(masked(TEXT, 'still here'));
    await turn();
    expect(handler.errorCodes).toEqual([]);
    expect(handler.messages).toEqual(['still here']);
  });

  it('leaves closing connections to their own deadline', async () => {
    const { clock, handler } = await start({ idlePingMs: 1_000, limits: { closeWaitMs: 100_000 } });
    handler.socket.close();
    await pass(clock, 90_000);
    expect(handler.errorCodes).toEqual([]);
    await pass(clock, 11_000);
    expect(handler.errorCodes).toEqual(['close_timeout']);
  });

  it('spreads its pings over time, and forgets nobody while others come and go', async () => {
    const { clock, handler, server, transport } = await start();
    const transports = [transport];
    for (let index = 1; index < 100; index++) transports.push(await accept(server));
    const counts: number[] = [];
    for (let half = 0; half < 75; half++) {
      const before = transports.reduce((sum, one) => sum + pings(one), 0);
      clock.advance(500);
      await turn();
      counts.push(transports.reduce((sum, one) => sum + pings(one), 0) - before);
      if (half % 3 === 0) handler.sockets[half]?.abort();
    }
    expect(Math.max(...counts)).toBeLessThan(20);
    const left = handler.sockets.flatMap((socket, index) => (socket.readyState === 'open' ? [transports[index]] : []));
    expect(left).toHaveLength(75);
    await pass(clock, 8_000);
    expect(left.map((one) => (one === undefined ? 0 : pings(one)))).toEqual(Array(75).fill(1));
  });

  it.each([
    // Silence, how often it is looked, and by when the ping is due.
    [80, 10, 110],
    [200, 25, 275],
    [1_000, 125, 1_375],
    [2_000, 250, 2_750],
    [3_999, 499.875, 5_499],
    [4_000, 500, 5_500],
    [5_000, 500, 6_750],
    [30_000, 500, 38_000],
  ])('keeps %i ms: give or take a look and up to a quarter later', async (idlePingMs, everyMs, latestMs) => {
    for (const share of [0, 0.3, 0.99]) {
      const { clock, handler, transport } = await start({ idlePingMs });
      expect(clock.timers).toBe(1);
      // Life at any moment of a round.
      let heardMs = 0;
      for (; heardMs < 2 * idlePingMs + (share * idlePingMs) / 4; heardMs += everyMs) {
        clock.advance(everyMs);
        transport.receive(masked(TEXT, 'here'));
        await turn();
      }
      const pingedMs = await silentUntil(() => pings(transport) === 1, clock, everyMs);
      expect(pingedMs).toBeGreaterThan(idlePingMs - everyMs);
      expect(pingedMs).toBeLessThanOrEqual(latestMs);
      const goneMs = pingedMs + (await silentUntil(() => handler.errorCodes.length > 0, clock, everyMs));
      expect(goneMs).toBeGreaterThan(2 * idlePingMs - everyMs);
      expect(goneMs).toBeLessThanOrEqual(latestMs + idlePingMs + everyMs);
      expect(clock.timers).toBe(0);
    }
  });

  it('is off with 0', async () => {
    const { clock, handler, transport } = await start({ idlePingMs: 0 });
    expect(clock.timers).toBe(0);
    await pass(clock, 200_000);
    expect(pings(transport)).toBe(0);
    expect(handler.socket.readyState).toBe('open');
  });

  it.each([
    [{ idlePingMs: -1 }],
    [{ idlePingMs: Number.NaN }],
    [{ idlePingMs: Number.POSITIVE_INFINITY }],
    [{ idlePingMs: 1_000, deadAfterMs: 999 }],
  ])('refuses %o', (options) => {
    expect(() => createWebSocketServer({ handler: {}, ...options })).toThrow(MisuseError);
  });
});

describe('the heartbeat of a client', () => {
  it('is off by default, and pings the server where it is on', async () => {
    const atServer = new RecordingHandler();
    const { url } = await serve({ handler: atServer });
    const clock = new FakeClock();
    const plain = new RecordingHandler();
    const quiet = connect(url, { handler: plain, clock });
    onStop(() => quiet.abort());
    await plain.opened();
    await pass(clock, 100_000);
    expect(atServer.log.items.map(({ type }) => type)).toEqual(['open']);
    const handler = new RecordingHandler();
    const socket = connect(url, { handler, clock, idlePingMs: 2_000 });
    onStop(() => socket.abort());
    await handler.opened();
    await pass(clock, 2_500);
    await handler.log.until(({ type }) => type === 'pong');
    expect(handler.errorCodes).toEqual([]);
  });
});
