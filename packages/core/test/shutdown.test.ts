// The end of an engine under its clients: drain, goodbye, and what was in work at that moment.

import { memoryBroker } from '@trunkline/broker';
import { seeded } from '@trunkline/broker/contract';
import { CLOSE, type Goodbye, type PublishOk, type ServerMessage } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { defaultSpreadMs } from '../src/index.js';
import { LOBBY, type Peer, World } from './support/world.js';

/** A connection whose client names these features. */
async function enter(world: World, user: string, features: readonly string[] = ['drain']): Promise<Peer> {
  const peer = world.connect();
  peer.say({ type: 'hello', version: 1, token: user, features });
  await world.settle();
  peer.connection.fresh();
  return peer;
}

const drains = (peer: Peer): ServerMessage[] => peer.connection.messages.filter(({ type }) => type === 'drain');
const goodbyeOf = (peer: Peer) =>
  peer.connection.messages.find((message): message is Goodbye => message.type === 'goodbye');

/** Follows a promise without waiting for it. */
function watched(promise: Promise<unknown>): { isDone: boolean } {
  const state = { isDone: false };
  void promise.then(() => {
    state.isDone = true;
  });
  return state;
}

describe('CON-8: drain', () => {
  it('is said to who knows the word, and to nobody else', async () => {
    const world = new World();
    const [ada, old, mute] = [await enter(world, 'ada'), await enter(world, 'old', ['seen']), world.connect()];
    void world.engine.drain(20_000, 10_000);
    expect(drains(ada)).toEqual([{ type: 'drain', withinMs: 20_000, spreadMs: 10_000 }]);
    expect(drains(old)).toEqual([]);
    expect(mute.connection.messages).toEqual([]);
  });

  it('has no spread beyond its own time', async () => {
    const world = new World();
    const ada = await enter(world, 'ada');
    void world.engine.drain(300, 10_000);
    expect(drains(ada)).toEqual([{ type: 'drain', withinMs: 300, spreadMs: 300 }]);
  });

  it('is said to who comes in meanwhile, with the time that is left', async () => {
    const world = new World();
    const first = await enter(world, 'ada');
    void world.engine.drain(20_000, 15_000);
    await world.passMs(8_000);
    const late = await enter(world, 'bob');
    expect(late.connection.messages.map(({ type }) => type)).toEqual(['welcome', 'drain']);
    expect(drains(late)).toEqual([{ type: 'drain', withinMs: 12_000, spreadMs: 12_000 }]);
    expect(drains(first)).toHaveLength(1);
  });

  it('leaves everything as it was until the client goes', async () => {
    const world = new World();
    const [ada, bob] = [await enter(world, 'ada'), await enter(world, 'bob')];
    await ada.subscribe();
    void world.engine.drain(20_000, 0);
    expect(await bob.publish(1, { text: 'still here' })).toMatchObject({ type: 'ok', offset: 1 });
    await world.passMs(5_000);
    expect(await bob.publish(2, { text: 'and here' })).toMatchObject({ type: 'ok', offset: 2 });
    expect(ada.view().data).toEqual([{ text: 'still here' }, { text: 'and here' }]);
    expect(ada.connection.closedWith).toBeNull();
  });

  it('is over as soon as the last one has left', async () => {
    const world = new World();
    const [ada, bob] = [await enter(world, 'ada'), await enter(world, 'bob', [])];
    const over = watched(world.engine.drain(20_000, 0));
    ada.vanish();
    await world.passMs(1_000);
    expect(over.isDone).toBe(false);
    bob.vanish();
    await world.settle();
    expect(over.isDone).toBe(true);
  });

  it('is over at once when nobody is there', async () => {
    const over = watched(new World().engine.drain(20_000, 0));
    await Promise.resolve();
    expect(over.isDone).toBe(true);
  });

  it.each([
    [19_999, false],
    [20_000, true],
  ])('of 20 s: after %i ms over: %s', async (ms, isOver) => {
    const world = new World();
    const ada = await enter(world, 'ada');
    const over = watched(world.engine.drain(20_000, 0));
    world.clock.advanceMs(ms);
    await world.settle();
    expect(over.isDone).toBe(isOver);
    expect(ada.connection.closedWith).toBeNull();
  });

  it('ends when the engine is stopped', async () => {
    const world = new World();
    const ada = await enter(world, 'ada');
    const over = watched(world.engine.drain(20_000, 0));
    await world.engine.stop('now');
    expect(over.isDone).toBe(true);
    expect(ada.connection.closedWith?.code).toBe(CLOSE.goingAway);
    expect(world.clock.timers).toBe(0);
  });
});

describe('CON-6: goodbye with requests in work', () => {
  it('closes when they are answered, and answers nothing that came after it', async () => {
    const world = new World();
    const [busy, idle] = [await world.enter('ada'), await world.enter('bob')];
    const release = world.broker.hold('append');
    const id = busy.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 'in work' });
    await world.settle();
    const stopped = watched(world.engine.stop('bye', { finishMs: 2_500 }));
    expect(idle.connection.closedWith?.code).toBe(CLOSE.goingAway);
    expect(goodbyeOf(busy)).toBeDefined();
    expect(busy.connection.closedWith).toBeNull();
    const late = busy.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 2, data: 'too late' });
    await world.settle();
    release();
    await world.settle();
    expect(busy.answerTo(id)).toMatchObject({ type: 'ok', offset: 1 });
    expect(busy.answersTo(late)).toEqual([]);
    expect(busy.connection.closedWith?.code).toBe(CLOSE.goingAway);
    expect(stopped.isDone).toBe(true);
    expect(await world.store.readBack(LOBBY, undefined, { entries: 9 })).toMatchObject({ offset: 1 });
  });

  it.each([
    [2_499, false],
    [2_500, true],
  ])('waits 2.5 s for a hook that never returns: after %i ms closed: %s', async (ms, isClosed) => {
    const world = new World({ chat: { onPublish: () => new Promise(() => {}) } });
    const peer = await world.enter('ada');
    const id = peer.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 'stuck' });
    await world.settle();
    const stopped = watched(world.engine.stop('bye', { finishMs: 2_500 }));
    world.clock.advanceMs(ms);
    await world.settle();
    expect(peer.connection.closedWith !== null).toBe(isClosed);
    expect(stopped.isDone).toBe(isClosed);
    expect(peer.answersTo(id)).toEqual([]);
    if (isClosed) expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });

  it('lets the ones that were cut off be sent again elsewhere: nothing lost, nothing twice', async () => {
    const store = memoryBroker();
    const [before, after] = [new World({ store }), new World({ store })];
    const peer = await before.enter('ada');
    const release = before.broker.hold('append');
    // Two are on their way to the store when the server goes; nobody has answered for them.
    for (const seq of [1, 2]) peer.request({ type: 'publish', stream: LOBBY, producer: 'p', seq, data: seq });
    await before.settle();
    await before.engine.stop('bye');
    expect(peer.connection.closedWith?.code).toBe(CLOSE.goingAway);
    const again = await after.enter('ada');
    const first = (await again.publish(1, 1, 'p')) as PublishOk;
    // The old server's storing of both takes effect only now, in between.
    release();
    await before.settle();
    const second = (await again.publish(2, 2, 'p')) as PublishOk;
    expect([first.offset, second.offset]).toEqual([1, 2]);
    const { entries } = await store.readBack(LOBBY, undefined, { entries: 9 });
    expect(entries.map(({ data }) => data)).toEqual(['1', '2']);
  });

  it('is said at once to who connects after it', async () => {
    const world = new World();
    await world.enter('ada');
    void world.engine.stop('bye', { spreadMs: 900 });
    const late = world.connect();
    expect(late.connection.messages).toEqual([
      { type: 'goodbye', code: 1001, reason: 'bye', afterMs: 0, spreadMs: 900 },
    ]);
    expect(late.connection.closedWith).toEqual({ code: CLOSE.goingAway, reason: 'bye' });
    expect(world.leftovers.sessions).toBe(0);
  });

  it('is not said twice', async () => {
    const world = new World();
    const peer = await world.enter('ada');
    await Promise.all([world.engine.stop('one'), world.engine.stop('two')]);
    expect(peer.connection.messages.filter(({ type }) => type === 'goodbye')).toHaveLength(1);
  });
});

describe('the spread', () => {
  it.each([
    [0, 500],
    [2_500, 500],
    [2_501, 501],
    [5_000, 1_000],
    [50_000, 10_000],
  ])('of %i connections is %i ms', (connections, spreadMs) => {
    expect(defaultSpreadMs(connections)).toBe(spreadMs);
  });

  it('brings 5,000 clients back evenly: no hundredth of a second gets more than twice its share', async () => {
    const seed = 7;
    const random = seeded(seed);
    const world = new World();
    const peers = await Promise.all(Array.from({ length: 5_000 }, (_, index) => enter(world, `user-${index}`)));
    expect(world.engine.sessions.size).toBe(5_000);

    // Told to move: within the spread of 1 s, each at a moment of its own.
    void world.engine.drain(20_000);
    const moves = peers.map((peer) => {
      const [drain] = drains(peer);
      if (drain?.type !== 'drain') throw new Error('not told to move');
      return random() * drain.spreadMs;
    });
    expect(mostPerBucket(moves, 10), `seed ${seed}`).toBeLessThanOrEqual(100);
    expect(Math.max(...moves)).toBeLessThan(1_000);

    // Told to go: CON-6's rule, `afterMs` and a random part of `spreadMs`.
    await world.engine.stop('bye');
    const returns = peers.map((peer) => {
      const { afterMs = 0, spreadMs = 0 } = goodbyeOf(peer) ?? {};
      return afterMs + random() * spreadMs;
    });
    expect(mostPerBucket(returns, 10), `seed ${seed}`).toBeLessThanOrEqual(100);
    expect(Math.max(...returns)).toBeGreaterThan(900);
    expect(world.engine.sessions.size).toBe(0);
  });
});

/** The fullest bucket of a histogram of moments. */
function mostPerBucket(moments: readonly number[], bucketMs: number): number {
  const counts = new Map<number, number>();
  for (const moment of moments) {
    const bucket = Math.floor(moment / bucketMs);
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return Math.max(...counts.values());
}
