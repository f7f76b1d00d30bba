// The flush: who is at the head gets the same slice in one pass, who is slow waits outside of it.

import { MAX_SLICE_BYTES, utf8Bytes } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const UNTAKEN = 262_144;

async function crowd(count: number, options: WorldOptions = {}): Promise<{ world: World; peers: Peer[] }> {
  const world = new World(options);
  const peers: Peer[] = [];
  for (let index = 0; index < count; index++) peers.push(await world.enter(`user-${index}`));
  for (const peer of peers) await peer.subscribe();
  for (const peer of peers) peer.connection.shared.length = 0;
  return { world, peers };
}

describe('a flush', () => {
  it('hands the same slice object to everyone at the head', async () => {
    const { world, peers } = await crowd(5);
    await world.fill(3);
    await world.settle();
    const slices = new Set(peers.flatMap(({ connection }) => connection.shared));
    expect(slices.size).toBe(1);
    for (const { connection } of peers) expect(connection.shared).toHaveLength(1);
  });

  it('comes once for all that changed in a turn, however many appends', async () => {
    const { world, peers } = await crowd(2);
    const before = world.flushes;
    for (let n = 1; n <= 10; n++) await world.fill(1, n);
    await world.settle();
    expect(world.flushes - before).toBe(1);
    expect(peers[0]?.connection.shared.map((slice) => JSON.parse(slice.text).items.length)).toEqual([10]);
  });

  it('waits flushIntervalMs, if that is set', async () => {
    const { world, peers } = await crowd(1, { flushIntervalMs: 20 });
    await world.fill(1);
    await world.settle();
    world.clock.advanceMs(19);
    expect(peers[0]?.connection.shared).toHaveLength(0);
    await world.fill(1, 2);
    await world.settle();
    world.clock.advanceMs(1);
    expect(peers[0]?.connection.shared.map((slice) => JSON.parse(slice.text).to)).toEqual([2]);
  });

  it('yields after 2 ms of work and goes on in the next turn', async () => {
    const { world, peers } = await crowd(100);
    await world.fill(1);
    await new Promise(setImmediate);
    world.clock.costMs = 3;
    const served = () => peers.filter(({ connection }) => connection.shared.length > 0).length;
    const steps: number[] = [];
    while (world.clock.isTurnOpen) {
      world.clock.endTurn();
      steps.push(served());
    }
    expect(steps).toEqual([32, 64, 96, 100]);
  });

  it('has at most 32 served connections waiting to be written out', async () => {
    let waiting = 0;
    let most = 0;
    const { world, peers } = await crowd(100, {
      afterFlush: () => {
        const served = peers.filter(({ connection }) => connection.shared.length > 0).length;
        most = Math.max(most, served - waiting);
        waiting = served;
      },
    });
    await world.fill(1);
    await world.settle();
    expect(waiting).toBe(100);
    expect(most).toBe(32);
  });

  it('reaches those served first with what came while it was interrupted', async () => {
    const { world, peers } = await crowd(70);
    await world.fill(1);
    await new Promise(setImmediate);
    world.clock.costMs = 3;
    world.clock.endTurn();
    await world.fill(1, 2);
    await world.settle();
    for (const peer of peers) expect(peer.view()).toMatchObject({ offsets: [1, 2] });
  });

  it('misses nobody when members join and leave while it is interrupted', async () => {
    const { world, peers } = await crowd(80);
    const newcomers: Peer[] = [];
    await world.fill(1);
    await new Promise(setImmediate);
    world.clock.costMs = 3;
    for (let turn = 0; world.clock.isTurnOpen; turn++) {
      world.clock.endTurn();
      for (const index of [79, 40, 3, 0].map((place) => place - turn)) peers.splice(index, 1)[0]?.vanish();
      if (turn < 3) {
        const peer = world.connect();
        peer.say({ type: 'hello', version: 1, token: 'new' });
        await new Promise(setImmediate);
        peer.request({ type: 'subscribe', stream: LOBBY });
        newcomers.push(peer);
        await world.fill(1, 2 + turn);
      }
      await new Promise(setImmediate);
    }
    for (const peer of peers) expect(peer.view()).toMatchObject({ cursor: 4, offsets: [1, 2, 3, 4] });
    for (const peer of newcomers) expect(peer.view()).toMatchObject({ cursor: 4, synced: 1 });
  });

  it('misses nobody when the history is loaded anew while it is interrupted', async () => {
    const { world, peers } = await crowd(70);
    await world.fill(1);
    await new Promise(setImmediate);
    world.clock.costMs = 3;
    world.clock.endTurn();
    await world.store.remove(LOBBY);
    await world.fill(2);
    await world.settle();
    await world.fill(1, 3);
    await world.settle();
    for (const peer of peers) expect(peer.view()).toMatchObject({ epoch: 'epoch-2', cursor: 3 });
  });

  it('serves one stream after the other when several changed', async () => {
    const { world, peers } = await crowd(40);
    for (const peer of peers) await peer.subscribe({}, 'chat/other');
    await world.fill(1);
    await world.fill(1, 1, 'chat/other' as typeof LOBBY);
    await new Promise(setImmediate);
    world.clock.costMs = 3;
    await world.settle();
    for (const { connection } of peers) expect(connection.shared).toHaveLength(2);
  });
});

describe('SUB-5: a slice', () => {
  const itemBytes = (offset: number, at: number, pad: number) =>
    utf8Bytes(`{"offset":${offset},"at":${at},"data":"${'x'.repeat(pad)}"}`);

  it.each([
    [-1, [2]],
    [0, [2]],
    [1, [1, 2]],
  ])('of two items with %i bytes above the limit', async (above, ends) => {
    const { world, peers } = await crowd(1);
    const at = world.clock.nowMs();
    const half = MAX_SLICE_BYTES / 2;
    const first = half - itemBytes(1, at, 0);
    const second = half - itemBytes(2, at, 0) + above;
    const entry = (pad: number) => ({ at, data: JSON.stringify('x'.repeat(pad)), user: null });
    await world.store.append(LOBBY, [entry(first), entry(second)]);
    await world.settle();
    expect(peers[0]?.connection.shared.map((slice) => JSON.parse(slice.text).to)).toEqual(ends);
  });

  it('holds one item if that alone is larger', async () => {
    const { world, peers } = await crowd(1, { ringBytes: 1_000 });
    await world.fill(3, 1, LOBBY, 'x'.repeat(MAX_SLICE_BYTES));
    await world.settle();
    expect(peers[0]?.view().offsets).toEqual([1, 2, 3]);
    expect(peers[0]?.connection.shared).toHaveLength(3);
  });
});

describe('SUB-10: a peer that does not take what is sent', () => {
  it('leaves the head group, is held no more than a full buffer and one slice for, and catches up', async () => {
    const { world, peers } = await crowd(2, { ringBytes: 1_000_000 });
    const [slow, fast] = peers as [Peer, Peer];
    slow.connection.isSlow = true;
    for (let n = 1; n <= 300; n++) {
      await world.fill(1, n, LOBBY, 'x'.repeat(5_000));
      await world.settle();
    }
    expect(slow.connection.mostBuffered).toBeLessThanOrEqual(UNTAKEN + MAX_SLICE_BYTES + 1_000);
    expect(fast.view()).toMatchObject({ cursor: 300, synced: 1 });
    expect(slow.view().cursor).toBeLessThan(60);
    while (slow.connection.bufferedBytes > 0) {
      slow.drain(100_000);
      await world.settle();
    }
    expect(slow.view()).toMatchObject({ cursor: 300, gaps: [], synced: 1 });
    expect(slow.connection.mostBuffered).toBeLessThanOrEqual(UNTAKEN + MAX_SLICE_BYTES + 1_000);
    // Back in the group: it gets the very slices of the others.
    slow.connection.isSlow = false;
    await world.fill(1, 301);
    await world.settle();
    expect(slow.connection.shared.at(-1)).toBe(fast.connection.shared.at(-1));
  });

  it('is held no more for when much is appended in one turn, or in many streams', async () => {
    const { world, peers } = await crowd(1, { ringBytes: 4_000_000 });
    const [slow] = peers as [Peer];
    for (let room = 0; room < 20; room++) await slow.subscribe({}, `chat/${room}`);
    slow.connection.isSlow = true;
    await world.fill(500, 1, LOBBY, 'x'.repeat(5_000));
    for (let room = 0; room < 20; room++) await world.fill(50, 1, `chat/${room}` as typeof LOBBY, 'x'.repeat(5_000));
    await world.settle();
    expect(slow.connection.mostBuffered).toBeLessThanOrEqual(UNTAKEN + MAX_SLICE_BYTES + 1_000);
  });

  it('is not sent to again after its connection ended within a send', async () => {
    const { world, peers } = await crowd(2);
    const [dying] = peers as [Peer, Peer];
    dying.connection.onSend = () => dying.vanish();
    await world.fill(1);
    await world.settle();
    const sent = dying.connection.texts.length;
    expect(world.leftovers).toEqual({ sessions: 1, subscriptions: 1 });
    await world.fill(1, 2);
    await world.settle();
    expect(dying.connection.texts).toHaveLength(sent);
  });

  it('is not sent to again after its connection ended while it joined', async () => {
    const world = new World();
    await world.fill(5);
    const peer = await world.enter();
    peer.connection.onSend = () => peer.vanish();
    peer.request({ type: 'subscribe', stream: LOBBY, last: 5 });
    await world.settle();
    const sent = peer.connection.texts.length;
    await world.fill(1, 6);
    await world.settle();
    expect(peer.connection.texts).toHaveLength(sent);
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });
});

describe('reads of the broker', () => {
  it('are shared by cursors at the same place, as are the slices', async () => {
    const { world, peers } = await crowd(0, { ringBytes: 1_000 });
    await world.fill(200);
    for (let index = 0; index < 10; index++) peers.push(await world.enter());
    for (const peer of peers)
      peer.request({ type: 'subscribe', stream: LOBBY, after: { epoch: 'epoch-1', offset: 5 } });
    await world.settle();
    expect(world.broker.calls.read).toBe(1);
    for (const peer of peers) expect(peer.view()).toMatchObject({ cursor: 200, synced: 1 });
    expect(new Set(peers.map(({ connection }) => connection.shared[0])).size).toBe(1);
  });

  it('do not happen for cursors inside the ring', async () => {
    const { world, peers } = await crowd(3);
    await world.fill(100);
    await world.settle();
    for (const offset of [0, 50, 99]) {
      const view = await (await world.enter()).subscribe({ after: { epoch: 'epoch-1', offset } });
      expect(view.cursor).toBe(100);
    }
    expect(world.broker.calls.read).toBe(0);
    expect(peers[0]?.view().cursor).toBe(100);
  });
});

describe('an active stream', () => {
  it('is forgotten half a minute after the last subscriber left, and its watch with it', async () => {
    const { world, peers } = await crowd(2);
    expect(world.engine.hub.activeStreams).toBe(1);
    for (const peer of peers) await peer.do({ type: 'unsubscribe', stream: LOBBY });
    await world.passMs(29_000);
    expect(world.engine.hub.activeStreams).toBe(1);
    await world.passMs(3_000);
    expect(world.engine.hub.activeStreams).toBe(0);
    expect(world.broker.watches).toBe(0);
    await world.fill(2);
    expect(await peers[0]?.subscribe({ last: 1 })).toMatchObject({ offsets: [2] });
  });

  it('without subscribers is kept for a thousand others at most, however many rooms somebody walks through', async () => {
    const world = new World();
    const peer = await world.enter();
    await peer.subscribe();
    for (let room = 0; room < 40; room++) {
      peer.say(
        ...Array.from(
          { length: 50 },
          (_, n) => ({ type: 'subscribe', id: n + 2, stream: `chat/${room}-${n}` }) as const,
        ),
      );
      await world.settle();
      peer.say(
        ...Array.from(
          { length: 50 },
          (_, n) => ({ type: 'unsubscribe', id: n + 2, stream: `chat/${room}-${n}` }) as const,
        ),
      );
      await world.passMs(500);
    }
    expect(world.engine.hub.activeStreams).toBeLessThan(1_200);
    expect(world.broker.watches).toBe(world.engine.hub.activeStreams);
    await world.fill(1);
    await world.settle();
    expect(peer.view(1).offsets).toEqual([1]);
    await world.passMs(35_000);
    expect(world.engine.hub.activeStreams).toBe(1);
  });

  it('that was forgotten while a subscribe looked at the broker is opened again', async () => {
    const world = new World();
    await world.fill(3);
    const peer = await world.enter();
    // The first call loads the stream, the second asks about the position.
    const release = world.broker.hold('readBack', 1);
    const id = peer.request({ type: 'subscribe', stream: LOBBY, after: { epoch: 'other', offset: 3 } });
    await world.settle();
    await world.passMs(35_000);
    expect(world.engine.hub.activeStreams).toBe(0);
    release();
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ type: 'ok' });
    await world.fill(1, 4);
    await world.settle();
    expect(peer.view(id)).toMatchObject({ cursor: 4 });
  });
});
