// Coming back: exactly what was missed, or a gap that says what was lost. Rules SUB-4 to SUB-9 of the protocol.

import type { ServerMessage } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { makeWorld, numbered, texts } from './support/world.js';

/** A log of `count` entries, shown from the first on. */
function shown(count: number, interest = {}) {
  const world = makeWorld();
  for (const text of numbered(1, count)) world.server.append('chat/lobby', { text });
  const chat = world.line.channel.chat('lobby');
  chat.open({ last: 1_000, ...interest });
  world.clock.advance(0);
  const append = (from: number, to: number) => {
    for (const text of numbered(from, to)) world.server.append('chat/lobby', { text });
  };
  return { ...world, chat, append };
}

describe('after a lost connection', () => {
  it('exactly the missed entries come, and the words tell the truth', () => {
    const { chat, clock, server, append } = shown(10);
    server.accepts = false;
    server.last.drop();
    expect(chat.snapshot().state).toBe('offline');
    append(11, 300);
    server.accepts = true;
    server.log('chat/lobby').sliceItems = 7;
    const states = new Set<string>();
    chat.subscribe(() => states.add(chat.snapshot().state));
    clock.advance(2_000);
    expect(server.last.sent('subscribe')[0]?.after).toMatchObject({ epoch: 'e1', offset: 10 });
    expect(server.last.sent('subscribe')[0]?.after?.at).toBe(chat.snapshot().entries[9]?.at);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 300));
    expect(chat.snapshot()).toMatchObject({ state: 'live', gap: undefined });
    expect([...states]).toEqual(expect.arrayContaining(['offline', 'catching up', 'live']));
  });

  it('all streams resume in the first message', () => {
    const { line, chat, clock, server } = shown(3);
    const other = line.channel.chat('other');
    other.open();
    clock.advance(0);
    server.last.drop();
    clock.advance(2_000);
    const [first] = server.last.texts;
    expect(first?.split('\n')).toHaveLength(3);
    expect([chat.snapshot().state, other.snapshot().state]).toEqual(['live', 'live']);
  });

  it('a stream that was empty misses nothing either', () => {
    const { chat, clock, server, append } = shown(0, { last: 5 });
    server.last.drop();
    append(1, 400);
    clock.advance(2_000);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 400));
    expect(chat.snapshot().gap).toBeUndefined();
  });

  it('a stream that was empty says so if more came than a page', () => {
    const { chat, clock, server, append } = shown(0, { last: 5 });
    server.last.drop();
    append(1, 1_200);
    clock.advance(2_000);
    expect(chat.snapshot().gap).toEqual({ reason: 'skipped', lost: 200 });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(201, 1_200));
    expect(chat.snapshot().hasOlder).toBe(true);
  });
});

describe('a gap', () => {
  it('trimmed: says how many, stays until dismissed, and adds up', () => {
    const { chat, clock, server, append } = shown(10);
    server.last.drop();
    append(11, 100);
    server.log('chat/lobby').trim(60);
    clock.advance(2_000);
    expect(chat.snapshot().gap).toEqual({ reason: 'trimmed', lost: 50 });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(61, 100));
    expect(chat.snapshot().hasOlder).toBe(false);
    server.last.drop();
    append(101, 110);
    server.log('chat/lobby').trim(105);
    clock.advance(2_000);
    expect(chat.snapshot().gap).toEqual({ reason: 'trimmed', lost: 55 });
    chat.dismissGap();
    expect(chat.snapshot().gap).toBeUndefined();
  });

  it('epoch: begins with the newest page of the new history', () => {
    const { chat, clock, server, append } = shown(10);
    server.last.drop();
    server.log('chat/lobby').recreate();
    append(1, 30);
    clock.advance(2_000);
    expect(chat.snapshot().gap).toEqual({ reason: 'epoch', lost: undefined });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 30));
    server.append('chat/lobby', { text: 'm31' });
    clock.advance(0);
    expect(chat.snapshot().entries.at(-1)).toMatchObject({ offset: 31, key: 'e2:31' });
  });

  it('skipped: what was skipped can be read', async () => {
    const { chat, clock, server, append } = shown(10, { most: 20 });
    server.last.drop();
    append(11, 60);
    clock.advance(2_000);
    expect(server.last.sent('subscribe')[0]?.most).toBe(20);
    expect(chat.snapshot().gap).toEqual({ reason: 'skipped', lost: 30 });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(41, 60));
    const page = chat.loadOlder(100);
    clock.advance(0);
    await page;
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 60));
  });

  it('most is the loosest of all interests', () => {
    const { chat, clock, server } = shown(1, { most: 20 });
    const loose = chat.open({ most: 90 });
    server.last.drop();
    clock.advance(2_000);
    expect(server.last.sent('subscribe')[0]?.most).toBe(90);
    loose();
    chat.open();
    server.last.drop();
    clock.advance(2_000);
    expect(server.last.sent('subscribe')[0]?.most).toBeUndefined();
  });
});

describe('slices', () => {
  const item = (offset: number) => ({ offset, at: offset, data: { text: `m${offset}` } });
  const items = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => item(from + 1 + i));
  const slice = (ch: number, from: number, to: number): ServerMessage => ({
    type: 'entries',
    ch,
    from,
    to,
    items: items(from, to),
  });
  const setup = () => {
    const world = shown(10);
    const ch = world.server.last.subscriptions.get('chat/lobby')?.ch ?? 0;
    const send = (...messages: ServerMessage[]) => {
      world.server.last.send(...messages);
      world.clock.advance(0);
    };
    return { ...world, ch, send };
  };

  it('that end at or before the cursor are dropped (SUB-4)', () => {
    const { chat, ch, send, problems } = setup();
    const before = chat.snapshot();
    send(slice(ch, 2, 10), slice(ch, 2, 6));
    expect(chat.snapshot()).toBe(before);
    expect(problems).toEqual([]);
  });

  it('that overlap are used from the cursor on (SUB-4)', () => {
    const { chat, ch, send } = setup();
    send(slice(ch, 7, 13));
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 13));
  });

  it('that begin after the cursor make it resubscribe from its own position (SUB-4)', () => {
    const { chat, ch, send, server, problems, clock } = setup();
    server.latencyMs = 5;
    for (const text of numbered(11, 15)) server.log('chat/lobby').append({ text });
    server.last.subscriptions.get('chat/lobby')?.take();
    send(slice(ch, 12, 15));
    clock.advance(50);
    expect(problems).toHaveLength(1);
    expect(server.last.sent('unsubscribe')).toHaveLength(1);
    expect(server.last.sent('subscribe').at(-1)?.after).toMatchObject({ offset: 10 });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 15));
    expect(server.connections).toHaveLength(1);
  });

  it.each([
    ['an offset twice', [item(11), item(11)]],
    ['an offset out of order', [item(12), item(11)]],
    ['an offset outside of the range', [item(11), item(99)]],
  ])('that hold %s are not used', (_name, bad) => {
    const { chat, ch, send, problems, clock } = setup();
    send({ type: 'entries', ch, from: 10, to: 12, items: bad });
    expect(problems).toHaveLength(1);
    clock.advance(5_000);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 10));
    expect(chat.snapshot().state).toBe('live');
  });

  it('of another epoch are not used (SUB-6)', () => {
    const { chat, ch, send, problems, server, clock } = setup();
    server.log('chat/lobby').recreate();
    send({ type: 'entries', ch, from: 0, to: 12, epoch: 'other', items: items(0, 12) });
    expect(problems).toHaveLength(1);
    clock.advance(5_000);
    expect(chat.snapshot().gap?.reason).toBe('epoch');
    expect(chat.snapshot().entries).toEqual([]);
  });

  it('that never fit end the connection, not in a hot loop', () => {
    const { chat, server, clock } = setup();
    server.intercept = (connection, message) => {
      if (message.type !== 'subscribe') return false;
      connection.send({ type: 'ok', id: message.id, ch: 9, kind: 'log', epoch: 'e1', head: 99, floor: 0, from: 10 });
      connection.send(slice(9, 50, 51));
      return true;
    };
    server.last.drop();
    clock.advance(60_000);
    expect(server.connections.length).toBeLessThan(45);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 10));
    server.intercept = () => false;
    clock.advance(31_000);
    expect(chat.snapshot().state).toBe('live');
  });

  it('before the gap that explains a lost position are not used', () => {
    const { chat, server, clock, problems } = setup();
    let first = true;
    server.intercept = (connection, message) => {
      if (message.type !== 'subscribe' || !first) return false;
      first = false;
      connection.send({ type: 'ok', id: message.id, ch: 9, kind: 'log', epoch: 'new', head: 12, floor: 0, from: 10 });
      connection.send(slice(9, 10, 12));
      return true;
    };
    server.last.drop();
    clock.advance(2_000);
    expect(problems).toHaveLength(1);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 10));
    expect(chat.snapshot().state).toBe('live');
  });
});

describe('the end of a subscription', () => {
  it('that may pass is asked for again (SUB-9)', () => {
    const { chat, clock, server } = shown(3);
    const { ch } = server.last.subscriptions.get('chat/lobby') ?? { ch: 0 };
    server.last.subscriptions.clear();
    server.last.send({ type: 'ended', ch, code: 'unavailable', message: 'moving', retry: true, afterMs: 700 });
    clock.advance(699);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    clock.advance(1);
    expect(server.last.sent('subscribe')).toHaveLength(2);
    expect(chat.snapshot().state).toBe('live');
  });

  it('that is final is refused with its reason, until retry() or a new look', () => {
    const { chat, line, clock, server } = shown(3);
    line.open();
    const { ch } = server.last.subscriptions.get('chat/lobby') ?? { ch: 0 };
    server.last.subscriptions.clear();
    server.last.send({ type: 'ended', ch, code: 'forbidden', message: 'you left', retry: false });
    clock.advance(60_000);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(chat.snapshot()).toMatchObject({ state: 'refused', error: { code: 'forbidden', message: 'you left' } });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 3));
    line.retry();
    clock.advance(0);
    expect(chat.snapshot()).toMatchObject({ state: 'live', error: undefined });
  });

  it('refused from the start does not loop', () => {
    const { line, clock, server } = makeWorld();
    server.intercept = (connection, message) => {
      if (message.type !== 'subscribe') return false;
      const code = 'unknown_channel';
      connection.send({
        type: 'error',
        id: message.id,
        code,
        message: 'no such channel',
        retry: false,
        outcome: 'refused',
      });
      return true;
    };
    const chat = line.channel.chat('lobby');
    const leave = chat.open();
    clock.advance(60_000);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(chat.snapshot()).toMatchObject({ state: 'refused', error: { code: 'unknown_channel' } });
    line.open();
    leave();
    server.intercept = () => false;
    clock.advance(5_000);
    chat.open();
    clock.advance(0);
    expect(chat.snapshot().state).toBe('live');
  });

  it('a channel of another kind is refused', () => {
    const { line, clock, server } = makeWorld();
    server.intercept = (connection, message) => {
      if (message.type !== 'subscribe') return false;
      const ok = { type: 'ok', id: message.id, ch: 1, kind: 'table', epoch: null, head: 0, floor: 0, from: 0 };
      connection.sendText(JSON.stringify(ok));
      return true;
    };
    const chat = line.channel.chat('lobby');
    chat.open({ last: 50 });
    clock.advance(0);
    expect(chat.snapshot()).toMatchObject({ state: 'refused', error: { code: 'conflict' } });
  });

  it('a channel of another kind is left again, so that it can be asked for once more', () => {
    const { line, clock, server } = makeWorld();
    let isSubscribed = false;
    server.intercept = (connection, message) => {
      if (message.type === 'unsubscribe') isSubscribed = false;
      if (message.type !== 'subscribe') return false;
      const { id } = message;
      const ok = { type: 'ok', id, ch: 1, kind: 'table', epoch: null, head: 0, floor: 0, from: 0 };
      const answer = {
        type: 'error',
        id,
        code: 'conflict',
        message: 'subscribed already',
        retry: false,
        outcome: 'refused',
      };
      connection.sendText(JSON.stringify(isSubscribed ? answer : ok));
      isSubscribed = true;
      return true;
    };
    line.open();
    const chat = line.channel.chat('lobby');
    for (let time = 1; time <= 2; time += 1) {
      const leave = chat.open({ last: 50 });
      clock.advance(0);
      expect(chat.snapshot().error?.message).toBe('a table, not a log');
      expect(server.last.sent('subscribe')).toHaveLength(time);
      expect(isSubscribed).toBe(false);
      leave();
      clock.advance(5_000);
    }
    expect(server.last.sent('unsubscribe')).toHaveLength(2);
  });
});
