// The browser's reader of messages against the protocol's own checks, and the whole client against nonsense.

import { decodeServer, encode, type ServerMessage } from '@trunkline/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeWorld, texts } from './support/world.js';

const count = fc.nat({ max: 40 });
const word = fc.string({ maxLength: 8 });
const epoch = fc.constantFrom('e1', 'e2');
const code = fc.constantFrom('forbidden', 'unavailable', 'conflict', 'internal' as const);
const item = fc.record(
  { offset: fc.integer({ min: 1, max: 40 }), at: count, user: fc.jsonValue(), data: fc.jsonValue() },
  { requiredKeys: ['offset', 'at', 'data'] },
);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

/** Messages that are well formed, and say anything. */
const message = fc.oneof(
  fc.record({
    type: fc.constant('entries'),
    ch: fc.constantFrom(1, 2),
    from: count,
    to: count,
    epoch: optional(epoch),
    items: fc.array(item, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('synced'), ch: fc.constantFrom(1, 2), to: count }),
  fc.record({
    type: fc.constant('gap'),
    ch: fc.constant(1),
    reason: fc.constantFrom('trimmed', 'epoch', 'skipped'),
    lost: optional(count),
    epoch: fc.option(epoch),
    to: count,
  }),
  fc.record({
    type: fc.constant('ended'),
    ch: fc.constant(1),
    code,
    message: word,
    retry: fc.boolean(),
    afterMs: optional(count),
  }),
  fc.record({
    type: fc.constant('error'),
    id: optional(fc.integer({ min: 1, max: 6 })),
    code,
    message: word,
    retry: fc.boolean(),
    outcome: fc.constantFrom('refused', 'unknown'),
    afterMs: optional(count),
  }),
  fc.record({
    type: fc.constant('ok'),
    id: fc.integer({ min: 1, max: 6 }),
    ch: optional(count),
    kind: optional(word),
    epoch: optional(epoch),
    head: optional(count),
    floor: optional(count),
    from: optional(count),
    offset: optional(count),
    at: optional(count),
  }),
  fc.record({ type: fc.constant('ping'), now: count, rttMs: optional(count) }),
  fc.record({ type: fc.constant('pong'), id: fc.integer({ min: 1, max: 6 }), now: count }),
  fc.record({
    type: fc.constant('goodbye'),
    code: count,
    reason: word,
    afterMs: optional(count),
    spreadMs: optional(count),
  }),
) as fc.Arbitrary<object>;

/** One field of a message is something else. */
const spoiled = fc.tuple(message, fc.nat(), fc.jsonValue()).map(([original, at, value]) => {
  const keys = Object.keys(original);
  return { ...original, [keys[at % keys.length] ?? 'type']: value };
});

/** Feeds a live client with text after text, and lets time pass. */
function feed(given: readonly string[]) {
  const world = makeWorld();
  const chat = world.line.channel.chat('lobby');
  world.server.append('chat/lobby', { text: 'm1' });
  chat.open();
  void chat.publish({ text: 'mine' });
  world.clock.advance(0);
  for (const text of given) {
    world.server.connections.at(-1)?.sendText(text);
    world.clock.advance(300);
    const { entries, pending } = chat.snapshot();
    expect(new Set([...entries, ...pending].map(({ key }) => key)).size).toBe(entries.length + pending.length);
    const offsets = entries.map(({ offset }) => offset);
    expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
  }
  // A server may ask for a wait of an hour.
  world.clock.advance(3_700_000);
  return { ...world, chat };
}

describe('reading', () => {
  it('takes whatever the protocol takes', () => {
    fc.assert(
      fc.property(message, (given) => {
        const text = JSON.stringify(given);
        fc.pre(decodeServer(text).every(({ type }) => type !== 'problem'));
        const { problems, server } = makeWorldThatReads(text);
        const taken = problems.every(({ message: said }) => !said.includes('made no sense'));
        expect(taken, text).toBe(true);
        expect(server.connections.length).toBeGreaterThan(0);
      }),
    );
  });

  it('takes several messages in one, blank lines between them, and fields of a later version', () => {
    const { server, clock, problems, line } = makeWorld();
    line.open();
    clock.advance(0);
    const ping: ServerMessage = { type: 'ping', now: 1, rttMs: 7 };
    server.last.sendText(
      `\n${encode(ping)}\r\n\n${JSON.stringify({ ...ping, rttMs: 8, later: [1], constructor: 1 })}\n`,
    );
    clock.advance(0);
    expect(problems).toEqual([]);
    expect(line.connection.snapshot().rttMs).toBe(8);
    expect(server.last.sent('pong')).toHaveLength(2);
  });

  it('knows no type that is a member of Object.prototype', () => {
    const { server, clock, line } = makeWorld();
    line.open();
    clock.advance(0);
    server.last.sendText(JSON.stringify({ type: 'toString' }));
    clock.advance(0);
    expect(server.last.closedByClient?.code).toBe(4500);
  });
});

describe('nonsense', () => {
  it('never throws, never spoils a snapshot, and the line recovers: spoiled fields', () => {
    fc.assert(
      fc.property(
        fc.array(
          spoiled.map((given) => JSON.stringify(given)),
          { maxLength: 6 },
        ),
        (given) => {
          const { line } = feed(given);
          expect(line.connection.snapshot().state).toBe('live');
        },
      ),
    );
  });

  it('never throws, never spoils a snapshot, and the line recovers: well-formed lies', () => {
    fc.assert(
      fc.property(
        fc.array(
          message.map((given) => JSON.stringify(given)),
          { maxLength: 8 },
        ),
        (given) => {
          const { line } = feed(given);
          expect(line.connection.snapshot().state).toBe('live');
        },
      ),
    );
  });

  it('never throws: any text', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.json()), { maxLength: 4 }), (given) => {
        const { line, chat } = feed(given);
        expect(line.connection.snapshot().state).toBe('live');
        expect(texts(chat.snapshot().entries)).toEqual(['m1', 'mine']);
      }),
    );
  });

  it('a user nested beyond all measure is met like any nonsense', () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const { line } = feed([
      `{"type":"entries","ch":1,"from":1,"to":2,"items":[{"offset":2,"at":1,"producer":"${'i'.repeat(20)}","seq":1,"user":${deep},"data":1}]}`,
    ]);
    expect(line.connection.snapshot().state).toBe('live');
  });
});

function makeWorldThatReads(text: string) {
  const world = makeWorld();
  world.line.open();
  world.clock.advance(0);
  world.server.last.sendText(text);
  world.clock.advance(0);
  return world;
}
