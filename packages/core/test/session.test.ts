// One connection's side of the protocol: how it begins, what is answered, what ends it.

import { CLOSE, DEFAULT_LIMITS, type Welcome } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, World } from './support/world.js';

const hello = { type: 'hello', version: 1, token: 'ada' } as const;

describe('CON-1: hello', () => {
  it('may come with requests in one message, which are answered after welcome', async () => {
    const world = new World();
    const peer = world.connect();
    peer.say(hello, { type: 'subscribe', id: 1, stream: LOBBY }, { type: 'ping', id: 2 });
    await world.settle();
    const types = peer.connection.messages.map((message) => message.type);
    expect(types[0]).toBe('welcome');
    expect(types.toSorted()).toEqual(['ok', 'pong', 'synced', 'welcome']);
    expect(peer.connection.isPaused).toBe(false);
  });

  it.each([
    ['another message', JSON.stringify({ type: 'ping', id: 1 })],
    ['no JSON', 'hello?'],
    ['an unknown type', '{"type":"hullo"}'],
    ['a hello without a version', '{"type":"hello"}'],
  ])('not first, but %s: closes with 4500', async (_, text) => {
    const world = new World();
    const peer = world.connect();
    peer.say(text, hello);
    await world.settle();
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
    expect(peer.connection.messages).toMatchObject([{ type: 'error', code: 'invalid', retry: false }]);
    expect(world.leftovers.sessions).toBe(0);
  });

  it('not first, but a binary message: closes with 4500', () => {
    const peer = new World().connect();
    peer.session.receiveBinary();
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
  });

  it('missing after 10 s: closes with 4000', async () => {
    const world = new World();
    const peer = world.connect();
    await world.passMs(10_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(1_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.helloTimeout);
    expect(world.leftovers.sessions).toBe(0);
  });

  it('said twice is answered with conflict, and the connection goes on', async () => {
    const world = new World();
    const peer = await world.enter();
    peer.say(hello, { type: 'ping', id: 1 });
    expect(peer.connection.fresh()).toMatchObject([
      { type: 'error', code: 'conflict' },
      { type: 'pong', id: 1 },
    ]);
    expect(peer.session.identity?.id).toBe('ada');
  });
});

describe('CON-2: welcome', () => {
  it('names the user as others see it, the limits, the ping interval and the time', async () => {
    const world = new World({ pingMs: 9_000, limits: { maxSubscriptions: 3 } });
    const peer = world.connect();
    peer.say(hello);
    await world.settle();
    const expected: Welcome = {
      type: 'welcome',
      session: 'session-1',
      user: 'ada',
      pingMs: 9_000,
      now: world.clock.nowMs(),
      features: ['drain', 'seen'],
      limits: { ...DEFAULT_LIMITS, maxSubscriptions: 3 },
    };
    expect(peer.connection.messages).toEqual([expected]);
  });
});

describe('CON-3: a connection that is not let in', () => {
  it.each([
    ['a token that is refused', { ...hello, token: 'bad' }, 'unauthorized', CLOSE.unauthorized, false],
    ['no token', { type: 'hello', version: 1 } as const, 'unauthorized', CLOSE.unauthorized, false],
    ['a version we do not speak', { ...hello, version: 2 }, 'invalid', CLOSE.badVersion, false],
    ['an authenticate that fails', { ...hello, token: 'broken' }, 'unavailable', CLOSE.unavailable, true],
  ])('for %s gets an error and is closed', async (_, message, code, closeCode, retry) => {
    const world = new World();
    const peer = world.connect();
    peer.say(message, { type: 'ping', id: 1 });
    await world.settle();
    expect(peer.connection.messages).toMatchObject([{ type: 'error', code, retry, outcome: 'refused' }]);
    expect(peer.connection.closedWith?.code).toBe(closeCode);
    expect(world.leftovers.sessions).toBe(0);
    if (closeCode === CLOSE.unavailable) expect(world.logged).toMatchObject([{ level: 'error' }]);
  });

  it('for an authenticate that throws at once is the same', async () => {
    const world = new World({
      authenticate: () => {
        throw new Error('no database');
      },
    });
    const peer = world.connect();
    peer.say(hello);
    await world.settle();
    expect(peer.connection.closedWith?.code).toBe(CLOSE.unavailable);
  });

  it('for an authenticate that never answers is closed after a minute', async () => {
    const world = new World({ authenticate: () => new Promise(() => {}) });
    const peer = world.connect();
    peer.say(hello);
    await world.passMs(59_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(3_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.unavailable);
    expect(world.leftovers.sessions).toBe(0);
  });
});

describe('CON-6: goodbye', () => {
  it('comes before the close, with code, reason and spread; then nothing is left', async () => {
    const world = new World();
    const peers = [await world.enter(), await world.enter('bob'), world.connect()];
    await peers[0]?.subscribe();
    const stopped = world.engine.stop('the server is restarting', { spreadMs: 700 });
    for (const { connection } of peers) {
      expect(connection.messages.at(-1)).toEqual({
        type: 'goodbye',
        code: 1001,
        reason: 'the server is restarting',
        afterMs: 0,
        spreadMs: 700,
      });
      expect(connection.closedWith).toEqual({ code: CLOSE.goingAway, reason: 'the server is restarting' });
    }
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
    await stopped;
    expect(world.broker.watches).toBe(0);
    expect(world.clock.timers).toBe(0);
  });

  it('resumes a connection that was paused, as the closing handshake needs the peer', async () => {
    const world = new World({ authenticate: () => new Promise(() => {}) });
    const peer = world.connect();
    peer.say(hello);
    expect(peer.connection.isPaused).toBe(true);
    void world.engine.stop('bye');
    expect(peer.connection.isPaused).toBe(false);
  });
});

describe('CON-7: close codes', () => {
  it('of what the session does itself carry the advice in their range', async () => {
    const world = new World();
    const codes = new Map<string, number | undefined>();
    for (const [name, text] of [
      ['refused', JSON.stringify({ ...hello, token: 'bad' })],
      ['failed', JSON.stringify({ ...hello, token: 'broken' })],
      ['broken protocol', '?'],
    ] as const) {
      const peer = world.connect();
      peer.say(text);
      await world.settle();
      codes.set(name, peer.connection.closedWith?.code);
    }
    expect(codes.get('refused')).toBeGreaterThanOrEqual(4500);
    expect(codes.get('broken protocol')).toBeGreaterThanOrEqual(4500);
    expect(codes.get('failed')).toBeLessThan(4500);
  });
});

describe('TRA-4: a binary message', () => {
  it('is answered with invalid, and the connection goes on', async () => {
    const world = new World();
    const peer = await world.enter();
    peer.session.receiveBinary();
    peer.say({ type: 'ping', id: 1 });
    expect(peer.connection.fresh()).toMatchObject([{ type: 'error', code: 'invalid' }, { type: 'pong' }]);
  });
});

describe('TRA-6: what is no message', () => {
  it.each([
    ['not JSON', '{', { code: 'invalid' }],
    ['no object', '[]', { code: 'invalid', message: 'a message must be a JSON object' }],
    ['of no known type', '{"type":"dance","id":5}', { code: 'invalid', id: 5, message: 'unknown type "dance"' }],
    ['lacking a field', '{"type":"subscribe","id":5}', { code: 'invalid', id: 5 }],
    ['with a bad id', '{"type":"ping","id":0}', { code: 'invalid' }],
    ['a type of the other direction', '{"type":"welcome"}', { code: 'invalid' }],
    ['a type named like a property of all objects', '{"type":"__proto__"}', { code: 'invalid' }],
    ['nested a hundred thousand deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`, { code: 'invalid' }],
    [
      'data nested too deep',
      `{"type":"publish","id":5,"stream":"chat/a","producer":"p","seq":1,"data":${'['.repeat(101)}${']'.repeat(101)}}`,
      { code: 'invalid', id: 5 },
    ],
  ])('%s: is answered, says which, and the connection goes on', async (_, text, error) => {
    const world = new World();
    const peer = await world.enter();
    peer.say(text, { type: 'ping', id: 9 });
    const [answer, pong] = peer.connection.fresh();
    expect(answer).toMatchObject({ type: 'error', retry: false, outcome: 'refused', ...error });
    if (!('id' in error)) expect(answer).not.toHaveProperty('id');
    expect(pong).toMatchObject({ type: 'pong', id: 9 });
  });

  it('closes with 4500 after 100 within a minute', async () => {
    const world = new World();
    const peer = await world.enter();
    for (let n = 0; n < 100; n++) peer.say('?');
    expect(peer.connection.closedWith).toBeNull();
    peer.say('?');
    expect(peer.connection.closedWith?.code).toBe(CLOSE.badMessage);
    expect(world.leftovers.sessions).toBe(0);
  });

  it('does not close if they come slowly', async () => {
    const world = new World();
    const peer = await world.enter();
    for (let n = 0; n < 300; n++) {
      peer.session.receiveBinary();
      peer.say({ type: 'pong' });
      await world.passMs(1_000);
    }
    expect(peer.connection.closedWith).toBeNull();
  });
});

describe('TRA-5: objects in one message', () => {
  const pings = (count: number) =>
    Array.from({ length: count }, (_, index) => ({ type: 'ping', id: index + 1 }) as const);

  it.each([1_023, 1_024])('%i are all answered', async (count) => {
    const peer = await new World().enter();
    peer.say(...pings(count));
    expect(peer.connection.fresh()).toHaveLength(count);
  });

  it('1025 are one too many: none is obeyed', async () => {
    const peer = await new World().enter();
    peer.say(...pings(1_025));
    expect(peer.connection.fresh()).toMatchObject([{ type: 'error', code: 'too_large' }]);
  });
});

describe('REQ-1: a request', () => {
  it('gets exactly one answer with its id, also if ids are used again', async () => {
    const world = new World();
    const peer = await world.enter();
    peer.say(
      { type: 'read', id: 7, stream: LOBBY, before: 1, limit: 1 },
      { type: 'publish', id: 7, stream: LOBBY, producer: 'p', seq: 1, data: 1 },
      { type: 'unsubscribe', id: 7, stream: LOBBY },
      { type: 'ping', id: 7 },
      { type: 'refresh', id: 7, token: 'ada' },
    );
    await world.settle();
    expect(peer.answersTo(7)).toHaveLength(5);
  });
});

describe('REQ-2: requests', () => {
  it('are worked on side by side: one that waits holds up no other', async () => {
    const world = new World();
    const peer = await world.enter();
    const release = world.broker.hold('append');
    const slow = peer.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 });
    const fast = await peer.do({ type: 'read', stream: LOBBY, after: 0, limit: 5 });
    expect(fast).toMatchObject({ items: [] });
    expect(peer.answersTo(slow)).toHaveLength(0);
    release();
    await world.settle();
    expect(peer.answerTo(slow)).toMatchObject({ type: 'ok', offset: 1 });
  });
});
