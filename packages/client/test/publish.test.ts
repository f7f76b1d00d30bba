// Publishing: pending until the entry is there, sent again until it is answered, stored once.

import type { ClientMessage } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { settled } from './support/fake-clock.js';
import type { FakeConnection } from './support/fake-server.js';
import { makeWorld, numbered, texts, type World } from './support/world.js';

function open(options = {}) {
  const world = makeWorld(options);
  const chat = world.line.channel.chat('lobby');
  chat.open();
  world.clock.advance(0);
  return { ...world, chat };
}

/** What each snapshot showed: pending / entries. */
function record({ chat }: { chat: ReturnType<World['line']['channel']['chat']> }): string[] {
  const seen: string[] = [];
  chat.subscribe(() => {
    const { pending, entries } = chat.snapshot();
    seen.push(`${texts(pending)} / ${texts(entries)}`);
  });
  return seen;
}

/** Lets the server store a publish, and keeps both of its answers back. */
function holdAnswers(world: World): { ok(): void; slice(): void } {
  let held: { connection: FakeConnection; message: Extract<ClientMessage, { type: 'publish' }> } | undefined;
  world.server.intercept = (connection, message) => {
    if (message.type !== 'publish') return false;
    held = { connection, message };
    const { stream, producer, seq, data } = message;
    world.server.log(stream).publish(data, { user: connection.user, producer, seq });
    return true;
  };
  return {
    ok() {
      if (!held) throw new Error('nothing was published');
      const { connection, message } = held;
      const item = world.server.log(message.stream).items.at(-1);
      connection.send({ type: 'ok', id: message.id, epoch: 'e1', offset: item?.offset ?? 0, at: item?.at ?? 0 });
      world.clock.advance(0);
    },
    slice() {
      world.server.flush();
      world.clock.advance(0);
    },
  };
}

describe('a pending entry', () => {
  it('leaves in the snapshot in which its entry comes: ok first', async () => {
    const world = open();
    const { chat, clock } = world;
    const answers = holdAnswers(world);
    const seen = record(world);
    const published = chat.publish({ text: 'a' });
    const { key } = chat.snapshot().pending[0] ?? {};
    clock.advance(0);
    answers.ok();
    await expect(published).resolves.toMatchObject({ offset: 1 });
    expect(texts(chat.snapshot().pending)).toEqual(['a']);
    answers.slice();
    expect(new Set(seen)).toEqual(new Set([' / ', 'a / ', ' / a']));
    expect(chat.snapshot().entries[0]?.key).toBe(key);
  });

  it('leaves in the snapshot in which its entry comes: slice first', async () => {
    const world = open();
    const { chat, clock } = world;
    const answers = holdAnswers(world);
    const seen = record(world);
    const published = chat.publish({ text: 'a' });
    const { key } = chat.snapshot().pending[0] ?? {};
    clock.advance(0);
    answers.slice();
    await expect(published).resolves.toMatchObject({ offset: 1 });
    answers.ok();
    expect(new Set(seen)).toEqual(new Set([' / ', 'a / ', ' / a']));
    expect(chat.snapshot().entries[0]?.key).toBe(key);
  });

  it('is not mistaken for an entry of another user with the same producer and seq', () => {
    const { chat, clock, server } = open();
    server.intercept = (_connection, message) => message.type === 'publish';
    void chat.publish({ text: 'mine' });
    clock.advance(0);
    const { producer, seq } = server.last.sent('publish')[0] ?? { producer: '', seq: 0 };
    server.append('chat/lobby', { text: 'forged' }, { user: { id: 'eve' }, producer, seq });
    clock.advance(0);
    expect(texts(chat.snapshot().pending)).toEqual(['mine']);
    expect(texts(chat.snapshot().entries)).toEqual(['forged']);
    expect(chat.snapshot().entries[0]?.key).not.toBe(chat.snapshot().pending[0]?.key);
  });

  it('leaves by its offset if its entry cannot be recognised', () => {
    const { chat, clock, server } = open();
    server.intercept = (connection, message) => {
      if (message.type !== 'publish') return false;
      const item = server.append('chat/lobby', message.data);
      connection.send({ type: 'ok', id: message.id, epoch: 'e1', offset: item.offset, at: item.at });
      return true;
    };
    void chat.publish({ text: 'a' });
    clock.advance(0);
    expect(texts(chat.snapshot().entries)).toEqual(['a']);
    expect(chat.snapshot().pending).toEqual([]);
  });

  it('leaves with a gap that passes over its entry', () => {
    const world = open();
    const { chat, clock, server } = world;
    const answers = holdAnswers(world);
    void chat.publish({ text: 'a' });
    clock.advance(0);
    answers.ok();
    expect(texts(chat.snapshot().pending)).toEqual(['a']);
    const { ch } = server.last.subscriptions.get('chat/lobby') ?? { ch: 0 };
    server.last.send({ type: 'gap', ch, reason: 'skipped', lost: 9, epoch: 'e1', to: 9 });
    clock.advance(0);
    expect(chat.snapshot()).toMatchObject({ pending: [], entries: [], gap: { lost: 9 } });
  });

  it('leaves with its ok when nobody looks at the log', async () => {
    const { line, clock, server } = makeWorld();
    const chat = line.channel.chat('lobby');
    const published = chat.publish({ text: 'a' });
    clock.advance(0);
    await published;
    expect(chat.snapshot().pending).toEqual([]);
    expect(server.last.sent('subscribe')).toEqual([]);
    clock.advance(1_000);
    expect(server.last.closedByClient).toMatchObject({ code: 1000 });
  });

  it('carries what was published, not what became of the object', () => {
    const { chat, clock, server } = open();
    const message = { text: 'a' };
    server.last.drop();
    void chat.publish(message);
    message.text = 'changed';
    clock.advance(1_000);
    expect(server.last.sent('publish')[0]?.data).toEqual({ text: 'a' });
  });
});

it('from within a listener is sent in that turn', () => {
  const { chat, clock, server } = open();
  const leave = chat.subscribe(() => {
    if (chat.snapshot().entries.length === 0) return;
    leave();
    void chat.publish({ text: 'answer' });
  });
  server.append('chat/lobby', { text: 'question' });
  clock.advance(0);
  expect(texts(chat.snapshot().entries)).toEqual(['question', 'answer']);
});

describe('over reconnects', () => {
  it('sends what was not answered again: in order, with the old seq, in the first message, stored once', async () => {
    const { chat, clock, server } = open();
    server.intercept = (connection, message) => {
      if (message.type !== 'publish') return false;
      // Stored, but the answer is lost.
      const { stream, producer, seq, data } = message;
      if (message.seq < 3) server.log(stream).publish(data, { user: connection.user, producer, seq });
      return true;
    };
    const all = numbered(1, 4).map((text) => chat.publish({ text }));
    clock.advance(0);
    server.last.drop();
    server.intercept = () => false;
    expect(chat.snapshot().state).toBe('offline');
    clock.advance(500);
    const [first] = server.last.texts;
    expect(first?.split('\n')).toHaveLength(6);
    expect(server.last.sent('publish').map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    await Promise.all(all);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 4));
    expect(chat.snapshot().pending).toEqual([]);
    expect(server.log('chat/lobby').items).toHaveLength(4);
  });

  it('keeps the connection wanted until all is answered', async () => {
    const { line, clock, server } = makeWorld();
    server.accepts = false;
    const published = line.channel.chat('lobby').publish({ text: 'a' });
    clock.advance(120_000);
    expect(line.connection.snapshot().state).toBe('waiting');
    server.accepts = true;
    clock.advance(30_000);
    await expect(published).resolves.toMatchObject({ offset: 1 });
  });
});

describe('a refusal', () => {
  const refuse = (world: World, error: object, times = 1) => {
    let left = times;
    world.server.intercept = (connection, message) => {
      if (message.type !== 'publish' || left === 0) return false;
      left -= 1;
      const base = { type: 'error', id: message.id, message: 'no', retry: false, outcome: 'refused' } as const;
      connection.send({ ...base, code: 'refused', ...error });
      return true;
    };
  };

  it('that is final shows as failed, with its code, and lets later ones pass', async () => {
    const world = open();
    const { chat, clock } = world;
    refuse(world, { refusal: 'rude' });
    const bad = chat.publish({ text: 'bad' });
    const good = chat.publish({ text: 'good' });
    clock.advance(0);
    await expect(bad).rejects.toMatchObject({ name: 'TrunklineError', code: 'refused', refusal: 'rude', retry: false });
    await good;
    const [failed] = chat.snapshot().pending;
    expect(failed).toMatchObject({ state: 'failed', data: { text: 'bad' }, error: { refusal: 'rude' } });
    expect(texts(chat.snapshot().entries)).toEqual(['good']);
    failed?.retry();
    expect(chat.snapshot().pending[0]).toMatchObject({ state: 'sending', error: undefined, key: failed?.key });
    clock.advance(0);
    expect(texts(chat.snapshot().entries)).toEqual(['good', 'bad']);
    expect(chat.snapshot().pending).toEqual([]);
    expect(chat.snapshot().entries[1]?.key).toBe(failed?.key);
  });

  it('can be discarded', async () => {
    const world = open();
    refuse(world, {});
    void world.chat.publish({ text: 'bad' });
    world.clock.advance(0);
    await settled(); // nobody handles the rejection, and that is no unhandled one
    world.chat.snapshot().pending[0]?.discard();
    expect(world.chat.snapshot().pending).toEqual([]);
  });

  it('that may pass is waited out, and all after it goes again in order (PUB-4)', async () => {
    const world = open();
    const { chat, clock, server } = world;
    refuse(world, { code: 'rate_limited', retry: true, afterMs: 300 }, 3);
    const all = numbered(1, 3).map((text) => chat.publish({ text }));
    clock.advance(0);
    expect(chat.snapshot().pending.map(({ state }) => state)).toEqual(['sending', 'sending', 'sending']);
    void chat.publish({ text: 'm4' });
    clock.advance(200);
    expect(server.last.sent('publish')).toHaveLength(3);
    clock.advance(100);
    expect(server.last.sent('publish').map(({ seq }) => seq)).toEqual([1, 2, 3, 1, 2, 3, 4]);
    await Promise.all(all);
    expect(texts(chat.snapshot().entries)).toEqual(numbered(1, 4));
  });

  it('with an unknown outcome is retried under its old seq first: never stored twice', () => {
    const { chat, clock, server } = open();
    server.intercept = (connection, message) => {
      if (message.type !== 'publish' || message.seq !== 1) return false;
      connection.send({
        type: 'error',
        id: message.id,
        code: 'internal',
        message: '?',
        retry: false,
        outcome: 'unknown',
      });
      return true;
    };
    void chat.publish({ text: 'm1' });
    void chat.publish({ text: 'm2' });
    clock.advance(0);
    server.intercept = () => false;
    chat.snapshot().pending[0]?.retry();
    clock.advance(0);
    // 1 was not stored and 2 was: the server says `conflict`, and only then a new seq is taken.
    expect(server.last.sent('publish').map(({ seq }) => seq)).toEqual([1, 2, 1, 3]);
    expect(texts(chat.snapshot().entries)).toEqual(['m2', 'm1']);
    expect(chat.snapshot().pending).toEqual([]);
  });
});

describe('limits', () => {
  it('64 may wait; one more makes the oldest that was never sent fail', async () => {
    const { chat, clock, server } = open();
    server.intercept = (_connection, message) => message.type === 'publish';
    const sent = chat.publish({ text: 'sent' });
    clock.advance(0);
    server.last.drop();
    server.accepts = false;
    server.intercept = () => false;
    const waiting = numbered(1, 63).map((text) => chat.publish({ text }));
    expect(chat.snapshot().pending.every(({ state }) => state === 'sending')).toBe(true);
    const extra = chat.publish({ text: 'extra' });
    await expect(waiting[0]).rejects.toMatchObject({ code: 'rate_limited', outcome: 'refused' });
    server.accepts = true;
    clock.advance(5_000);
    await Promise.all([sent, extra, ...waiting.slice(1)]);
    expect(texts(chat.snapshot().entries)).toEqual(['sent', ...numbered(2, 63), 'extra']);
    expect(chat.snapshot().pending.map(({ data }) => data.text)).toEqual(['m1']);
  });

  it('fails the new one when all 64 were sent', async () => {
    const { chat, clock, server } = open();
    server.intercept = (_connection, message) => message.type === 'publish';
    for (const text of numbered(1, 64)) void chat.publish({ text });
    clock.advance(0);
    await expect(chat.publish({ text: 'extra' })).rejects.toMatchObject({ code: 'rate_limited' });
    expect(chat.snapshot().pending.filter(({ state }) => state === 'sending')).toHaveLength(64);
  });

  it('keeps at most as many failures as may wait', () => {
    const { chat } = open({ maxQueued: 2 });
    const { line } = makeWorld();
    line.channel.chat('lobby');
    for (let i = 0; i < 20; i++) void chat.publish({ text: 'x'.repeat(70_000) });
    expect(chat.snapshot().pending).toHaveLength(2);
  });

  it.each([
    [65_536, true],
    [65_537, false],
  ])('an entry of %i bytes passes: %s', async (bytes, passes) => {
    const { chat, clock, server } = open();
    const published = chat.publish({ text: 'x'.repeat(bytes - '{"text":""}'.length) });
    if (!passes) {
      await expect(published).rejects.toMatchObject({ code: 'too_large', outcome: 'refused' });
      expect(server.last.sent('publish')).toEqual([]);
      return;
    }
    clock.advance(0);
    await expect(published).resolves.toMatchObject({ offset: 1 });
  });

  it('an entry that might be too large waits for the limits, and those after it', async () => {
    const { line, clock, server } = makeWorld();
    server.limits = { ...server.limits, maxEntryBytes: 100_000 };
    const chat = line.channel.chat('lobby');
    const all = [chat.publish({ text: 'x'.repeat(70_000) }), chat.publish({ text: 'b' })];
    clock.advance(0);
    expect(server.last.texts[0]?.length).toBeLessThan(1_000);
    await Promise.all(all);
    expect(server.log('chat/lobby').items).toHaveLength(2);
  });

  it('splits a resend into messages that the server takes', () => {
    const { chat, clock, server } = open();
    server.last.drop();
    for (let i = 0; i < 20; i++) void chat.publish({ text: 'ä'.repeat(25_000) });
    clock.advance(1_000);
    expect(server.last.texts.length).toBeGreaterThan(3);
    for (const text of server.last.texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(262_144);
    expect(chat.snapshot().entries).toHaveLength(20);
  });

  it('publishes only after welcome once the server closed with 1009', async () => {
    const { chat, clock, server } = open();
    server.limits = { ...server.limits, maxMessageBytes: 10_000 };
    server.intercept = (connection, message) => {
      if (message.type !== 'publish') return false;
      connection.close(1009, 'too large');
      return true;
    };
    const published = chat.publish({ text: 'x'.repeat(20_000) });
    clock.advance(2_000);
    await expect(published).rejects.toMatchObject({ code: 'too_large' });
    expect(server.connections).toHaveLength(2);
    expect(server.last.sent('publish')).toEqual([]);
  });

  it('what is no JSON value is refused at once', async () => {
    const { chat } = open();
    await expect(chat.publish(undefined as never)).rejects.toMatchObject({ code: 'invalid' });
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    await expect(chat.publish(loop as never)).rejects.toMatchObject({ code: 'invalid' });
    expect(chat.snapshot().pending).toEqual([]);
  });
});
