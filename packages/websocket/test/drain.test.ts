/** Ending all connections of a server: spread over time, with a deadline. */
import { afterEach, describe, expect, it } from 'vitest';
import { createWebSocketServer } from '../src/index.js';
import { accept, FakeClock, type FakeTransport, RecordingHandler, stopAll, turn } from './support/node.js';
import { CLOSE, closeBody, masked } from './support/wire.js';

afterEach(stopAll);

async function start(count: number) {
  const clock = new FakeClock();
  const handler = new RecordingHandler();
  const server = createWebSocketServer({ handler, clock, idlePingMs: 0 });
  const transports: FakeTransport[] = [];
  for (let index = 0; index < count; index++) transports.push(await accept(server));
  const closed = (): number => transports.filter(({ frames }) => frames.length > 0).length;
  return { clock, handler, server, transports, closed };
}

describe('drain', () => {
  it('spreads the closes evenly over spreadMs, and refuses newcomers meanwhile', async () => {
    const { clock, server, transports, closed, handler } = await start(20);
    const drained = server.drain({ spreadMs: 10_000, code: 1012, reason: 'deploy' });
    await turn();
    expect(closed()).toBe(0);
    await accept(server);
    expect(handler.sockets).toHaveLength(20);
    for (let half = 1; half <= 20; half++) {
      clock.advance(500);
      await turn();
      expect(closed()).toBe(half);
    }
    for (const transport of transports) {
      expect(transport.frames).toMatchObject([{ opcode: CLOSE, payload: closeBody(1012, 'deploy') }]);
      transport.receive(masked(CLOSE, closeBody(1012)));
      transport.push(null);
    }
    await drained;
    expect(handler.errorCodes).toEqual([]);
  });

  it('passes over those that go by themselves', async () => {
    const { clock, server, transports, closed, handler } = await start(4);
    const drained = server.drain({ spreadMs: 2_000 });
    handler.sockets[0]?.abort();
    clock.advance(1_000);
    await turn();
    expect(closed()).toBe(1);
    clock.advance(1_000);
    await turn();
    expect(closed()).toBe(3);
    for (const transport of transports) transport.destroy();
    await drained;
  });

  it('cuts off who is left at its deadline, in the middle of the spread too', async () => {
    const { clock, server, closed, handler } = await start(10);
    const drained = server.drain({ spreadMs: 10_000, deadlineMs: 5_000 });
    clock.advance(4_500);
    await turn();
    expect(closed()).toBe(5);
    expect(server.connections).toHaveLength(10);
    clock.advance(500);
    await drained;
    expect(server.connections).toEqual([]);
    expect(handler.log.items.filter(({ type }) => type === 'close')).toHaveLength(10);
    expect(clock.timers).toBe(0);
  });

  it('gives peers closeWaitMs after the spread by default', async () => {
    const { clock, server, handler } = await start(1);
    const drained = server.drain({ spreadMs: 1_000 });
    clock.advance(1_000);
    await turn();
    clock.advance(9_500);
    expect(handler.errorCodes).toEqual([]);
    clock.advance(1_000);
    await drained;
  });

  it('is done at once without connections', async () => {
    const { server, clock } = await start(0);
    await server.drain({ spreadMs: 60_000 });
    expect(clock.timers).toBe(0);
  });
});
