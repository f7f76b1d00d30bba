// What reports say about a peer's life, and which of them are believed.

import { CLOSE, SEEN_LEAST_BYTES } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { append, report, sentBytes, subscribed } from './support/receiver.js';
import { LOBBY, type Peer, World } from './support/world.js';

describe('FLO-3: processing counts as life', () => {
  const minute = async (world: World, peer: Peer, ms = 60_000) => {
    for (let left = ms; left > 0; left -= 1_000) {
      await world.passMs(Math.min(left, 1_000));
      peer.say({ type: 'pong' });
    }
  };
  /** A peer with so many bytes unreported; pings would add to them. */
  async function unreported(bytes: number) {
    const { world, peer } = await subscribed({ pingMs: 10_000_000 });
    await append(world, 1, 5_000);
    report(peer, sentBytes(peer) - bytes);
    await world.passMs(1_000);
    return { world, peer };
  }

  it.each([
    [SEEN_LEAST_BYTES, null],
    [SEEN_LEAST_BYTES + 1, CLOSE.stalled],
  ])('%i bytes unreported for 61 s: %s', async (bytes, code) => {
    const { world, peer } = await unreported(bytes);
    await minute(world, peer);
    expect(peer.connection.closedWith).toBeNull();
    await minute(world, peer, 1_000);
    expect(peer.connection.closedWith?.code ?? null).toBe(code);
    // Kernel and proxies took it all.
    expect(peer.connection.bufferedBytes).toBe(0);
  });

  it('a client that has nothing to report is not given up, however long', async () => {
    const { world, peer } = await unreported(SEEN_LEAST_BYTES);
    await minute(world, peer, 3_600_000);
    expect(peer.connection.closedWith).toBeNull();
    // The clock begins when more is on its way.
    await append(world, 2);
    await minute(world, peer, 59_000);
    expect(peer.connection.closedWith).toBeNull();
    await minute(world, peer, 2_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.stalled);
  });

  it('one byte a minute is progress, a report that does not grow is none', async () => {
    const { world, peer } = await unreported(4_000);
    const seen = sentBytes(peer) - 4_000;
    for (let n = 1; n <= 10; n++) {
      await minute(world, peer, 59_000);
      report(peer, seen + n);
    }
    for (let n = 0; n < 60; n++) {
      expect(peer.connection.closedWith).toBeNull();
      await minute(world, peer, 1_000);
      report(peer, seen + 10);
    }
    await minute(world, peer, 2_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.stalled);
  });

  it('counts for the socket too: a large buffer takes nothing for long from a peer that reads slowly', async () => {
    const { world, peer } = await subscribed();
    peer.connection.isSlow = true;
    await append(world, 1, 60_000);
    for (let n = 1; n <= 5; n++) {
      await minute(world, peer, 50_000);
      report(peer, 1_000 * n);
    }
    expect(peer.connection.closedWith).toBeNull();
  });

  it('the sleep of the server itself is not held against anyone', async () => {
    const { world, peer } = await unreported(2_000);
    await minute(world, peer, 50_000);
    world.clock.jumpMs(3_600_000);
    await minute(world, peer, 59_000);
    expect(peer.connection.closedWith).toBeNull();
    await minute(world, peer, 3_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.stalled);
  });

  it('a report that could not come, as the connection is not read, is not missed', async () => {
    const { world, peer } = await unreported(2_000);
    const release = world.broker.hold('append');
    for (let id = 1; id <= 64; id++) {
      peer.say({ type: 'publish', id, stream: LOBBY, producer: `p${id}`, seq: 1, data: 1 });
    }
    expect(peer.connection.isPaused).toBe(true);
    await world.passMs(300_000);
    expect(peer.connection.closedWith).toBeNull();
    release();
    await world.settle();
    expect(peer.connection.isPaused).toBe(false);
    await minute(world, peer, 62_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.stalled);
  });
});

describe('FLO-4: a report', () => {
  it('of more than was sent is malformed, and changes nothing', async () => {
    const { world, peer } = await subscribed();
    peer.connection.fresh();
    report(peer, sentBytes(peer) + 1);
    expect(peer.connection.fresh()).toMatchObject([
      { type: 'error', code: 'invalid', message: expect.stringContaining('more than'), outcome: 'refused' },
    ]);
    expect(peer.session.outflow.seenBytes).toBe(0);
    // The hundred and first within a minute.
    for (let n = 2; n <= 100; n++) report(peer, Number.MAX_SAFE_INTEGER);
    expect(peer.connection.closedWith).toBeNull();
    report(peer, Number.MAX_SAFE_INTEGER);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });

  it('ends the connection in the middle of a message too: what follows is not worked on', async () => {
    const { world, peer } = await subscribed();
    peer.connection.fresh();
    peer.say(...Array.from({ length: 300 }, () => ({ type: 'seen', bytes: 1e9 }) as const), { type: 'ping', id: 9 });
    await world.settle();
    const messages = peer.connection.fresh();
    expect(messages).toHaveLength(101);
    expect(messages.every(({ type }) => type === 'error')).toBe(true);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
  });

  it('that does not grow is ignored', async () => {
    const { peer } = await subscribed();
    peer.connection.fresh();
    report(peer, 200);
    for (const bytes of [200, 199, 0]) report(peer, bytes);
    expect(peer.connection.fresh()).toEqual([]);
    expect(peer.session.outflow.seenBytes).toBe(200);
  });

  it('before hello is refused like anything else', async () => {
    const peer = new World().connect();
    peer.say({ type: 'seen', bytes: 0 });
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
  });
});
