// Life signs: who is silent, who takes nothing, who only seems to.

import { CLOSE } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './support/fake-clock.js';
import { LOBBY, type Peer, World } from './support/world.js';

const pings = (peer: Peer) => peer.connection.fresh().filter((message) => message.type === 'ping');

describe('CON-5: ping and pong', () => {
  it('comes every pingMs with the time, and with the round trip once one was measured', async () => {
    const world = new World({ pingMs: 5_000 });
    const peer = await world.enter();
    await world.passMs(5_000);
    expect(pings(peer)).toEqual([{ type: 'ping', now: world.clock.nowMs() }]);
    world.clock.advanceMs(37);
    peer.say({ type: 'pong' });
    // A pong that nobody waits for changes nothing.
    world.clock.advanceMs(400);
    peer.say({ type: 'pong' });
    await world.passMs(5_000);
    expect(pings(peer)).toMatchObject([{ rttMs: 37 }]);
  });

  it('a probe of the client is answered with its id and the time', async () => {
    const world = new World();
    const peer = await world.enter();
    peer.say({ type: 'ping', id: 4 });
    expect(peer.connection.fresh()).toEqual([{ type: 'pong', id: 4, now: world.clock.nowMs() }]);
  });

  it('a peer that is silent for two intervals is given up', async () => {
    const world = new World({ pingMs: 5_000 });
    const peer = await world.enter();
    await peer.subscribe();
    await world.passMs(10_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(1_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.silent);
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });

  // Sessions keep the low 32 bits of the time.
  it.each([400, 401])('holds over the moment 2 ** 31 · %i of the clock', async (times) => {
    const clock = new FakeClock(2 ** 31 * times - 7_000);
    const world = new World({ pingMs: 5_000, clock });
    const peer = await world.enter();
    await world.passMs(5_000);
    expect(pings(peer)).toHaveLength(1);
    clock.advanceMs(3_000);
    peer.say({ type: 'pong' });
    await world.passMs(5_000);
    expect(pings(peer)).toMatchObject([{ rttMs: 3_000 }]);
    await world.passMs(5_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(1_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.silent);
  });

  it.each([
    ['a pong', (peer: Peer) => peer.say({ type: 'pong' })],
    ['a message that is none', (peer: Peer) => peer.say('')],
    ['a binary message', (peer: Peer) => peer.session.receiveBinary()],
    ['a sign of the transport', (peer: Peer) => peer.session.heard()],
  ])('%s counts as life', async (_, act) => {
    const world = new World({ pingMs: 5_000 });
    const peer = await world.enter();
    for (let round = 0; round < 10; round++) {
      await world.passMs(9_000);
      act(peer);
    }
    expect(peer.connection.closedWith).toBeNull();
  });

  it('a peer that is not being read is not called silent', async () => {
    const world = new World({ pingMs: 5_000, limits: { maxRequestsInWork: 1 } });
    const peer = await world.enter();
    const release = world.broker.hold('append');
    peer.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 });
    await world.passMs(60_000);
    expect(peer.connection.isPaused).toBe(true);
    expect(peer.connection.closedWith).toBeNull();
    release();
    await world.settle();
    await world.passMs(9_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(3_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.silent);
  });
});

describe('a process that was stopped, or whose clock was set', () => {
  it.each([3_600_000, 90_000])('by %i ms does not call its peers silent, but goes on watching them', async (ms) => {
    const world = new World({ pingMs: 5_000 });
    const [peer, stalled] = [await world.enter(), await world.enter('bob')];
    stalled.connection.isSlow = true;
    await world.passMs(4_000);
    world.clock.jumpMs(ms);
    await world.passMs(1_000);
    expect([peer, stalled].map(({ connection }) => connection.closedWith)).toEqual([null, null]);
    await world.passMs(12_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.silent);
  });
});

describe('stalled', () => {
  it('a peer that takes nothing for a minute is given up, though it talks', async () => {
    const world = new World();
    const peer = await world.enter();
    peer.connection.isSlow = true;
    await world.passMs(30_000);
    for (let round = 0; round < 12; round++) {
      expect(peer.connection.closedWith).toBeNull();
      await world.passMs(5_000);
      peer.say({ type: 'pong' });
    }
    await world.passMs(5_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.stalled);
    expect(world.leftovers.sessions).toBe(0);
  });

  it('draining counts as life, however slow', async () => {
    const world = new World();
    await world.fill(100, 1, LOBBY, 'x'.repeat(1_000));
    const peer = await world.enter();
    peer.connection.isSlow = true;
    await peer.subscribe({ last: 100 });
    for (let round = 0; round < 30; round++) {
      await world.passMs(20_000);
      peer.drain(100);
      peer.say({ type: 'pong' });
    }
    expect(peer.connection.closedWith).toBeNull();
  });

  it('a peer for which nothing waits is not stalled', async () => {
    const world = new World();
    const peer = await world.enter();
    for (let round = 0; round < 30; round++) {
      await world.passMs(20_000);
      peer.say({ type: 'pong' });
    }
    expect(peer.connection.closedWith).toBeNull();
  });
});

it('one timer serves all connections', async () => {
  const world = new World();
  const before = world.clock.timers;
  for (let index = 0; index < 50; index++) await (await world.enter()).subscribe();
  expect(world.clock.timers).toBe(before);
});
