// The connection: dials when needed, notices death, waits, obeys close codes, refreshes tokens, leaves politely.

import { describe, expect, it } from 'vitest';
import { settled } from './support/fake-clock.js';
import { makeWorld } from './support/world.js';

function live(options = {}) {
  const world = makeWorld(options);
  const release = world.line.open();
  world.clock.advance(0);
  expect(world.line.connection.snapshot().state).toBe('live');
  return { ...world, release, connection: world.line.connection };
}

/** A JWT that nobody signed. */
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`;

describe('closing', () => {
  it('leaves with 1000 lingerMs after the last interest, and the handshake completes', () => {
    const { release, clock, server, connection } = live({ lingerMs: 300 });
    release();
    clock.advance(299);
    expect(connection.snapshot().state).toBe('live');
    clock.advance(1);
    expect(server.last.closedByClient).toEqual({ code: 1000, reason: '' });
    clock.advance(0);
    expect(connection.snapshot()).toMatchObject({ state: 'idle', lastClose: { code: 1000, wasClean: true } });
  });

  it('close() resolves when both Close frames are exchanged', async () => {
    const { line, clock, server, connection } = live();
    server.latencyMs = 20;
    let info: unknown;
    void line.close().then((closed) => {
      info = closed;
    });
    expect(connection.snapshot().state).toBe('closed');
    await clock.advanceAsync(39);
    expect(info).toBeUndefined();
    await clock.advanceAsync(1);
    expect(info).toEqual({ code: 1000, reason: '', wasClean: true });
    expect(connection.snapshot().lastClose).toEqual(info);
    await expect(line.close()).resolves.toBeUndefined();
  });

  it('close() gives up a server that does not answer, after 5 s', async () => {
    const { line, clock, server } = live();
    server.last.answersClose = false;
    const closed = line.close();
    clock.advance(5_000);
    await expect(closed).resolves.toMatchObject({ code: 1006, wasClean: false });
  });

  it('stays closed until there is new interest', () => {
    const { line, clock, server, connection } = live();
    const chat = line.channel.chat('lobby');
    chat.open();
    void line.close();
    clock.advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(chat.snapshot().state).toBe('offline');
    line.open();
    clock.advance(0);
    expect(connection.snapshot().state).toBe('live');
    expect(chat.snapshot().state).toBe('live');
  });

  it('during a dial leaves no socket behind', () => {
    const { line, clock, server } = makeWorld({ lingerMs: 0 });
    server.latencyMs = 50;
    line.open()();
    clock.advance(10);
    expect(server.last.closedByClient).toMatchObject({ code: 1000 });
    clock.advance(60_000);
    expect(server.openConnections).toEqual([]);
    expect(server.connections).toHaveLength(1);
  });

  it('does not come back for what nobody needs any more', () => {
    const { release, clock, server, connection } = live();
    release();
    server.last.drop();
    clock.advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(connection.snapshot().state).toBe('idle');
  });
});

describe('a lost connection', () => {
  it('is tried again with a capped exponential bound: 2 s in the first 30 s, then 30 s', () => {
    const { clock, server, connection } = live({ random: () => 0.999_999 });
    server.accepts = false;
    server.last.drop();
    const waits: number[] = [];
    for (let i = 0; i < 28; i++) {
      const { retryAtMs = 0 } = connection.snapshot();
      waits.push(Math.round(retryAtMs - clock.nowMs()));
      clock.advance(retryAtMs - clock.nowMs());
      clock.advance(0);
    }
    expect(waits.slice(0, 4)).toEqual([500, 1_000, 2_000, 2_000]);
    const elapsed = (until: number) => waits.slice(0, until).reduce((sum, wait) => sum + wait, 0);
    waits.forEach((wait, i) => {
      expect(wait).toBeLessThanOrEqual(elapsed(i) < 30_000 ? 2_000 : 30_000);
    });
    expect(waits.at(-1)).toBe(30_000);
    expect(connection.snapshot().state).toBe('waiting');
  });

  it('is tried again at any moment within the bound (full jitter)', () => {
    const { clock, server, connection } = live({ random: () => 0 });
    server.last.drop();
    expect(connection.snapshot().retryAtMs).toBe(clock.nowMs());
  });

  it('that dies young goes on with the back-off; one that lived 10 s begins anew', () => {
    const { clock, server, connection } = live({ random: () => 0.999_999 });
    const wait = () => {
      server.last.drop();
      const waitMs = Math.round((connection.snapshot().retryAtMs ?? 0) - clock.nowMs());
      clock.advance(waitMs + 1);
      return waitMs;
    };
    expect([wait(), wait(), wait()]).toEqual([500, 1_000, 2_000]);
    clock.advance(10_000);
    expect(wait()).toBe(500);
  });

  it('obeys goodbye: afterMs and a random part of spreadMs', () => {
    const { clock, server, connection } = live({ random: () => 0.25 });
    server.last.send({ type: 'goodbye', code: 1001, reason: 'restarting', afterMs: 4_000, spreadMs: 8_000 });
    server.last.close(1001, 'restarting');
    clock.advance(0);
    expect(connection.snapshot()).toMatchObject({ state: 'waiting', reason: 'restarting' });
    expect(connection.snapshot().retryAtMs).toBe(clock.nowMs() + 6_000);
    clock.advance(6_000);
    expect(connection.snapshot()).toMatchObject({ state: 'live', retryAtMs: undefined, reason: undefined });
  });

  it('obeys a goodbye once: what fails after it is tried with back-off', async () => {
    let fails = false;
    const token = () => (fails ? Promise.reject(new Error('503')) : 'x');
    const { line, clock, server } = makeWorld({ token, random: () => 0.999_999 });
    line.open();
    await clock.advanceAsync(0);
    fails = true;
    server.last.send({ type: 'goodbye', code: 1001, reason: 'restarting', afterMs: 100 });
    server.last.close(1001);
    await clock.advanceAsync(100);
    const waitMs = () => Math.round((line.connection.snapshot().retryAtMs ?? 0) - clock.nowMs());
    expect(waitMs()).toBe(500);
    await clock.advanceAsync(500);
    expect(waitMs()).toBe(1_000);
  });

  it('is given up after two silent ping intervals', () => {
    const { clock, server, connection } = live();
    clock.advance(120_000);
    expect(server.connections).toHaveLength(1);
    expect(server.last.sent('pong').length).toBeGreaterThan(3);
    const first = server.last;
    first.silent = true;
    clock.advance(24_000);
    expect(connection.snapshot().state).toBe('live');
    clock.advance(26_000);
    expect(first.closedByClient?.code).toBe(4001);
    clock.advance(1_000);
    expect(connection.snapshot().state).toBe('live');
    expect(server.connections).toHaveLength(2);
  });

  it('is not given up while anything arrives', () => {
    const { clock, server, connection } = live();
    const chat = connection && server.log('chat/lobby');
    server.pingMs = 1e9;
    chat.append({ text: 'x' });
    for (let i = 0; i < 10; i++) {
      clock.advance(20_000);
      server.last.send({ type: 'ping', now: 1 });
    }
    expect(server.connections).toHaveLength(1);
  });

  it('is given up when nobody welcomes it within 10 s', () => {
    const { line, clock, server } = makeWorld();
    server.intercept = (_connection, message) => message.type === 'hello';
    line.open();
    clock.advance(10_000);
    expect(server.last.closedByClient?.code).toBe(4000);
    expect(line.connection.snapshot().state).toBe('waiting');
  });
});

describe('the network', () => {
  it('going away makes it probe, and a dead link is offline after 3 s', () => {
    const { clock, server, network, connection } = live();
    server.last.silent = true;
    network.say('offline');
    expect(connection.snapshot().state).toBe('live');
    clock.advance(3_000);
    expect(connection.snapshot().state).toBe('offline');
  });

  it('going away leaves a link alone that answers, as loopback does', () => {
    const { clock, server, network, connection } = live();
    network.say('offline');
    clock.advance(20_000);
    expect(connection.snapshot().state).toBe('live');
    expect(server.last.sent('ping')).toHaveLength(2);
  });

  it('coming back makes it dial at once', () => {
    const { clock, server, network, connection } = live();
    network.online = false;
    server.accepts = false;
    server.last.drop();
    clock.advance(100_000);
    expect(connection.snapshot().state).toBe('offline');
    server.accepts = true;
    network.say('online');
    clock.advance(0);
    expect(connection.snapshot().state).toBe('live');
  });

  it('is tried even when the system says there is none', () => {
    const { line, clock, network } = makeWorld();
    network.online = false;
    line.open();
    clock.advance(0);
    expect(line.connection.snapshot().state).toBe('live');
  });

  it('a page that is shown again probes: within 3 s a dead link is replaced', () => {
    const { clock, server, network, connection } = live();
    server.last.silent = true;
    clock.sleep(20_000);
    network.say('wake');
    clock.advance(3_000);
    clock.advance(500);
    expect(server.connections).toHaveLength(2);
    expect(connection.snapshot().state).toBe('live');
  });

  it('shows its round trip as soon as it is live', () => {
    const { clock, server, connection } = live();
    server.latencyMs = 15;
    server.last.drop();
    clock.advance(60_000);
    expect(connection.snapshot()).toMatchObject({ state: 'live', rttMs: 30 });
  });

  it('a probe measures the round trip', () => {
    const { clock, server, network, connection } = live();
    server.latencyMs = 40;
    network.say('wake');
    clock.advance(80);
    expect(connection.snapshot().rttMs).toBe(80);
    server.last.send({ type: 'ping', now: 1, rttMs: 12 });
    clock.advance(40);
    expect(connection.snapshot().rttMs).toBe(12);
  });

  it('is listened to only while it matters', () => {
    const { release, clock, network } = live();
    expect(network.listeners.size).toBe(1);
    release();
    clock.advance(2_000);
    expect(network.listeners.size).toBe(0);
  });
});

describe('refusals', () => {
  it.each([4501, 4503, 4504, 4999, 1008, 1010])('close code %i is obeyed: no second attempt', (code) => {
    const { line, clock, server, connection } = live();
    server.last.close(code, 'no');
    clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
    expect(connection.snapshot()).toMatchObject({ state: 'refused', reason: 'no', lastClose: { code } });
    line.open();
    line.channel.chat('lobby').open();
    clock.advance(600_000);
    expect(server.connections).toHaveLength(1);
    expect(line.channel.chat('lobby').snapshot().state).toBe('refused');
  });

  it.each([1000, 1001, 1006, 1011, 4000, 4003, 4499])('close code %i is tried again', (code) => {
    const { clock, server, connection } = live();
    server.last.close(code);
    clock.advance(1_000);
    expect(connection.snapshot().state).toBe('live');
    expect(server.connections).toHaveLength(2);
  });

  it('retry() tries once more', () => {
    const { line, clock, server, connection } = live();
    server.last.close(4503, 'no');
    clock.advance(0);
    line.retry();
    clock.advance(0);
    expect(server.connections).toHaveLength(2);
    expect(connection.snapshot().state).toBe('live');
  });

  it('fail what waits, with the reason, and what is published later', async () => {
    const { line, clock, server } = makeWorld({ token: 'bad' });
    server.authenticate = () => null;
    const chat = line.channel.chat('lobby');
    const early = chat.publish({ text: 'a' });
    clock.advance(0);
    await expect(early).rejects.toMatchObject({ code: 'unauthorized', message: 'the token is not valid' });
    await expect(chat.publish({ text: 'b' })).rejects.toMatchObject({ code: 'unauthorized', outcome: 'refused' });
    expect(chat.snapshot()).toMatchObject({ state: 'refused', error: { code: 'unauthorized' } });
    server.authenticate = () => ({ id: 'ada' });
    line.retry();
    for (const pending of chat.snapshot().pending) pending.retry();
    clock.advance(0);
    expect(server.log('chat/lobby').items.map(({ data }) => data)).toEqual([{ text: 'a' }, { text: 'b' }]);
  });

  it('an address that can never work is one', () => {
    const { line, clock } = makeWorld({
      socket: () => {
        throw new SyntaxError('bad address');
      },
    });
    line.open();
    clock.advance(60_000);
    expect(line.connection.snapshot()).toMatchObject({ state: 'refused', reason: 'bad address' });
  });
});

describe('tokens', () => {
  it('are asked for at every connect', async () => {
    let asked = 0;
    const { line, clock, server } = makeWorld({ token: async () => `t${++asked}` });
    line.open();
    await clock.advanceAsync(0);
    server.last.drop();
    await clock.advanceAsync(1_000);
    expect(server.connections.map((connection) => connection.sent('hello')[0]?.token)).toEqual(['t1', 't2']);
  });

  it('that a function fails to give are asked for again, with back-off', async () => {
    let fails = 2;
    const token = () => (fails-- > 0 ? Promise.reject(new Error('503')) : 'ok');
    const { line, clock, server, problems } = makeWorld({ token });
    line.open();
    await clock.advanceAsync(5_000);
    expect(server.connections).toHaveLength(1);
    expect(line.connection.snapshot().state).toBe('live');
    expect(problems.map(({ source }) => source)).toEqual(['token', 'token']);
  });

  it('that never come do not hang the line', async () => {
    const { line, clock } = makeWorld({ token: () => new Promise<string>(() => {}) });
    line.open();
    await clock.advanceAsync(30_000);
    expect(line.connection.snapshot()).toMatchObject({ state: 'waiting', reason: 'there is no token' });
  });

  it('after 4501 one fresh one is tried at once, then it is refused', async () => {
    let asked = 0;
    const { line, clock, server } = makeWorld({ token: () => `t${++asked}` });
    server.authenticate = () => null;
    line.open();
    await clock.advanceAsync(600_000);
    expect(server.connections).toHaveLength(2);
    expect(line.connection.snapshot()).toMatchObject({ state: 'refused', reason: 'the token is not valid' });
  });

  it('after 4501 the fresh one is used', async () => {
    let asked = 0;
    const { line, clock, server } = makeWorld({ token: () => `t${++asked}` });
    server.authenticate = (token) => (token === 't1' ? null : { id: 'ada' });
    line.open();
    await clock.advanceAsync(0);
    expect(line.connection.snapshot()).toMatchObject({ state: 'live', user: { id: 'ada' } });
    expect(server.connections).toHaveLength(2);
  });

  it('after 4501 the same one again is refused without asking', async () => {
    const { line, clock, server } = makeWorld({ token: () => 'same' });
    server.authenticate = () => null;
    line.open();
    await clock.advanceAsync(600_000);
    expect(server.connections).toHaveLength(1);
    expect(line.connection.snapshot().state).toBe('refused');
  });

  it('never loop when a server welcomes and then refuses', async () => {
    let asked = 0;
    const { line, clock, server } = makeWorld({ token: () => `t${++asked}` });
    server.intercept = (connection, message) => {
      if (message.type !== 'hello') return false;
      connection.answer(message);
      connection.close(4501, 'expired');
      return true;
    };
    line.open();
    await clock.advanceAsync(600_000);
    expect(server.connections).toHaveLength(2);
  });

  it.each(['jwt', 'expiresAt'])('are refreshed before they expire (%s)', async (form) => {
    let asked = 0;
    const { line, clock, server } = makeWorld({
      token: () => {
        asked += 1;
        const expiresAt = clock.nowMs() + 600_000;
        return form === 'jwt' ? jwt({ exp: expiresAt / 1_000, asked }) : { token: `t${asked}`, expiresAt };
      },
    });
    line.open();
    await clock.advanceAsync(539_000);
    expect(asked).toBe(1);
    await clock.advanceAsync(2_000);
    expect(asked).toBe(2);
    expect(server.last.sent('refresh')).toHaveLength(1);
    await clock.advanceAsync(541_000);
    expect(server.last.sent('refresh')).toHaveLength(2);
    expect(server.connections).toHaveLength(1);
  });

  it('that the server refuses at a refresh are tried again, seldom, and reported', async () => {
    const { line, clock, server, problems } = makeWorld({
      token: () => ({ token: 'x', expiresAt: 1_763_650_000_000 + 600_000 }),
    });
    line.open();
    await clock.advanceAsync(0);
    server.authenticate = () => null;
    await clock.advanceAsync(600_000);
    expect(server.last.sent('refresh').length).toBeGreaterThan(1);
    expect(server.last.sent('refresh').length).toBeLessThan(8);
    expect(problems[0]?.message).toContain('refresh');
  });

  it('of years, or of nonsense, need no timer', async () => {
    for (const token of [jwt({ exp: 9e12 }), jwt({ exp: 'soon' }), 'a.b.c', '']) {
      const { line, clock, server } = makeWorld({ token: () => token });
      line.open();
      await clock.advanceAsync(100_000);
      expect(server.last.sent('refresh')).toEqual([]);
      expect(line.connection.snapshot().state).toBe('live');
    }
  });
});

describe('a hostile server', () => {
  const nonsense: [string, string | null][] = [
    ['no JSON', 'hello?'],
    ['a list', '[1,2]'],
    ['an unknown type', '{"type":"__proto__"}'],
    ['a slice without items', '{"type":"entries","ch":1,"from":0,"to":1}'],
    ['a channel that is not open', '{"type":"synced","ch":77,"to":0}'],
    ['spoiled limits', '{"type":"welcome","session":"s","user":1,"pingMs":1,"limits":7,"now":1,"features":[]}'],
    ['bytes', null],
  ];
  it.each(nonsense)('that sends %s is reported, and met with a new connection', (_name, text) => {
    const { clock, server, problems, connection } = live();
    server.last.sendText(text);
    clock.advance(0);
    expect(problems).toHaveLength(1);
    expect(server.last.closedByClient?.code).toBe(4500);
    clock.advance(1_000);
    expect(connection.snapshot().state).toBe('live');
  });

  it('that always does is met ever more slowly', () => {
    const { line, clock, server } = makeWorld();
    server.intercept = (connection, message) => {
      if (message.type === 'hello') {
        connection.answer(message);
        connection.sendText('{');
      }
      return true;
    };
    line.open();
    clock.advance(600_000);
    expect(server.connections.length).toBeLessThan(90);
    expect(server.connections.length).toBeGreaterThan(20);
  });

  it('that answers with the wrong shape is met with a new connection', async () => {
    const { line, clock, server, problems } = live();
    const chat = line.channel.chat('lobby');
    server.intercept = (connection, message) => {
      if (message.type !== 'subscribe') return false;
      connection.send({ type: 'ok', id: message.id });
      return true;
    };
    chat.open();
    clock.advance(0);
    expect(problems[0]?.message).toContain('subscribe');
    server.intercept = () => false;
    clock.advance(2_000);
    await settled();
    expect(chat.snapshot().state).toBe('live');
  });
});

it('a listener that throws is reported, and the others are called', () => {
  const { line, clock, problems } = makeWorld();
  let called = 0;
  line.connection.subscribe(() => {
    throw new Error('mine');
  });
  line.connection.subscribe(() => called++);
  line.open();
  clock.advance(0);
  expect(called).toBeGreaterThan(0);
  expect(problems[0]).toMatchObject({ source: 'listener', cause: { message: 'mine' } });
});
