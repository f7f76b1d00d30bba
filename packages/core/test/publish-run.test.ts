// Publishes that come one behind the other travel as a run. Each is still stored, or refused, and answered by itself.

import { describe, expect, it } from 'vitest';
import { MAX_RUN } from './support/controlled-broker.js';
import { LOBBY, type Peer, World } from './support/world.js';

const entries = async (world: World) => (await world.store.readBack(LOBBY, undefined, { entries: 1_000 })).entries;
const stored = async (world: World): Promise<unknown[]> => (await entries(world)).map(({ data }) => JSON.parse(data));

const send = (peer: Peer, seq: number, producer = 'p1') =>
  peer.request({ type: 'publish', stream: LOBBY, producer, seq, data: seq });
const burst = (peer: Peer, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => send(peer, from + index));

/** A peer whose producer is known by now. */
async function known(world: World, user?: string): Promise<Peer> {
  const peer = await world.enter(user);
  send(peer, 1);
  await world.settle();
  peer.connection.fresh();
  return peer;
}

describe('a burst', () => {
  it.each([1, MAX_RUN - 1, MAX_RUN, MAX_RUN + 1, 2 * MAX_RUN + 1])(
    'of %i is answered by a message for each run',
    async (count) => {
      const world = new World({ limits: { publishRatePerSecond: 100, publishBurst: 100 } });
      const peer = await known(world);
      const before = peer.connection.texts.length;
      const ids = burst(peer, 2, count + 1);
      await world.settle();
      expect(peer.connection.texts.length - before).toBe(Math.ceil(count / MAX_RUN));
      for (const [index, id] of ids.entries()) {
        const at = world.clock.nowMs();
        expect(peer.answerTo(id)).toEqual({ type: 'ok', id, epoch: 'epoch-1', offset: index + 2, at });
      }
      expect(await stored(world)).toEqual([1, ...ids.map((_, index) => index + 2)]);
    },
  );

  it('that is cut by a refusal is stored around it', async () => {
    const world = new World({ chat: { validate: (value) => (value === 3 ? { problem: 'three' } : { value }) } });
    const peer = await known(world);
    const [second, third, fourth] = burst(peer, 2, 4) as [number, number, number];
    await world.settle();
    expect(peer.answerTo(second)).toMatchObject({ type: 'ok', offset: 2 });
    expect(peer.answerTo(third)).toMatchObject({ type: 'error', code: 'invalid' });
    expect(peer.answerTo(fourth)).toMatchObject({ type: 'ok', offset: 3 });
  });

  it('is of whom it was when each was sent', async () => {
    const names = ['Ada', 'Countess'];
    const authenticate = async () => ({ id: 'ada', user: {}, publicUser: names.shift() ?? 'nobody' });
    const world = new World({ authenticate });
    const peer = await known(world);
    // Runs that would take more all the time.
    const runs: (string | null)[][] = [];
    world.broker.beginRun = (_stream, { user, data }) => {
      const run = [user, data];
      runs.push(run);
      return { add: (more) => run.push(more) > 0 };
    };
    burst(peer, 2, 3);
    await peer.do({ type: 'refresh', token: 'newer' });
    burst(peer, 4, 5);
    await world.settle();
    expect(runs).toEqual([
      ['"Ada"', '2', '3'],
      ['"Countess"', '4', '5'],
    ]);
  });

  it('to two logs, by two producers, and at two times is told apart', async () => {
    const world = new World({ limits: { publishRatePerSecond: 100, publishBurst: 100 } });
    const peer = await known(world);
    send(peer, 1, 'p2');
    await world.settle();
    send(peer, 2);
    send(peer, 2, 'p2');
    send(peer, 3, 'p2');
    world.clock.advanceMs(5);
    send(peer, 4, 'p2');
    send(peer, 6, 'p2');
    await world.settle();
    const told = (await entries(world)).map(({ source, at }) => [source?.producer, source?.seq, at]);
    const at = world.clock.nowMs();
    expect(told.slice(2)).toEqual([
      ['ada/p1', 2, at - 5],
      ['ada/p2', 2, at - 5],
      ['ada/p2', 3, at - 5],
      ['ada/p2', 4, at],
      ['ada/p2', 6, at],
    ]);
  });
});

describe('a run on its way', () => {
  it('answers those who send one of it again on another connection, and stores it once', async () => {
    const world = new World();
    const [old, fresh] = [await known(world), await world.enter()];
    const open = world.broker.hold('append');
    burst(old, 2, 4);
    await world.settle();
    old.vanish();
    const again = burst(fresh, 2, 5);
    await world.settle();
    open();
    await world.settle();
    expect(again.map((id) => fresh.answerTo(id))).toMatchObject([2, 3, 4, 5].map((offset) => ({ type: 'ok', offset })));
    expect(await stored(world)).toEqual([1, 2, 3, 4, 5]);
  });

  it.each(['before', 'after'] as const)(
    'that fails %s it is stored is asked about: sent again, it is stored once',
    async (fault) => {
      const world = new World();
      const peer = await known(world);
      world.broker.faults.set('append', fault);
      const failed = burst(peer, 2, 4);
      await world.settle();
      for (const id of failed) expect(peer.answerTo(id)).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
      world.broker.faults.clear();
      const again = burst(peer, 2, 4);
      await world.settle();
      expect(again.map((id) => peer.answerTo(id))).toMatchObject([2, 3, 4].map((offset) => ({ type: 'ok', offset })));
      expect(await stored(world)).toEqual([1, 2, 3, 4]);
    },
  );

  it('that fails holds up what comes after it until it comes again', async () => {
    const world = new World();
    const peer = await known(world);
    world.broker.faults.set('append', 'before');
    burst(peer, 2, 4);
    await world.settle();
    world.broker.faults.clear();
    const late = send(peer, 5);
    await world.settle();
    expect(peer.answerTo(late)).toMatchObject({ type: 'error', code: 'unavailable', retry: true });
    expect(await stored(world)).toEqual([1]);
  });

  it('that is known to another node is answered with what that one stored', async () => {
    const world = new World();
    const peer = await known(world);
    const source = (seq: number) => ({ producer: 'ada/p1', seq });
    const entry = { at: 7, user: null };
    await world.store.append(LOBBY, [{ ...entry, data: '"elsewhere"', source: source(2) }]);
    await world.store.append(LOBBY, [{ ...entry, data: '"elsewhere"', source: source(4) }]);
    const ids = burst(peer, 2, 5);
    await world.settle();
    expect(peer.answerTo(ids[0] as number)).toMatchObject({ type: 'ok', offset: 2, at: 7 });
    expect(peer.answerTo(ids[1] as number)).toMatchObject({ type: 'error', code: 'conflict' });
    expect(peer.answerTo(ids[2] as number)).toMatchObject({ type: 'ok', offset: 3, at: 7 });
    expect(peer.answerTo(ids[3] as number)).toMatchObject({ type: 'ok', offset: 4 });
  });

  it('is answered before a connection leaves', async () => {
    const world = new World();
    const peer = await known(world);
    const open = world.broker.hold('append');
    const ids = burst(peer, 2, 4);
    const stopped = world.engine.stop('the end', { finishMs: 5_000 });
    await world.settle();
    expect(peer.connection.closedWith).toBeNull();
    open();
    await world.settle();
    await stopped;
    for (const id of ids) expect(peer.answerTo(id)).toMatchObject({ type: 'ok' });
    expect(peer.connection.closedWith).toMatchObject({ code: 1001 });
  });

  it('counts each of its publishes among the requests in work', async () => {
    const world = new World({ limits: { maxRequestsInWork: 4 } });
    const peer = await known(world);
    const open = world.broker.hold('append');
    burst(peer, 2, 4);
    await world.settle();
    expect(peer.connection.isPaused).toBe(false);
    const ids = burst(peer, 5, 6);
    await world.settle();
    expect(peer.connection.isPaused).toBe(true);
    expect(world.broker.calls.append).toBe(1 + 4);
    open();
    await world.settle();
    expect(peer.connection.isPaused).toBe(false);
    for (const id of ids) expect(peer.answerTo(id)).toMatchObject({ type: 'ok' });
  });
});
