// CON-8: a client that is asked to move opens the next connection, resumes there, and leaves the old one then. Nothing of it is shown.
// Both connections are to one fake server, as two servers on one broker are to a client.

import type { ServerMessage } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { FakeConnection } from './support/fake-server.js';
import { makeWorld, numbered, texts } from './support/world.js';

const drain = (spreadMs: number): ServerMessage => ({ type: 'drain', withinMs: 60_000, spreadMs });

/** A live client with 10 ms to the server, one log of `count` entries, and a list of all states that were ever shown. */
function live(options = {}, count = 3) {
  const world = makeWorld(options);
  const { line, server, clock } = world;
  const chat = line.channel.chat('lobby');
  for (let i = 1; i <= count; i++) server.log('chat/lobby').append({ text: `m${i}` });
  const leave = chat.open({ last: 3 });
  clock.advance(0);
  server.latencyMs = 10;
  // The first connection has lived long enough for its end to be no trouble of its beginning.
  clock.advance(11_000);
  const shown = new Set<string>();
  const look = () => {
    const { state, retryAtMs, reason } = line.connection.snapshot();
    shown.add([state, retryAtMs, reason, chat.snapshot().state].filter(Boolean).join(' '));
  };
  look();
  line.connection.subscribe(look);
  const leaveToo = chat.subscribe(look, { last: 3 });
  const [first] = server.connections;
  if (first === undefined) throw new Error('nobody has connected');
  const close = () => {
    leave();
    leaveToo();
  };
  return { ...world, chat, close, shown: () => [...shown], first };
}

/** From the drain on, with 10 ms each way: what the move has reached after so many ms. */
const STAGES = { dialing: 15, greeting: 25, resuming: 45 };
const stages = Object.entries(STAGES);

describe('a move', () => {
  it('begins at a random moment within spreadMs, and leaves with 1000 when all is resumed', () => {
    const { server, clock, first, shown, chat, line } = live({ random: () => 0.25 });
    line.channel.chat('other').open();
    clock.advance(50);
    first.send(drain(8_000));
    clock.advance(10 + 1_999);
    expect(server.connections).toHaveLength(1);
    clock.advance(1);
    expect(server.connections).toHaveLength(2);
    clock.advance(49);
    expect(first.closedByClient).toBeUndefined();
    expect(server.last.sent('subscribe')).toMatchObject([
      { stream: 'chat/lobby', after: { epoch: 'e1', offset: 3 } },
      { stream: 'chat/other' },
    ]);
    clock.advance(1);
    expect(first.closedByClient).toEqual({ code: 1000, reason: '' });
    expect(line.connection.snapshot().lastClose).toBeUndefined();
    clock.advance(20);
    expect(line.connection.snapshot().lastClose).toEqual({ code: 1000, reason: '', wasClean: true });
    expect(shown()).toEqual(['live live']);
    server.append('chat/lobby', { text: 'm4' });
    clock.advance(10);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 4));
    clock.advance(100_000);
    expect(server.connections).toHaveLength(2);
    expect(server.openConnections).toEqual([server.last]);
  });

  it('asks for a token as any connect does', async () => {
    let asked = 0;
    const { line, server, clock } = makeWorld({ token: () => `t${++asked}` });
    line.open();
    await clock.advanceAsync(11_000);
    server.last.send(drain(0));
    await clock.advanceAsync(100);
    expect(server.connections.map((connection) => connection.sent('hello')[0]?.token)).toEqual(['t1', 't2']);
    expect(server.openConnections).toEqual([server.last]);
  });

  it('shows each entry once and at once, whichever connection brings it', () => {
    const { server, clock, chat, first, shown } = live({}, 0);
    server.log('chat/lobby').sliceItems = 1;
    const lists: string[][] = [];
    chat.subscribe(() => lists.push(texts(chat.snapshot().entries)));
    first.send(drain(0));
    for (let i = 1; i <= 120; i++) {
      server.append('chat/lobby', { text: `m${i}` });
      clock.advance(1);
      expect(texts(chat.snapshot().entries)).toEqual(numbered(1, Math.max(0, i - 9)));
    }
    clock.advance(20);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 120));
    expect(chat.snapshot().gap).toBeUndefined();
    expect(server.openConnections).toEqual([server.last]);
    for (const list of lists) expect(list).toEqual(numbered(1, list.length));
    expect(shown()).toEqual(['live live']);
  });

  it('sends what is not answered again: in order, with the old seq, stored once', async () => {
    const { server, clock, chat, first, shown } = live({}, 0);
    // The old server has stopped answering publishes, and stores every second one.
    server.intercept = (connection, message) => {
      if (connection !== first || message.type !== 'publish') return false;
      const { stream, producer, seq, data } = message;
      if (seq === 1) server.log(stream).publish(data, { user: connection.user, producer, seq });
      return true;
    };
    const published = [chat.publish({ text: 'm1' }), chat.publish({ text: 'm2' })];
    first.send(drain(0));
    for (let i = 3; i <= 40; i++) {
      clock.advance(2);
      published.push(chat.publish({ text: `m${i}` }));
    }
    clock.advance(200);
    expect((await Promise.all(published)).map(({ offset }) => offset)).toEqual(published.map((_promise, i) => i + 1));
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 40));
    expect(chat.snapshot().pending).toEqual([]);
    expect(server.last.sent('publish').map(({ seq }) => seq)).toEqual(published.map((_promise, i) => i + 1));
    expect(shown()).toEqual(['live live']);
  });

  it('is not troubled by what the old server refuses last', async () => {
    const { server, clock, chat, first } = live({}, 0);
    server.intercept = (connection, message) => {
      if (connection !== first || message.type !== 'publish') return false;
      const error = { type: 'error', id: message.id, code: 'internal', message: 'stopping' } as const;
      clock.after(35, () => connection.send({ ...error, retry: false, outcome: 'refused' }));
      return true;
    };
    first.send(drain(0));
    const published = chat.publish({ text: 'm1' });
    clock.advance(200);
    await expect(published).resolves.toMatchObject({ offset: 1 });
    expect(chat.snapshot().pending).toEqual([]);
  });

  it('goes on with a page of history, and with what is left meanwhile', async () => {
    const { line, server, clock, chat, first, shown } = live({ lingerMs: 5 }, 20);
    server.intercept = (connection, message) => connection === first && message.type === 'read';
    const leave = line.channel.chat('other').open();
    clock.advance(30);
    const page = chat.loadOlder(5);
    first.send(drain(0));
    clock.advance(45);
    leave();
    clock.advance(15);
    expect(server.last.sent('unsubscribe')).toMatchObject([{ stream: 'chat/other' }]);
    clock.advance(100);
    await page;
    expect(texts(chat.snapshot().entries)).toEqual(numbered(13, 20));
    expect([...server.last.subscriptions.keys()]).toEqual(['chat/lobby']);
    expect(server.openConnections).toEqual([server.last]);
    expect(shown()).toEqual(['live live']);
  });

  it('obeys a gap of its new place, and a gap that is none any more it does not show', () => {
    const { line, server, clock, first } = live();
    server.log('chat/busy').append({ text: 'm1' });
    const chat = line.channel.chat('busy');
    chat.open({ most: 5 });
    clock.advance(30);
    first.send(drain(0));
    clock.advance(45);
    // The position is on its way: by it 8 entries are missed, but the old connection brings them first.
    for (let i = 2; i <= 9; i++) server.append('chat/busy', { text: `m${i}` });
    clock.advance(100);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 9));
    expect(chat.snapshot()).toMatchObject({ state: 'live', gap: undefined });
    server.log('chat/busy').recreate();
    server.log('chat/busy').append({ text: 'new' });
    server.last.send(drain(0));
    clock.advance(1_000);
    expect(texts(chat.snapshot().entries)).toEqual(['new']);
    expect(chat.snapshot()).toMatchObject({ state: 'live', gap: { reason: 'epoch' } });
  });

  it('to another history takes nothing more from the old connection', () => {
    const { server, clock, first, chat } = live();
    server.intercept = (connection, message) => {
      if (connection === first || message.type !== 'subscribe') return false;
      const place = { ch: 1, epoch: 'e9' } as const;
      connection.send(
        { type: 'ok', id: message.id, kind: 'log', head: 2, floor: 0, from: 2, ...place },
        { type: 'gap', reason: 'epoch', to: 2, ...place },
      );
      return true;
    };
    first.send(drain(0));
    clock.advance(59);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 3));
    const item = (offset: number, text: string) => ({ offset, at: 1, data: { text } });
    first.send({ type: 'entries', ch: 1, from: 2, to: 4, items: [item(3, 'm3'), item(4, 'm4')] });
    clock.advance(10);
    expect(chat.snapshot().gap).toMatchObject({ reason: 'epoch' });
    server.last.send({ type: 'entries', ch: 1, from: 2, to: 3, items: [item(3, 'theirs')] });
    clock.advance(10);
    expect(texts(chat.snapshot().entries)).toEqual(['theirs']);
  });

  it('is obeyed once: another drain on the old connection says nothing new', () => {
    const { server, clock, first } = live();
    first.send(drain(100));
    first.send(drain(5));
    clock.advance(40);
    expect(server.connections).toHaveLength(1);
    clock.advance(25);
    first.send(drain(0));
    clock.advance(500);
    expect(server.connections).toHaveLength(2);
    expect(server.openConnections).toEqual([server.last]);
  });

  it('may be followed by another, asked for before it has ended', () => {
    const { server, clock, first, shown } = live();
    server.intercept = (connection, message) => {
      if (message.type !== 'hello' || server.connections.length !== 2) return false;
      connection.answer(message);
      connection.send(drain(0));
      return true;
    };
    first.send(drain(0));
    clock.advance(2_000);
    expect(server.connections).toHaveLength(3);
    expect(server.openConnections).toEqual([server.last]);
    expect(shown()).toEqual(['live live']);
  });

  it('in a circle of servers that all drain is ever slower', () => {
    const { server, clock, first, shown } = live();
    server.intercept = (connection, message) => {
      if (message.type !== 'hello') return false;
      connection.answer(message);
      connection.send(drain(0));
      return true;
    };
    first.send(drain(0));
    clock.advance(600_000);
    expect(server.connections.length).toBeLessThan(80);
    expect(server.connections.length).toBeGreaterThan(20);
    expect(shown()).toEqual(['live live']);
  });
});

describe('when nobody can be moved to', () => {
  it('the client stays, tries with back-off, and works on the old connection', async () => {
    const { server, clock, chat, first, shown } = live();
    server.accepts = false;
    first.send(drain(0));
    clock.advance(30_000);
    const dials = server.connections.length;
    expect(dials).toBeGreaterThan(10);
    expect(dials).toBeLessThan(50);
    const published = chat.publish({ text: 'm4' });
    clock.advance(20);
    await expect(published).resolves.toMatchObject({ offset: 4 });
    expect(first.state).toBe('open');
    expect(shown()).toEqual(['live live']);
    server.accepts = true;
    clock.advance(31_000);
    expect(server.openConnections).toEqual([server.last]);
    expect(first.closedByClient?.code).toBe(1000);
    expect(shown()).toEqual(['live live']);
  });

  it.each([4003, 4501, 4503, 1011])('because it closes with %i, it stays until the old connection ends', (code) => {
    const { server, clock, chat, first, shown, line } = live();
    server.intercept = (connection, message) => {
      if (message.type !== 'hello') return false;
      connection.close(code, 'not here');
      return true;
    };
    first.send(drain(0));
    clock.advance(20_000);
    expect(server.connections.length).toBeGreaterThan(5);
    server.append('chat/lobby', { text: 'm4' });
    clock.advance(10);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 4));
    expect(shown()).toEqual(['live live']);
    first.send({ type: 'goodbye', code: 1001, reason: 'stopping', afterMs: 0, spreadMs: 100 });
    first.close(1001);
    clock.advance(60_000);
    const isFinal = code === 4501 || code === 4503;
    expect(line.connection.snapshot()).toMatchObject({ reason: isFinal ? 'not here' : expect.anything() });
    expect(line.connection.snapshot().state).toBe(isFinal ? 'refused' : 'waiting');
  });

  it('because there is no token, it stays', async () => {
    let fails = false;
    const token = () => (fails ? Promise.reject(new Error('503')) : 't');
    const { line, server, clock, problems } = makeWorld({ token });
    line.open();
    await clock.advanceAsync(11_000);
    fails = true;
    server.last.send(drain(0));
    await clock.advanceAsync(5_000);
    expect(line.connection.snapshot().state).toBe('live');
    expect(problems.length).toBeGreaterThan(2);
    fails = false;
    await clock.advanceAsync(3_000);
    expect(server.connections).toHaveLength(2);
    expect(server.openConnections).toEqual([server.last]);
  });

  it('who ends by goodbye before the move has begun is come back to as usual', () => {
    const { server, clock, first, line } = live();
    first.send(drain(20_000));
    clock.advance(500);
    first.send({ type: 'goodbye', code: 1001, reason: 'stopping', afterMs: 1_000, spreadMs: 500 });
    first.close(1001);
    clock.advance(10);
    expect(line.connection.snapshot()).toMatchObject({
      state: 'waiting',
      reason: 'stopping',
      retryAtMs: clock.nowMs() + 1_250,
    });
    clock.advance(1_400);
    expect(line.connection.snapshot().state).toBe('live');
    expect(server.connections).toHaveLength(2);
  });

  it('a subscribe that is refused for now keeps the old connection, one that is refused for good does not', () => {
    const { server, clock, chat, first, shown } = live();
    let refuses = 2;
    const refuse = (retry: boolean) => (connection: FakeConnection, message: { type: string; id?: number }) => {
      if (message.type !== 'subscribe' || refuses-- <= 0) return false;
      const code = retry ? 'unavailable' : 'forbidden';
      connection.send({ type: 'error', id: message.id ?? 0, code, message: 'no', retry, outcome: 'refused' });
      return true;
    };
    server.intercept = refuse(true);
    first.send(drain(0));
    clock.advance(65);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(first.closedByClient).toBeUndefined();
    clock.advance(2_000);
    expect(server.last.sent('subscribe')).toHaveLength(3);
    expect(first.closedByClient?.code).toBe(1000);
    expect(shown()).toEqual(['live live']);
    refuses = 1;
    server.intercept = refuse(false);
    const second = server.last;
    second.send(drain(0));
    clock.advance(1_000);
    expect(chat.snapshot()).toMatchObject({ state: 'refused', error: { code: 'forbidden' } });
    expect(second.closedByClient?.code).toBe(1000);
  });
});

describe('what happens meanwhile', () => {
  it.each(stages)('the old connection dies while the next is %s: the next takes over', async (_stage, ms) => {
    const { server, clock, chat, line, first } = live();
    first.send(drain(0));
    clock.advance(ms);
    const published = chat.publish({ text: 'm4' });
    clock.advance(2);
    first.drop();
    server.append('chat/lobby', { text: 'm5' });
    clock.advance(100);
    expect(server.connections).toHaveLength(2);
    expect(line.connection.snapshot()).toMatchObject({ state: 'live', reason: undefined });
    expect(chat.snapshot()).toMatchObject({ state: 'live', pending: [] });
    expect(texts(chat.snapshot().entries)).toEqual(
      server.log('chat/lobby').items.map(({ data }) => (data as { text: string }).text),
    );
    expect(chat.snapshot().entries).toHaveLength(5);
    await published;
  });

  it('the old connection dies while a token is asked for: the next takes over', async () => {
    let answer = (_token: string) => {};
    let asked = 0;
    const token = () => (asked++ === 0 ? 't1' : new Promise<string>((resolve) => (answer = resolve)));
    const { line, server, clock } = makeWorld({ token });
    line.open();
    await clock.advanceAsync(11_000);
    server.last.send(drain(0));
    await clock.advanceAsync(10);
    server.last.drop();
    expect(line.connection.snapshot().state).toBe('connecting');
    answer('t2');
    await clock.advanceAsync(10);
    expect(line.connection.snapshot().state).toBe('live');
    expect([asked, server.connections.length]).toEqual([2, 2]);
  });

  it.each(stages)(
    'the next connection dies while it is %s: the old one serves on, and it is tried again',
    async (_stage, ms) => {
      const { server, clock, chat, first, shown } = live();
      first.send(drain(0));
      clock.advance(ms);
      const published = [chat.publish({ text: 'm4' })];
      clock.advance(2);
      server.last.drop();
      published.push(chat.publish({ text: 'm5' }));
      clock.advance(20);
      await Promise.all(published);
      server.append('chat/lobby', { text: 'm6' });
      clock.advance(10);
      expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 6));
      expect(first.state).toBe('open');
      clock.advance(2_000);
      expect(server.connections).toHaveLength(3);
      expect(server.openConnections).toEqual([server.last]);
      expect(first.sent('subscribe')).toHaveLength(1);
      expect(shown()).toEqual(['live live']);
    },
  );

  it('the next connection dies that had other limits: those of the old one hold again', async () => {
    const { server, clock, chat, first } = live();
    server.limits = { ...server.limits, maxEntryBytes: 200_000 };
    first.send(drain(0));
    clock.advance(STAGES.resuming);
    server.last.drop();
    server.accepts = false;
    const published = chat.publish({ text: 'x'.repeat(100_000) });
    clock.advance(20);
    await expect(published).rejects.toMatchObject({ code: 'too_large' });
    expect(first.sent('publish')).toEqual([]);
  });

  it.each(stages)('a log is left and asked for again while the next is %s', (_stage, ms) => {
    const { line, server, clock, first, problems } = live({ lingerMs: 0 });
    const other = line.channel.chat('other');
    const leave = other.open();
    clock.advance(30);
    first.send(drain(0));
    clock.advance(ms);
    leave();
    clock.advance(1);
    // The next connection is lost, so what was said to the old one counts.
    server.last.drop();
    server.accepts = false;
    other.open();
    clock.advance(100);
    expect(other.snapshot().state).toBe('live');
    server.append('chat/other', { text: 'x' });
    clock.advance(10);
    expect(texts(other.snapshot().entries)).toEqual(['x']);
    server.accepts = true;
    clock.advance(10_000);
    expect(other.snapshot().state).toBe('live');
    expect(server.openConnections).toEqual([server.last]);
    expect(problems).toEqual([]);
  });

  it.each(stages)('the last interest goes while the next is %s: both are left', (_stage, ms) => {
    const { line, server, clock, first, close } = live({ lingerMs: 0 });
    first.send(drain(0));
    clock.advance(ms);
    close();
    clock.advance(100);
    expect(line.connection.snapshot().state).toBe('idle');
    expect(server.connections.map(({ closedByClient }) => closedByClient?.code)).toEqual([1000, 1000]);
    clock.advance(100_000);
    expect(server.connections).toHaveLength(2);
    expect(server.openConnections).toEqual([]);
  });

  it('the last interest has gone, and the next connection is lost: the old one lives for as long as it lingers', () => {
    const { line, server, clock, first, close } = live({ lingerMs: 5_000 });
    first.send(drain(0));
    clock.advance(25);
    close();
    server.last.drop();
    clock.advance(4_999);
    expect(line.connection.snapshot().state).toBe('live');
    clock.advance(100);
    expect(line.connection.snapshot().state).toBe('idle');
    expect(server.openConnections).toEqual([]);
  });

  it.each(stages)(
    'close() while the next is %s: both are left, and it tells how the one that served ended',
    async (_stage, ms) => {
      const { line, server, clock, first } = live();
      first.send(drain(0));
      clock.advance(ms);
      const closed = line.close();
      expect(line.connection.snapshot().state).toBe('closed');
      await clock.advanceAsync(100);
      await expect(closed).resolves.toEqual({ code: 1000, reason: '', wasClean: true });
      expect(server.openConnections).toEqual([]);
      line.retry();
      await clock.advanceAsync(100);
      expect(line.connection.snapshot().state).toBe('live');
      expect(server.openConnections).toEqual([server.last]);
    },
  );

  it.each([...stages, ['waiting', 11] as const])(
    'news of the network while it is %s: both are probed, nothing is shown',
    (_stage, ms) => {
      const { server, clock, network, first, shown } = live();
      first.send(drain(4_000));
      clock.advance(ms === 11 ? 11 : 2_000 + ms);
      const pings = first.sent('ping').length;
      network.say('offline');
      network.say('online');
      network.say('wake');
      clock.advance(30);
      expect(first.sent('ping').length).toBe(pings + 1);
      clock.advance(10_000);
      expect(server.connections).toHaveLength(2);
      expect(server.openConnections).toEqual([server.last]);
      expect(shown()).toEqual(['live live']);
    },
  );

  it('the old connection is dead and does not say so: the next takes over after the probe', () => {
    const { server, clock, network, first, chat } = live();
    first.send(drain(20_000));
    clock.advance(100);
    first.silent = true;
    clock.sleep(3_600_000);
    network.say('wake');
    clock.advance(200);
    expect(server.connections).toHaveLength(2);
    expect(chat.snapshot().state).toBe('live');
    clock.advance(3_000);
    expect(server.openConnections.filter(({ silent }) => !silent)).toEqual([server.last]);
    expect(first.closedByClient).toBeDefined();
  });

  it('the old connection keeps its token fresh while nobody can be moved to', async () => {
    let asked = 0;
    const { line, server, clock } = makeWorld({
      token: () => ({ token: `t${++asked}`, expiresAt: clock.nowMs() + 100_000 }),
    });
    line.open();
    await clock.advanceAsync(11_000);
    server.accepts = false;
    const first = server.last;
    first.send(drain(0));
    await clock.advanceAsync(80_000);
    expect(first.sent('refresh').length).toBeGreaterThan(0);
    expect(line.connection.snapshot().state).toBe('live');
  });
});
