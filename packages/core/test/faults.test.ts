// A broker that fails, forgets, and announces badly: subscribers get everything in the end, and are told when they cannot.

import type { Broker } from '@trunkline/broker';
import { describe, expect, it } from 'vitest';
import { LOBBY, World } from './support/world.js';

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index + 1);

/** Drops the notifications for which `lost` says so, and hands through the others, without data if `bare`. */
function announcing(lost: (to: number) => boolean, bare = false): (broker: Broker) => Broker {
  return (broker) =>
    new Proxy(broker, {
      get: (target, key: keyof Broker) => {
        if (key !== 'watch') return target[key].bind(target);
        const watch: Broker['watch'] = (stream, onAdvance) =>
          target.watch(stream, (advance) => {
            if (lost(advance.to)) return;
            const { epoch, from, to } = advance;
            onAdvance(bare ? { stream, epoch, from, to } : advance);
          });
        return watch;
      },
    });
}

describe('notifications', () => {
  it('that are missing are read again when a later one comes', async () => {
    const world = new World({ wrap: announcing((to) => to === 2 || to === 3) });
    const peer = await world.enter();
    await peer.subscribe();
    for (let n = 1; n <= 5; n++) {
      await world.fill(1, n);
      await world.settle();
    }
    expect(peer.view()).toMatchObject({ offsets: [1, 2, 3, 4, 5], gaps: [] });
    expect(world.broker.calls.read).toBe(1);
  });

  it('without data are read, however many entries they span', async () => {
    const world = new World({ wrap: announcing(() => false, true) });
    const peer = await world.enter();
    await peer.subscribe();
    await world.fill(1_200);
    await world.settle();
    expect(peer.view()).toMatchObject({ cursor: 1_200, gaps: [] });
  });

  it('of which the first of a new stream is missing cost no gap', async () => {
    const world = new World({ wrap: announcing((to) => to === 1) });
    const peer = await world.enter();
    await peer.subscribe();
    await world.fill(1);
    await world.fill(1, 2);
    await world.settle();
    expect(peer.view()).toMatchObject({ offsets: [1, 2], gaps: [], epoch: 'epoch-1' });
  });

  it('that come while a hole is being filled are not lost', async () => {
    const world = new World({ wrap: announcing((to) => to === 1, true) });
    await world.store.append(LOBBY, []);
    const peer = await world.enter();
    await peer.subscribe();
    const release = world.broker.hold('read');
    await world.fill(1);
    await world.fill(1, 2);
    await world.settle();
    await world.fill(3, 3);
    await world.settle();
    expect(peer.view().offsets).toEqual([]);
    release();
    await world.settle();
    expect(peer.view().offsets).toEqual(range(0, 5));
  });
});

describe('a stream that is removed and begins again', () => {
  it('gives everyone a gap epoch, with the newest page of the new history', async () => {
    const world = new World();
    await world.fill(5);
    const [near, far] = [await world.enter(), await world.enter('bob')];
    await near.subscribe();
    far.connection.isSlow = true;
    far.connection.bufferedBytes = 300_000;
    await world.settle();
    far.connection.bufferedBytes = 0;
    await far.subscribe({ last: 5 });
    await world.store.remove(LOBBY);
    await world.fill(70, 101);
    await world.settle();
    for (const peer of [near, far]) {
      const view = peer.view();
      expect(view.gaps).toEqual([{ reason: 'epoch', from: 5, to: 20, lost: undefined }]);
      expect(view).toMatchObject({ epoch: 'epoch-2', offsets: range(20, 70), synced: 1 });
      expect(view.entries.get(70)).toEqual({ n: 170 });
    }
  });

  it('is noticed by a subscriber that catches up', async () => {
    const world = new World({ ringBytes: 1_000 });
    await world.fill(200, 1, LOBBY, 'x'.repeat(3_000));
    const peer = await world.enter();
    peer.connection.isSlow = true;
    await peer.subscribe({ after: { epoch: 'epoch-1', offset: 0 } });
    await world.store.remove(LOBBY);
    peer.connection.isSlow = false;
    peer.drain();
    await world.settle();
    expect(peer.view()).toMatchObject({ epoch: null, cursor: 0, synced: 1, gaps: [{ reason: 'epoch', to: 0 }] });
    await world.fill(3);
    await world.settle();
    expect(peer.view()).toMatchObject({ epoch: 'epoch-2', offsets: [1, 2, 3], gaps: [{}] });
  });

  it('is loaded once, however many notifications wait for the loading', async () => {
    const world = new World();
    await world.fill(5);
    const peer = await world.enter();
    await peer.subscribe();
    await world.store.remove(LOBBY);
    const before = world.broker.calls.readBack;
    const release = world.broker.hold('readBack');
    for (let n = 1; n <= 20; n++) {
      await world.fill(1, n);
      await world.settle();
    }
    release();
    await world.settle();
    expect(world.broker.calls.readBack - before).toBe(1);
    expect(peer.view()).toMatchObject({ cursor: 20, epoch: 'epoch-2', gaps: [{ reason: 'epoch' }] });
  });
});

describe('a broker that cannot be reached', () => {
  it('is asked again every second, and subscribers then get what they missed', async () => {
    const world = new World({ wrap: announcing(() => false, true) });
    const peer = await world.enter();
    await peer.subscribe();
    world.broker.faults.set('read', 'before');
    await world.fill(3);
    await world.settle();
    await world.passMs(5_000);
    expect(peer.view().offsets).toEqual([]);
    expect(world.logged.map(({ level }) => level)).toContain('warn');
    world.broker.faults.clear();
    await world.passMs(1_000);
    expect(peer.view()).toMatchObject({ offsets: [1, 2, 3], gaps: [] });
  });

  it('while someone catches up: goes on where it stopped', async () => {
    const world = new World({ ringBytes: 1_000 });
    await world.fill(200);
    const peer = await world.enter();
    world.broker.faults.set('read', 'before');
    await peer.subscribe({ after: { epoch: 'epoch-1', offset: 0 } });
    expect(peer.view()).toMatchObject({ cursor: 0, synced: 0 });
    world.broker.faults.clear();
    await world.passMs(1_000);
    expect(peer.view()).toMatchObject({ offsets: range(0, 200), gaps: [], synced: 1 });
  });

  it('while another history is loaded: everyone gets it when the broker is back', async () => {
    const world = new World();
    await world.fill(5);
    const peer = await world.enter();
    await peer.subscribe();
    world.broker.faults.set('readBack', 'before');
    await world.store.remove(LOBBY);
    await world.fill(2);
    await world.settle();
    await world.passMs(3_000);
    const late = await world.enter('bob');
    expect(await late.fail({ type: 'subscribe', stream: LOBBY, last: 5 })).toMatchObject({ code: 'unavailable' });
    world.broker.faults.clear();
    expect(await late.subscribe({ last: 5 })).toMatchObject({ epoch: 'epoch-2', offsets: [1, 2], gaps: [] });
    expect(peer.view()).toMatchObject({ epoch: 'epoch-2', offsets: [1, 2], gaps: [{ reason: 'epoch' }] });
  });

  it.each(['watch', 'readBack'] as const)(
    'at a subscribe (%s): unavailable, and nothing is left behind',
    async (method) => {
      const world = new World();
      await world.fill(1);
      const peer = await world.enter();
      world.broker.faults.set(method, 'before');
      const error = await peer.fail({ type: 'subscribe', stream: LOBBY });
      expect(error).toMatchObject({ code: 'unavailable', retry: true, outcome: 'refused', afterMs: 1_000 });
      expect(world.engine.hub.activeStreams).toBe(0);
      expect(world.broker.watches).toBe(0);
      world.broker.faults.clear();
      expect(await peer.subscribe({ last: 1 })).toMatchObject({ offsets: [1] });
    },
  );

  it('does not keep a stream that nobody watches any more', async () => {
    const world = new World();
    await world.fill(1);
    const peer = await world.enter();
    await peer.subscribe();
    world.broker.faults.set('readBack', 'before');
    await world.store.remove(LOBBY);
    await world.fill(1);
    await world.settle();
    peer.vanish();
    await world.passMs(32_000);
    expect(world.engine.hub.activeStreams).toBe(0);
    expect(world.broker.watches).toBe(0);
  });

  it('fails in other ways too: internal, and logged', async () => {
    const world = new World();
    const peer = await world.enter();
    world.broker.faults.set('watch', 'before');
    world.broker.error = () => new Error('a bug');
    expect(await peer.fail({ type: 'subscribe', stream: LOBBY })).toMatchObject({ code: 'internal', retry: false });
    expect(world.logged.at(-1)).toMatchObject({ level: 'error' });
  });
});
