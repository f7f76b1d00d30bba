// Calls of procedures, seen from the wire: what is sent when, what is sent again, and what the promise says.

import type { CallOptions, ConnectOptions, TrunklineError } from '@trunkline/client';
import type { Call, JsonValue, ServerMessage } from '@trunkline/protocol';
import { DEFAULT_LIMITS } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { FakeConnection } from './support/fake-server.js';
import { makeWorld } from './support/world.js';

interface Asked extends Call {
  readonly on: FakeConnection;
}

/** A line whose calls are answered by hand. */
function desk(options: ConnectOptions = {}) {
  const world = makeWorld(options);
  const { server, clock, line } = world;
  const calls: Asked[] = [];
  const cancels: number[] = [];
  server.intercept = (on, message) => {
    if (message.type === 'call') calls.push({ ...message, on });
    else if (message.type === 'cancel') cancels.push(message.id);
    return message.type === 'call' || message.type === 'cancel';
  };
  const at = (index: number): Asked => {
    const call = calls.at(index);
    if (call === undefined) throw new Error(`there is no call ${index}`);
    return call;
  };
  const answer = (data: JsonValue, index = -1) => {
    at(index).on.send({ type: 'ok', id: at(index).id, data });
    clock.advance(0);
  };
  const refuse = (fields: Partial<Extract<ServerMessage, { type: 'error' }>>, index = -1) => {
    const { on, id } = at(index);
    on.send({ type: 'error', id, code: 'unavailable', message: 'no', retry: false, outcome: 'refused', ...fields });
    clock.advance(0);
  };
  const live = () => {
    line.open();
    clock.advance(0);
  };
  const call = (input: unknown, callOptions?: CallOptions) => {
    const said = line.call.order(input, callOptions).then(
      (result) => ({ result }),
      ({ code, outcome, retry, refusal, message }: TrunklineError) => ({ code, outcome, retry, refusal, message }),
    );
    clock.advance(0);
    return said;
  };
  return { ...world, calls, cancels, at, answer, refuse, live, call };
}
const UNKNOWN = { code: 'unavailable', outcome: 'unknown', retry: false };

describe('a call', () => {
  it('opens the connection, waits for it, and resolves with the result', async () => {
    const { server, calls, clock, call, answer, line } = desk();
    server.latencyMs = 10;
    const said = call({ n: 1 }, { deadlineMs: 5_000 });
    clock.advance(29);
    expect(calls).toEqual([]);
    clock.advance(11);
    expect(calls).toMatchObject([{ procedure: 'order', data: { n: 1 }, deadlineMs: 4_970 }]);
    expect(calls[0]).not.toHaveProperty('producer');
    answer(7);
    clock.advance(10);
    expect(await said).toEqual({ result: 7 });
    // Nothing needs the connection any more.
    clock.advance(1_000);
    expect(line.connection.snapshot().state).toBe('idle');
  });

  it('is the same function for the same name, and no promise', async () => {
    const { line } = desk();
    expect(line.call.order).toBe(line.call.order);
    expect(await Promise.resolve(line.call)).toBe(line.call);
  });

  it('rejects with what the server says, and is not sent again', async () => {
    const { live, call, refuse, calls, clock } = desk();
    live();
    const refused = call(1);
    refuse({ code: 'refused', refusal: 'sold_out', message: 'none left' });
    expect(await refused).toEqual({
      code: 'refused',
      refusal: 'sold_out',
      message: 'none left',
      outcome: 'refused',
      retry: false,
    });
    const busy = call(1);
    refuse({ code: 'rate_limited', retry: true, afterMs: 10 });
    expect(await busy).toMatchObject({ code: 'rate_limited', retry: true, outcome: 'refused' });
    clock.advance(60_000);
    expect(calls).toHaveLength(2);
  });

  it('of what is no JSON value, or too large, rejects at once', async () => {
    const { live, call, calls, server } = desk();
    server.limits = { ...DEFAULT_LIMITS, maxEntryBytes: 100 };
    live();
    expect(await call(1n)).toMatchObject({ code: 'invalid', outcome: 'refused' });
    expect(await call('x'.repeat(99))).toMatchObject({ code: 'too_large', outcome: 'refused' });
    void call('x'.repeat(98));
    expect(calls).toHaveLength(1);
  });

  it('hears progress in order until it is answered; a listener that throws harms nobody', async () => {
    const { live, call, at, answer, clock, problems } = desk();
    live();
    const heard: unknown[] = [];
    const said = call(1, {
      onProgress: (progress) => {
        heard.push(progress);
        if (progress === 'two') throw new Error('listener');
      },
    });
    const { id, on } = at(-1);
    on.send({ type: 'progress', id, data: 'one' }, { type: 'progress', id, data: 'two' });
    on.send({ type: 'progress', id, data: { three: 3 } });
    clock.advance(0);
    answer(1);
    on.send({ type: 'progress', id, data: 'late' }, { type: 'progress', id: 999, data: 'nobody' });
    clock.advance(0);
    expect(heard).toEqual(['one', 'two', { three: 3 }]);
    expect(problems).toMatchObject([{ source: 'listener' }]);
    expect(await said).toEqual({ result: 1 });
  });

  it('only so many are sent at a time as the server takes; the others wait', async () => {
    const { live, call, calls, answer, server } = desk();
    server.limits = { ...DEFAULT_LIMITS, maxCallsInWork: 2 };
    live();
    const said = [1, 2, 3, 4].map((n) => call(n));
    expect(calls.map(({ data }) => data)).toEqual([1, 2]);
    answer(10, 0);
    expect(calls.map(({ data }) => data)).toEqual([1, 2, 3]);
    answer(20, 1);
    answer(30, 2);
    answer(40, 3);
    expect(await Promise.all(said)).toEqual([10, 20, 30, 40].map((result) => ({ result })));
  });

  it('no more than maxQueued may be open', async () => {
    const { call, live, answer } = desk({ maxQueued: 2 });
    live();
    void call(1);
    void call(2);
    expect(await call(3)).toMatchObject({ code: 'rate_limited', outcome: 'refused' });
    answer(1);
    let isRefused = false;
    void call(4).then(() => {
      isRefused = true;
    });
    await Promise.resolve();
    expect(isRefused).toBe(false);
  });

  it.each([
    [64, []],
    [65, ['rate_limited']],
  ])('are 64 at most, whatever maxQueued says: of %i are refused %j', async (count, refused) => {
    const { call, live } = desk({ maxQueued: 1_000 });
    live();
    const told: unknown[] = [];
    for (let i = 0; i < count; i += 1) void call(i).then((given) => told.push((given as { code?: string }).code));
    await Promise.resolve().then(() => {});
    await Promise.resolve().then(() => {});
    expect(told).toEqual(refused);
  });

  it('whose answer makes no sense ends the connection, and nobody knows', async () => {
    const { live, call, at, clock, problems } = desk();
    live();
    const said = call(1);
    at(-1).on.sendText(`{"type":"ok","id":${at(-1).id}}`);
    clock.advance(0);
    expect(await said).toMatchObject(UNKNOWN);
    expect(problems).toMatchObject([{ source: 'server' }]);
  });
});

describe('a link that is lost', () => {
  it('before it was sent: it waits for the next, until its deadline', async () => {
    const { call, calls, server, clock, answer } = desk();
    server.accepts = false;
    const patient = call('patient');
    const hasty = call('hasty', { deadlineMs: 3_000 });
    clock.advance(2_999);
    clock.advance(1);
    expect(await hasty).toMatchObject({ code: 'unavailable', outcome: 'refused', retry: false });
    server.accepts = true;
    clock.advance(2_000);
    expect(calls.map(({ data }) => data)).toEqual(['patient']);
    answer(1);
    expect(await patient).toEqual({ result: 1 });
  });

  it('before welcome: what cannot be sent again was not sent', () => {
    const { call, calls, server, clock } = desk();
    const { intercept } = server;
    server.intercept = (on, message) => (message.type === 'hello' ? true : intercept(on, message));
    void call('unkeyed');
    void call('keyed', { once: true });
    clock.advance(0);
    expect(calls.map(({ data }) => data)).toEqual(['keyed']);
    server.intercept = intercept;
    server.last.drop();
    clock.advance(2_000);
    expect(calls.map(({ data }) => data)).toEqual(['keyed', 'keyed', 'unkeyed']);
  });

  it('after it was sent: unknown, and it is never sent again', async () => {
    const { live, call, calls, server, clock } = desk();
    live();
    const said = call(1);
    server.last.drop();
    expect(await said).toMatchObject(UNKNOWN);
    clock.advance(60_000);
    expect(server.connections).toHaveLength(2);
    expect(calls).toHaveLength(1);
  });

  it('line.close() counts as one', async () => {
    const { live, call, calls, line, clock } = desk();
    live();
    const said = call(1);
    void line.close();
    clock.advance(0);
    expect(await said).toMatchObject(UNKNOWN);
    expect(calls).toHaveLength(1);
  });

  it('once: sent again with its seq, until it is answered', async () => {
    const { live, call, calls, server, clock, answer } = desk();
    live();
    const first = call('a', { once: true });
    const second = call('b', { once: true });
    server.last.drop();
    clock.advance(2_000);
    const sent = calls.map(({ data, producer, seq }) => [data, producer, seq]);
    expect(sent).toEqual([
      ['a', calls[0]?.producer, 1],
      ['b', calls[0]?.producer, 2],
      ['a', calls[0]?.producer, 1],
      ['b', calls[0]?.producer, 2],
    ]);
    expect(calls[0]?.producer).toMatch(/^[a-z0-9]{20}$/);
    answer(1, 2);
    answer(2, 3);
    expect(await Promise.all([first, second])).toEqual([{ result: 1 }, { result: 2 }]);
  });

  it('once, and the server still runs the first: asked again after the time it names', async () => {
    const { live, call, calls, refuse, clock, answer } = desk();
    live();
    const said = call(1, { once: true });
    refuse({ retry: true, outcome: 'unknown', afterMs: 500 });
    clock.advance(499);
    expect(calls).toHaveLength(1);
    clock.advance(1);
    expect(calls).toHaveLength(2);
    expect(calls[1]?.seq).toBe(calls[0]?.seq);
    answer(7);
    expect(await said).toEqual({ result: 7 });
  });

  it('once, and the server died while it ran: unknown, and not sent again', async () => {
    const { live, call, calls, refuse, clock } = desk();
    live();
    const said = call(1, { once: true });
    refuse({ outcome: 'unknown' });
    expect(await said).toMatchObject(UNKNOWN);
    clock.advance(60_000);
    expect(calls).toHaveLength(1);
  });

  it('a connection that is refused rejects what waits for it', async () => {
    const { call, server, clock } = desk({ token: 'bad' });
    server.authenticate = () => null;
    // The first travelled with `hello`, the second finds the line refused.
    const said = [call(1, { once: true }), call(2)];
    clock.advance(0);
    expect(await Promise.all(said)).toMatchObject([
      { code: 'unauthorized', outcome: 'unknown' },
      { code: 'unauthorized', outcome: 'refused' },
    ]);
  });
});

describe('giving up', () => {
  it('the deadline: rejects, and the server is told to stop', async () => {
    const { live, call, at, cancels, clock } = desk();
    live();
    const said = call(1);
    expect(at(-1).deadlineMs).toBe(30_000);
    clock.advance(29_999);
    expect(cancels).toEqual([]);
    clock.advance(1);
    expect(await said).toMatchObject(UNKNOWN);
    expect(cancels).toEqual([at(-1).id]);
  });

  it.each([Number.POSITIVE_INFINITY, 1e12])('a deadline of %s is one that the wire can carry', (deadlineMs) => {
    const { live, call, at } = desk();
    live();
    void call(1, { deadlineMs });
    expect(at(-1).deadlineMs).toBe(2 ** 31 - 1);
  });

  it('an abort: rejects at once, cancels, and what the server answers to it is no news', async () => {
    const { live, call, at, cancels, refuse, clock, problems } = desk();
    live();
    const abort = new AbortController();
    const said = call(1, { signal: abort.signal });
    abort.abort(new Error('changed my mind'));
    clock.advance(0);
    expect(await said).toMatchObject(UNKNOWN);
    expect(cancels).toEqual([at(-1).id]);
    refuse({ outcome: 'unknown' });
    expect(problems).toEqual([]);
  });

  it('an abort before it was sent: refused, and nothing is sent', async () => {
    const { call, calls, cancels, clock, server } = desk();
    server.accepts = false;
    const abort = new AbortController();
    const said = call(1, { signal: abort.signal });
    const late = call(2, { signal: AbortSignal.abort() });
    abort.abort();
    server.accepts = true;
    clock.advance(60_000);
    expect(await Promise.all([said, late])).toMatchObject([{ outcome: 'refused' }, { outcome: 'refused' }]);
    expect([calls, cancels]).toEqual([[], []]);
  });

  it('gives its reason as the cause, and lets go of the signal when it is answered', async () => {
    const { live, line, answer, cancels, clock } = desk();
    live();
    const abort = new AbortController();
    const done = line.call.order(1, { signal: abort.signal });
    clock.advance(0);
    answer(7);
    expect(await done).toBe(7);
    abort.abort();
    clock.advance(0);
    expect(cancels).toEqual([]);
    const reason = new Error('gone');
    await expect(line.call.order(1, { signal: AbortSignal.abort(reason) })).rejects.toMatchObject({ cause: reason });
  });
});

describe('CON-8: while the line moves', () => {
  function moving() {
    const world = desk();
    const { live, server, clock } = world;
    live();
    clock.advance(11_000);
    const [first] = server.connections;
    if (first === undefined) throw new Error('nobody has connected');
    const move = () => {
      first.send({ type: 'drain', withinMs: 60_000, spreadMs: 0 });
      clock.advance(100);
    };
    return { ...world, first, move };
  }

  it('a call in flight keeps the old socket until it is answered; new ones take the new one', async () => {
    const { call, calls, first, move, answer, server, clock } = moving();
    const old = call('old');
    const kept = call('kept', { once: true });
    move();
    expect(server.connections).toHaveLength(2);
    const fresh = call('fresh');
    expect(calls.map(({ data, on }) => [data, on === first])).toEqual([
      ['old', true],
      ['kept', true],
      ['fresh', false],
    ]);
    answer(1, 0);
    clock.advance(1_000);
    expect(first.closedByClient).toBeUndefined();
    answer(2, 1);
    expect(first.closedByClient).toEqual({ code: 1000, reason: '' });
    answer(3, 2);
    expect(await Promise.all([old, kept, fresh])).toEqual([1, 2, 3].map((result) => ({ result })));
  });

  it('the old socket ends first: unknown; what runs once is asked for on the new one', async () => {
    const { call, calls, first, move, answer, clock } = moving();
    const old = call('old');
    const kept = call('kept', { once: true });
    move();
    first.drop();
    clock.advance(0);
    expect(await old).toMatchObject(UNKNOWN);
    expect(calls.map(({ data, on }) => [data, on === first])).toEqual([
      ['old', true],
      ['kept', true],
      ['kept', false],
    ]);
    answer(2);
    expect(await kept).toEqual({ result: 2 });
  });

  it('the new socket dies: what was sent on it is lost, what is on the old one goes on', async () => {
    const { call, calls, first, move, answer, server } = moving();
    const old = call('old');
    move();
    const fresh = call('fresh');
    server.last.drop();
    expect(await fresh).toMatchObject(UNKNOWN);
    answer(1, 0);
    expect(await old).toEqual({ result: 1 });
    expect(calls).toHaveLength(2);
    expect(first.state).toBe('open');
  });
});
