// What a log shows, and what it asks the server for.

import { describe, expect, it } from 'vitest';
import { makeWorld, numbered, texts } from './support/world.js';

function filled(count: number, options = {}) {
  const world = makeWorld(options);
  for (const text of numbered(1, count)) world.server.append('chat/lobby', { text });
  return { ...world, chat: world.line.channel.chat('lobby') };
}

describe('handles', () => {
  it('are the same object for the same name', () => {
    const { line } = makeWorld();
    expect(line.channel.chat('lobby')).toBe(line.channel.chat('lobby'));
    expect(line.channel.chat).toBe(line.channel.chat);
    expect(line.channel.chat('a/b').name).toBe('chat/a%2Fb');
    expect(line.channel.chat('lobby')).not.toBe(line.channel.chat('other'));
    expect(() => line.channel.chat('')).toThrow(/non-empty/);
  });

  it('open nothing by themselves', () => {
    const { line, server, clock } = makeWorld();
    line.channel.chat('lobby').snapshot();
    line.connection.subscribe(() => {});
    clock.advance(60_000);
    expect(server.connections).toHaveLength(0);
    expect(line.connection.snapshot().state).toBe('idle');
    expect(clock.timers).toBe(0);
  });

  it('stand an await and a console', async () => {
    const { line } = makeWorld();
    expect(await (line.channel as unknown)).toBe(line.channel);
    expect(String(Object.prototype.toString.call(line.channel))).toBe('[object Object]');
  });
});

describe('a first look', () => {
  it('goes from connecting to live in one message each way', () => {
    const { chat, clock, server } = filled(60);
    const states: string[] = [];
    chat.subscribe(() => states.push(chat.snapshot().state));
    expect(chat.snapshot().state).toBe('connecting');
    clock.advance(0);
    // The ping measures the round trip, and `seen` rides along: nothing waits for them.
    expect(server.last.received.map(({ type }) => type)).toEqual(['hello', 'subscribe', 'ping', 'seen']);
    expect(server.last.texts).toHaveLength(2);
    expect(server.last.protocol).toBe('trunkline.v1.json');
    expect(chat.snapshot()).toMatchObject({ state: 'live', hasOlder: true, gap: undefined, error: undefined });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(11, 60));
    expect(states.at(-1)).toBe('live');
  });

  it('takes as many entries as were asked for', () => {
    const { chat, clock } = filled(60);
    chat.open({ last: 5 });
    clock.advance(0);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(56, 60));
  });

  it('asks for no more than the server gives', () => {
    const { chat, clock, server } = filled(60);
    chat.open({ last: 5_000 });
    clock.advance(0);
    expect(server.last.sent('subscribe')[0]?.last).toBe(1_000);
  });

  it('keeps the same snapshot while nothing changes', () => {
    const { chat, clock, server } = filled(3);
    chat.open();
    clock.advance(0);
    const before = chat.snapshot();
    clock.advance(10_000);
    expect(chat.snapshot()).toBe(before);
    server.append('chat/lobby', { text: 'm4' });
    clock.advance(0);
    expect(chat.snapshot()).not.toBe(before);
    expect(before.entries).toHaveLength(3);
    expect(chat.snapshot().entries[0]).toBe(before.entries[0]);
  });

  it('tells listeners once per message from the server', () => {
    const { chat, clock, server } = filled(0);
    chat.open();
    clock.advance(0);
    let calls = 0;
    chat.subscribe(() => calls++);
    calls = 0;
    const { ch } = server.last.subscriptions.get('chat/lobby') ?? { ch: 0 };
    const slice = (from: number) =>
      ({
        type: 'entries',
        ch,
        from,
        to: from + 1,
        epoch: 'e1',
        items: [{ offset: from + 1, at: 1, data: { text: 'x' } }],
      }) as const;
    server.last.send(slice(0), slice(1), slice(2));
    clock.advance(0);
    expect(calls).toBe(1);
    expect(chat.snapshot().entries).toHaveLength(3);
  });
});

describe('interest', () => {
  it('is counted: one subscription for all, ended lingerMs after the last', () => {
    const { chat, line, clock, server } = filled(3);
    const stay = line.open();
    const first = chat.subscribe(() => {});
    const second = chat.open();
    clock.advance(0);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    first();
    first();
    second();
    clock.advance(999);
    expect(server.last.sent('unsubscribe')).toHaveLength(0);
    clock.advance(1);
    expect(server.last.sent('unsubscribe')).toHaveLength(1);
    expect(line.connection.snapshot().state).toBe('live');
    stay();
  });

  it('that returns within lingerMs finds everything as it was', () => {
    const { chat, clock, server } = filled(3);
    const leave = chat.open();
    clock.advance(0);
    leave();
    clock.advance(500);
    chat.open();
    clock.advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(server.last.state).toBe('open');
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(server.last.sent('unsubscribe')).toHaveLength(0);
  });

  it('that returns later shows what was here at once, and resumes from there', () => {
    const { chat, line, clock, server } = filled(60);
    line.open();
    const leave = chat.open();
    clock.advance(0);
    leave();
    clock.advance(1_000);
    server.append('chat/lobby', { text: 'm61' });
    clock.advance(0);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(11, 60));
    chat.open();
    expect(chat.snapshot().state).toBe('catching up');
    clock.advance(0);
    expect(server.last.sent('subscribe').at(-1)?.after).toMatchObject({ epoch: 'e1', offset: 60 });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(11, 61));
  });

  it('that wants to begin further back than the others gets the rest', () => {
    const { chat, clock, server } = filled(60);
    chat.open({ last: 5 });
    clock.advance(0);
    chat.open({ last: 20 });
    clock.advance(0);
    expect(server.last.sent('subscribe')).toHaveLength(1);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(41, 60));
  });

  it('that is gone before the first answer leaves nothing behind', () => {
    const { chat, line, clock, server, problems } = filled(3, { lingerMs: 0 });
    server.latencyMs = 100;
    line.open();
    const leave = chat.open();
    clock.advance(220); // greeted, the subscribe is on its way
    leave();
    clock.advance(1_000);
    expect(server.last.sent('unsubscribe')).toHaveLength(1);
    expect(chat.snapshot()).toMatchObject({ state: 'connecting', entries: [] });
    chat.open();
    clock.advance(1_000);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 3));
    expect(problems).toEqual([]);
  });

  it('that returns while the connection lingers on for something else is subscribed anew', () => {
    const { chat, clock, server } = filled(20);
    const leave = chat.open({ last: 1 });
    clock.advance(500);
    leave();
    // A page of history holds the connection for a moment, so it lingers longer than the subscription.
    clock.advance(500);
    void chat.loadOlder(5);
    clock.advance(600);
    expect(server.last.sent('unsubscribe')).toHaveLength(1);
    chat.open({ last: 1 });
    clock.advance(0);
    expect(chat.snapshot()).toMatchObject({ state: 'live', error: undefined });
    expect(server.connections).toHaveLength(1);
  });

  it('drops data that crosses an unsubscribe', () => {
    const { chat, line, clock, server, problems } = filled(3);
    server.latencyMs = 10;
    line.open();
    const leave = chat.open();
    clock.advance(40);
    leave();
    clock.advance(1_000); // the unsubscribe is on its way
    server.append('chat/lobby', { text: 'm4' });
    clock.advance(100);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 3));
    expect(problems).toEqual([]);
    expect(server.openConnections).toHaveLength(1);
  });
});

describe('older pages', () => {
  it('come before the first entry until the floor', async () => {
    const { chat, clock, server } = filled(130);
    server.log('chat/lobby').trim(20);
    chat.open();
    clock.advance(0);
    const page = chat.loadOlder();
    expect(chat.loadOlder()).toBe(page);
    expect(chat.snapshot().loadingOlder).toBe(true);
    clock.advance(0);
    await page;
    expect(chat.snapshot()).toMatchObject({ loadingOlder: false, hasOlder: true });
    expect(texts(chat.snapshot().entries)).toEqual(numbered(31, 130));
    server.log('chat/lobby').trim(25);
    const rest = chat.loadOlder();
    clock.advance(0);
    await rest;
    expect(texts(chat.snapshot().entries)).toEqual(numbered(26, 130));
    expect(chat.snapshot().hasOlder).toBe(false);
    await chat.loadOlder();
    expect(server.last.sent('read')).toHaveLength(2);
  });

  it('learns that all older ones are gone', async () => {
    const { chat, clock, server } = filled(100);
    chat.open();
    clock.advance(0);
    server.log('chat/lobby').trim(60);
    const page = chat.loadOlder();
    clock.advance(0);
    await page;
    expect(texts(chat.snapshot().entries)).toEqual(numbered(51, 100));
    expect(chat.snapshot().hasOlder).toBe(false);
  });

  it('survives the connection it was asked on', async () => {
    const { chat, clock, server } = filled(100);
    chat.open();
    clock.advance(0);
    server.intercept = (_connection, message) => message.type === 'read';
    const page = chat.loadOlder(10);
    clock.advance(0);
    server.last.drop();
    server.intercept = () => false;
    clock.advance(1_000);
    await page;
    expect(texts(chat.snapshot().entries)).toEqual(numbered(41, 100));
  });

  it('that comes after a gap is of no use, and no harm', async () => {
    const { chat, clock, server, problems } = filled(100);
    chat.open();
    clock.advance(0);
    const { ch } = server.last.subscriptions.get('chat/lobby') ?? { ch: 0 };
    server.intercept = (connection, message) => {
      if (message.type !== 'read') return false;
      connection.send({ type: 'gap', ch, reason: 'skipped', lost: 5, epoch: 'e1', to: 105 });
      return false;
    };
    const page = chat.loadOlder(10);
    clock.advance(0);
    await page;
    expect(problems).toEqual([]);
    expect(chat.snapshot()).toMatchObject({ entries: [], loadingOlder: false, hasOlder: true });
  });

  it('rejects when the server refuses', async () => {
    const { chat, clock, server } = filled(100);
    chat.open();
    clock.advance(0);
    server.intercept = (connection, message) => {
      if (message.type !== 'read') return false;
      connection.send({
        type: 'error',
        id: message.id,
        code: 'forbidden',
        message: 'no',
        retry: false,
        outcome: 'refused',
      });
      return true;
    };
    const page = chat.loadOlder();
    clock.advance(0);
    await expect(page).rejects.toMatchObject({ code: 'forbidden' });
    expect(chat.snapshot().loadingOlder).toBe(false);
    expect(chat.snapshot().entries).toHaveLength(50);
  });

  it('is cut to maxEntries by live entries, but never what was asked for', async () => {
    const { chat, clock, server } = filled(60, { maxEntries: 50 });
    chat.open();
    clock.advance(0);
    const page = chat.loadOlder(5);
    clock.advance(0);
    await page;
    for (const text of numbered(61, 70)) server.append('chat/lobby', { text });
    clock.advance(0);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(16, 70));
    expect(chat.snapshot().hasOlder).toBe(true);
  });
});
