// Calls that run once: repeats, over connections, nodes and restarts; a store that fails in between.

import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.js';
import { World, type WorldOptions } from './support/world.js';

async function begin(options: WorldOptions = {}) {
  const desk = new Desk();
  const world = new World({ procedures: desk.procedures, ...options });
  return { desk, world, peer: await world.enter() };
}
const CALL = { type: 'call', procedure: 'order', data: { n: 1 } } as const;
const ONCE = { ...CALL, producer: 'p1', seq: 1 } as const;
const DAY_MS = 24 * 3_600_000;

describe('PRO-3: with producer and seq', () => {
  it('a repeat is answered with the first result, over any connection of the user', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(ONCE);
    await world.settle();
    expect(desk.last.source).toEqual({ producer: 'p1', seq: 1 });
    desk.last.done({ output: { price: 11, text: '{"}\u2028' } });
    await world.settle();
    const first = peer.answerTo(id);
    expect(first).toMatchObject({ data: { price: 11 } });
    const other = await world.enter();
    // Whatever it names now: the number says which call it was.
    const again = await other.do({ ...ONCE, data: 'nonsense' });
    expect({ ...again, id }).toEqual(first);
    expect(desk.runs).toHaveLength(1);
  });

  it('the producer belongs to its user, and each seq is a call', async () => {
    const { desk, world, peer } = await begin();
    const bob = await world.enter('bob');
    peer.request(ONCE);
    bob.request(ONCE);
    peer.request({ ...ONCE, seq: 2 });
    peer.request({ ...ONCE, producer: 'p2' });
    await world.settle();
    expect(desk.runs).toHaveLength(4);
  });

  it('a repeat while the first one runs is told to come again, and hears the result then', async () => {
    const { desk, world, peer } = await begin();
    peer.request(ONCE);
    await world.settle();
    const other = await world.enter();
    expect(await other.fail(ONCE)).toMatchObject({
      code: 'unavailable',
      retry: true,
      outcome: 'unknown',
      afterMs: 500,
    });
    desk.last.done({ output: 7 });
    await world.settle();
    expect(await other.do(ONCE)).toMatchObject({ data: 7 });
    expect(desk.runs).toHaveLength(1);
  });

  it('it runs on when its connection ends', async () => {
    const { desk, world, peer } = await begin();
    peer.request(ONCE);
    await world.settle();
    peer.vanish();
    expect(desk.last.stopped).toEqual([]);
    expect(desk.last.progress('to nobody')).toBe(false);
    desk.last.done({ output: 7 });
    await world.settle();
    expect(await (await world.enter()).do(ONCE)).toMatchObject({ data: 7 });
  });

  it('refusals and failures are kept like results', async () => {
    const { desk, world, peer } = await begin();
    const ends: ((desk: Desk) => void)[] = [
      () => desk.last.done({ refusal: { code: 'sold_out', message: 'none left' } }),
      () => desk.last.fail(new Error('broken')),
    ];
    for (const [index, end] of ends.entries()) {
      const id = peer.request({ ...ONCE, seq: index + 1 });
      await world.settle();
      end(desk);
      await world.settle();
      const first = peer.answerTo(id);
      expect(first).toMatchObject({ type: 'error', retry: false });
      expect({ ...(await peer.fail({ ...ONCE, seq: index + 1 })), id }).toEqual(first);
    }
    expect(desk.runs).toHaveLength(2);
  });

  it('what was refused before it ran was not begun: it may be sent again', async () => {
    const { desk, world, peer } = await begin({ limits: { maxCallsInWork: 1 } });
    desk.denied.add('ada');
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'forbidden', outcome: 'refused' });
    desk.denied.clear();
    peer.request(CALL);
    await world.settle();
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'rate_limited', retry: true });
    expect(world.broker.calls.begin).toBe(0);
    desk.last.done({ output: 1 });
    await world.settle();
    peer.request(ONCE);
    await world.settle();
    expect(desk.runs).toHaveLength(2);
  });

  it('known already comes before the limits', async () => {
    const { desk, world, peer } = await begin({ limits: { maxCallsInWork: 1 } });
    peer.request(ONCE);
    await world.settle();
    desk.last.done({ output: 7 });
    await world.settle();
    peer.request(CALL);
    desk.denied.add('ada');
    await world.settle();
    expect(await peer.do(ONCE)).toMatchObject({ data: 7 });
  });

  it('is kept for 24 hours', async () => {
    const { desk, world, peer } = await begin();
    peer.request(ONCE);
    await world.settle();
    desk.last.done({ output: 7 });
    await world.settle();
    peer.vanish();
    world.clock.jumpMs(DAY_MS - 1);
    expect(await (await world.enter()).do(ONCE)).toMatchObject({ data: 7 });
    world.clock.jumpMs(1);
    const late = await world.enter();
    late.request(ONCE);
    await world.settle();
    expect(desk.runs).toHaveLength(2);
  });

  it('after its deadline it is told to stop; what it returns all the same is what a repeat hears', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request({ ...ONCE, deadlineMs: 1_000 });
    await world.settle();
    await world.passMs(1_000);
    expect(desk.last.stopped).toHaveLength(1);
    expect(peer.answerTo(id)).toMatchObject({ code: 'unavailable', retry: false, outcome: 'unknown' });
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'unavailable', retry: true });
    desk.last.done({ output: 'late' });
    await world.settle();
    expect(await peer.do(ONCE)).toMatchObject({ data: 'late' });
  });

  it('one that obeys and throws is kept as unknown, and is no failure', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(ONCE);
    await world.settle();
    peer.say({ type: 'cancel', id });
    desk.last.fail(new Error('aborted'));
    await world.settle();
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'unavailable', retry: false, outcome: 'unknown' });
    expect(world.logged).toEqual([]);
    expect(desk.runs).toHaveLength(1);
  });

  it('cancelled while it is being begun it never runs, and a repeat hears that', async () => {
    const { desk, world, peer } = await begin();
    const open = world.broker.hold('begin');
    const id = peer.request(ONCE);
    await world.settle();
    peer.say({ type: 'cancel', id });
    open();
    await world.settle();
    expect(desk.runs).toEqual([]);
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'unavailable', retry: false, outcome: 'refused' });
    expect(desk.runs).toEqual([]);
  });

  it('rights that end while it is being begun: it never runs', async () => {
    const { desk, world, peer } = await begin();
    const open = world.broker.hold('begin');
    const id = peer.request(ONCE);
    await world.settle();
    desk.denied.add('ada');
    const revoked = world.engine.revoke('ada');
    open();
    await revoked;
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ code: 'forbidden', outcome: 'refused' });
    expect(desk.runs).toEqual([]);
    desk.denied.clear();
    expect(await peer.fail(ONCE)).toMatchObject({ code: 'forbidden' });
  });

  it('after a restart the result is there; of one that was cut off nobody knows', async () => {
    const { desk, world, peer } = await begin();
    peer.request(ONCE);
    peer.request({ ...ONCE, seq: 2 });
    await world.settle();
    desk.runs[0]?.done({ output: 7 });
    await world.settle();
    const next = await begin({ store: world.store, clock: world.clock });
    expect(await next.peer.do(ONCE)).toMatchObject({ data: 7 });
    expect(await next.peer.fail({ ...ONCE, seq: 2 })).toMatchObject({
      code: 'unavailable',
      retry: false,
      outcome: 'unknown',
    });
    expect(next.desk.runs).toEqual([]);
  });

  it('two that begin at once on two nodes: one runs', async () => {
    const { desk, world, peer } = await begin();
    const other = await begin({ store: world.store, clock: world.clock });
    const [open, openOther] = [world.broker.hold('begin'), other.world.broker.hold('begin')];
    peer.request(ONCE);
    const id = other.peer.request(ONCE);
    await world.settle();
    open();
    openOther();
    await world.settle();
    expect([desk.runs.length, other.desk.runs.length]).toEqual([1, 0]);
    expect(other.peer.answerTo(id)).toMatchObject({ outcome: 'unknown' });
  });

  it.each(['recall', 'begin'] as const)(
    'a store that fails at %s: nothing runs, and it may be sent again',
    async (method) => {
      const { desk, world, peer } = await begin();
      world.broker.faults.set(method, 'before');
      expect(await peer.fail(ONCE)).toMatchObject({ code: 'unavailable', retry: true, outcome: 'unknown' });
      expect(desk.runs).toEqual([]);
      world.broker.faults.clear();
      peer.request(ONCE);
      await world.settle();
      expect(desk.runs).toHaveLength(1);
    },
  );

  it('a store that cannot keep the result: its caller hears it, a repeat hears that nobody knows', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(ONCE);
    await world.settle();
    world.broker.faults.set('finish', 'before');
    desk.last.done({ output: 7 });
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ data: 7 });
    expect(world.logged).toMatchObject([{ level: 'error' }]);
    expect(await peer.fail(ONCE)).toMatchObject({ retry: false, outcome: 'unknown' });
    expect(desk.runs).toHaveLength(1);
  });
});
