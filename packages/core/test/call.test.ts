// Calls of procedures: answers, the order of the checks, deadlines, cancellation, progress, the end of a connection.

import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.js';
import { enterReporting, report } from './support/receiver.js';
import { World, type WorldOptions } from './support/world.js';

async function begin(options: WorldOptions = {}) {
  const desk = new Desk();
  const world = new World({ procedures: desk.procedures, ...options });
  return { desk, world, peer: await world.enter() };
}
const CALL = { type: 'call', procedure: 'order', data: { n: 1 } } as const;
const STOPPED = { type: 'error', code: 'unavailable', retry: false };

describe('PRO-1: a call', () => {
  it('runs with its input and user, and is answered with what the run returns', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    expect(desk.last).toMatchObject({ input: { n: 1 }, user: { id: 'ada' } });
    expect(desk.last).not.toHaveProperty('source');
    desk.last.done({ output: { __proto__: null, price: 11, text: '\u2028 "🦊"' } });
    await world.settle();
    expect(peer.answerTo(id)).toEqual({ type: 'ok', id, data: { price: 11, text: '\u2028 "🦊"' } });
    expect(world.clock.timers, 'the deadline is gone, the sweep is there').toBe(1);
  });

  it('nothing is null on the wire', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    desk.last.done({ output: undefined });
    await world.settle();
    expect(peer.answerTo(id)).toEqual({ type: 'ok', id, data: null });
  });

  it('a refusal names its rule', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    desk.last.done({ refusal: { code: 'sold_out', message: 'There are none left' } });
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({
      code: 'refused',
      refusal: 'sold_out',
      message: 'There are none left',
      retry: false,
      outcome: 'refused',
    });
  });

  it('of a procedure that there is not is not found, however it is named', async () => {
    const { peer } = await begin();
    for (const procedure of ['orders', '__proto__', 'constructor', 'x'.repeat(256)]) {
      expect(await peer.fail({ ...CALL, procedure })).toMatchObject({ code: 'not_found', outcome: 'refused' });
    }
    expect(await peer.fail({ ...CALL, procedure: 'x'.repeat(257) })).toMatchObject({ code: 'invalid' });
    const bare = await new World().enter();
    expect(await bare.fail(CALL)).toMatchObject({ code: 'not_found' });
  });

  it('the order of the checks: limits, shape, may this user, run', async () => {
    const { desk, world, peer } = await begin({ limits: { maxCallsInWork: 1, maxEntryBytes: 100 } });
    desk.denied.add('ada');
    expect(await peer.fail({ ...CALL, data: 'nonsense' })).toMatchObject({ code: 'invalid', outcome: 'refused' });
    expect(desk.asked).toEqual([]);
    expect(await peer.fail(CALL)).toMatchObject({ code: 'forbidden', outcome: 'refused' });
    desk.denied.clear();
    peer.request(CALL);
    await world.settle();
    expect(await peer.fail({ ...CALL, data: 'nonsense' })).toMatchObject({ code: 'rate_limited', retry: true });
    expect(desk.runs).toHaveLength(1);
    expect(desk.asked).toEqual(['ada {"n":1}', 'ada {"n":1}']);
  });

  it.each([
    [100, 'ok'],
    [101, 'too_large'],
  ])('input and result of %i bytes: %s', async (bytes, outcome) => {
    const { desk, world, peer } = await begin({ limits: { maxEntryBytes: 100 } });
    const data = 'x'.repeat(bytes - 2);
    const id = peer.request({ ...CALL, data });
    await world.settle();
    expect(desk.runs).toHaveLength(outcome === 'ok' ? 1 : 0);
    if (outcome !== 'ok') expect(peer.answerTo(id)).toMatchObject({ code: outcome, outcome: 'refused' });
    const other = peer.request(CALL);
    await world.settle();
    desk.last.done({ output: data });
    await world.settle();
    // It has run: that its result was too large does not undo it.
    expect(peer.answerTo(other)).toMatchObject(outcome === 'ok' ? { data } : { code: outcome, outcome: 'unknown' });
  });

  it('is judged again if the rights change before it runs, not after', async () => {
    const { desk, world, peer } = await begin();
    const open = desk.hold();
    const id = peer.request(CALL);
    await world.settle();
    desk.denied.add('ada');
    const revoked = world.engine.revoke('ada');
    open();
    await revoked;
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ code: 'forbidden' });
    expect(desk.runs).toEqual([]);

    desk.denied.clear();
    const runs = peer.request(CALL);
    await world.settle();
    desk.denied.add('ada');
    await world.engine.revoke('ada');
    desk.last.done({ output: 1 });
    await world.settle();
    expect(peer.answerTo(runs)).toMatchObject({ type: 'ok', data: 1 });
  });

  it.each([
    ['throws', (desk: Desk) => desk.last.fail(new Error('secret'))],
    ['returns what is no JSON value', (desk: Desk) => desk.last.done({ output: 1n })],
  ])('a run that %s: internal, logged, and nobody knows what it did', async (_, end) => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    end(desk);
    await world.settle();
    const answer = peer.answerTo(id);
    expect(answer).toMatchObject({ code: 'internal', retry: false, outcome: 'unknown' });
    expect(JSON.stringify(answer)).not.toContain('secret');
    expect(world.logged).toMatchObject([{ level: 'error' }]);
  });

  it('an id that is in work is a conflict, and the first call is answered', async () => {
    const { desk, world, peer } = await begin();
    peer.say({ ...CALL, id: 7 }, { ...CALL, id: 7 });
    await world.settle();
    expect(peer.answersTo(7)).toMatchObject([{ code: 'conflict' }]);
    desk.last.done({ output: 1 });
    await world.settle();
    expect(peer.answersTo(7)).toMatchObject([{ code: 'conflict' }, { data: 1 }]);
  });

  it('is answered before slices of the same turn', async () => {
    const { desk, world, peer } = await begin();
    await peer.subscribe();
    const id = peer.request(CALL);
    await world.settle();
    peer.connection.fresh();
    await world.engine.publish('chat', ['lobby'], { text: 'hi' });
    desk.last.done({ output: 1 });
    await world.settle();
    expect(peer.connection.fresh().map(({ type }) => type)).toEqual(['ok', 'entries']);
    expect(peer.answerTo(id)).toMatchObject({ data: 1 });
  });
});

describe('PRO-2: while it runs', () => {
  it('progress comes before the answer, and none after it', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    const { progress, done } = desk.last;
    expect([progress({ step: 'checking' }), progress(2)]).toEqual([true, true]);
    done({ output: 3 });
    await world.settle();
    expect(progress(4)).toBe(false);
    expect(peer.connection.fresh()).toEqual([
      { type: 'progress', id, data: { step: 'checking' } },
      { type: 'progress', id, data: 2 },
      { type: 'ok', id, data: 3 },
    ]);
  });

  it('progress is left out while the receiver is behind: the answer does not queue behind it', async () => {
    const desk = new Desk();
    const world = new World({ procedures: desk.procedures });
    const peer = await enterReporting(world);
    report(peer);
    const id = peer.request(CALL);
    await world.settle();
    const text = 'x'.repeat(10_000);
    const sent = Array.from({ length: 20 }, () => desk.last.progress(text));
    expect(sent.indexOf(false)).toBe(7);
    expect(sent.lastIndexOf(true)).toBe(6);
    report(peer);
    expect(desk.last.progress('after a report')).toBe(true);
    desk.last.done({ output: 1 });
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ type: 'ok' });
  });

  it('progress that is no JSON, or too large, throws into the run', async () => {
    const { desk, world, peer } = await begin({ limits: { maxEntryBytes: 100 } });
    peer.request(CALL);
    await world.settle();
    expect(desk.last.progress('x'.repeat(98))).toBe(true);
    expect(() => desk.last.progress('x'.repeat(99))).toThrow('101 bytes');
    expect(() => desk.last.progress(1n)).toThrow('not a JSON value');
  });

  it.each([
    ['its own deadline', { deadlineMs: 5_000 }, 5_000],
    ['the usual one', {}, 30_000],
    ['the longest one', { deadlineMs: 86_400_000 }, 600_000],
  ])('%s: told to stop, answered with unavailable, and its place is another’s', async (_, given, deadlineMs) => {
    const { desk, world, peer } = await begin({ limits: { maxCallsInWork: 1 }, pingMs: 10_000_000 });
    const id = peer.request({ ...CALL, ...given });
    await world.settle();
    const { stopped } = desk.last;
    await world.passMs(deadlineMs - 1);
    expect([stopped, peer.answersTo(id)]).toEqual([[], []]);
    await world.passMs(1);
    expect(stopped).toHaveLength(1);
    expect(peer.answerTo(id)).toMatchObject({ ...STOPPED, outcome: 'unknown' });
    peer.request(CALL);
    await world.settle();
    expect(desk.runs).toHaveLength(2);
    desk.runs[0]?.done({ output: 'too late' });
    desk.runs[0]?.fail(new Error('ignored'));
    await world.settle();
    expect(peer.answersTo(id)).toHaveLength(1);
    expect(world.logged).toEqual([]);
  });

  it('deadlines are options of the server', async () => {
    const { desk, world, peer } = await begin({ callDeadlineMs: 100, maxCallDeadlineMs: 200 });
    peer.request(CALL);
    peer.request({ ...CALL, deadlineMs: 1_000 });
    await world.settle();
    await world.passMs(100);
    expect(desk.runs.map(({ stopped }) => stopped.length)).toEqual([1, 0]);
    await world.passMs(100);
    expect(desk.runs.map(({ stopped }) => stopped.length)).toEqual([1, 1]);
  });

  it('cancel: the same, at once, also with further requests waiting, and has no answer of its own', async () => {
    const { desk, world, peer } = await begin({ limits: { maxRequestsInWork: 1 } });
    const id = peer.request(CALL);
    const other = peer.request(CALL);
    await world.settle();
    expect(peer.connection.isPaused).toBe(true);
    peer.say({ type: 'cancel', id });
    await world.settle();
    expect(desk.runs[0]?.stopped).toEqual(['the caller cancelled it']);
    expect(peer.answerTo(id)).toMatchObject({ ...STOPPED, outcome: 'unknown' });
    expect(desk.runs).toHaveLength(2);
    peer.say({ type: 'cancel', id: 99 }, { type: 'cancel', id });
    await world.settle();
    expect(peer.connection.fresh().filter(({ type }) => type === 'error')).toHaveLength(1);
    expect(peer.answersTo(other)).toEqual([]);
  });

  it('cancelled before it runs, it does not run, and that is said', async () => {
    const { desk, world, peer } = await begin();
    const open = desk.hold();
    const id = peer.request(CALL);
    await world.settle();
    peer.say({ type: 'cancel', id });
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ ...STOPPED, outcome: 'refused' });
    open();
    await world.settle();
    expect(desk.runs).toEqual([]);
  });

  it('a call and its cancel in one message: in that order', async () => {
    const { desk, world, peer } = await begin();
    peer.say({ ...CALL, id: 1 }, { type: 'cancel', id: 1 });
    await world.settle();
    expect(peer.answersTo(1)).toMatchObject([STOPPED]);
    expect(desk.runs).toEqual([]);
  });
});

describe('PRO-3: without producer and seq', () => {
  it('a call whose connection ends is told to stop, and keeps nothing', async () => {
    const { desk, world, peer } = await begin();
    peer.request(CALL);
    await world.settle();
    peer.vanish();
    expect(desk.last.stopped).toEqual(['the connection ended']);
    expect(desk.last.progress(1)).toBe(false);
    await world.settle();
    expect([world.broker.calls.begin, world.broker.calls.finish, world.broker.calls.recall]).toEqual([0, 0, 0]);
    expect(world.clock.timers).toBe(1);
  });

  it('sent again it runs again: the server cannot know it', async () => {
    const { desk, world, peer } = await begin();
    peer.request(CALL);
    peer.request(CALL);
    await world.settle();
    expect(desk.runs).toHaveLength(2);
  });

  it('producer and seq are named together', async () => {
    const { peer } = await begin();
    expect(await peer.fail({ ...CALL, producer: 'p' })).toMatchObject({ code: 'invalid' });
    expect(await peer.fail({ ...CALL, seq: 1 })).toMatchObject({ code: 'invalid' });
  });

  it('a server that stops tells what still runs, after the time to finish', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    const stopped = world.engine.stop('the server is stopping', { finishMs: 5_000 });
    await world.settle();
    expect(peer.connection.closedWith).toBeNull();
    world.clock.advanceMs(4_999);
    expect(desk.last.stopped).toEqual([]);
    world.clock.advanceMs(1);
    await stopped;
    expect(desk.last.stopped).toHaveLength(1);
    expect(peer.answersTo(id)).toEqual([]);
    expect(peer.connection.closedWith).toMatchObject({ code: 1001 });
  });

  it('a server that stops answers what is done in time', async () => {
    const { desk, world, peer } = await begin();
    const id = peer.request(CALL);
    await world.settle();
    const stopped = world.engine.stop('the server is stopping', { finishMs: 5_000 });
    desk.last.done({ output: 1 });
    await world.settle();
    await stopped;
    expect(peer.answerTo(id)).toMatchObject({ data: 1 });
  });
});
