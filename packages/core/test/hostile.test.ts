// Whatever arrives, nothing is thrown, nothing is left unhandled, and others are served as before.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOBBY, World } from './support/world.js';

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown) => unhandled.push(reason);
beforeEach(() => {
  unhandled.length = 0;
  process.on('unhandledRejection', onUnhandled);
});
afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
  expect(unhandled).toEqual([]);
});

const TYPES = [
  'hello',
  'subscribe',
  'unsubscribe',
  'publish',
  'read',
  'refresh',
  'ping',
  'pong',
  'welcome',
  '__proto__',
];
const number = fc.oneof(fc.integer({ min: -1, max: 5 }), fc.constantFrom(Number.MAX_SAFE_INTEGER, 2 ** 53, 0.5, 1e308));
const anything = fc.oneof(fc.jsonValue({ maxDepth: 3 }), number, fc.string());
const stream = fc.oneof(
  fc.constantFrom('chat/a', 'chat/b', 'chat', '__proto__/x', 'chat/%', '', 'chat/a/b'),
  fc.string(),
);

/** Objects that look like messages: the right fields with likely and unlikely values. */
const message = fc.record(
  {
    type: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...TYPES) }, { weight: 1, arbitrary: anything }),
    id: fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 5 }) }, { weight: 1, arbitrary: anything }),
    version: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: anything }),
    token: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('ada', 'bob', 'bad', 'broken') },
      { weight: 1, arbitrary: anything },
    ),
    stream: fc.oneof({ weight: 9, arbitrary: stream }, { weight: 1, arbitrary: anything }),
    producer: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom('p', 'q', '', 'a/b') },
      { weight: 1, arbitrary: anything },
    ),
    seq: number,
    data: anything,
    last: number,
    most: number,
    after: fc.oneof(
      number,
      fc.record({ epoch: fc.constantFrom('epoch-1', 'x'), offset: number, at: number }, { requiredKeys: [] }),
    ),
    before: number,
    limit: number,
    epoch: fc.constantFrom('epoch-1', 'x'),
    features: anything,
    ['__proto__']: anything,
    constructor: anything,
  },
  { requiredKeys: ['type'], noNullPrototype: true },
);
const line = fc.oneof(
  { weight: 8, arbitrary: message.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 1, arbitrary: fc.json() },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '{',
      'null',
      '[]',
      '\u0000',
      '{"type":"ping","id":1,"id":2}',
      '{"__proto__":{"type":"ping"}}',
    ),
  },
);

describe('any text', () => {
  it('before and after hello, in any order, cut into any messages', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.array(line, { maxLength: 6 }), { maxLength: 12 }),
        async (greets, texts) => {
          const world = new World({ limits: { maxSubscriptions: 2, maxRequestsInWork: 4, publishBurst: 5 } });
          const victim = await world.enter('victim');
          await victim.subscribe();
          const peer = greets ? await world.enter() : world.connect();
          for (const [index, lines] of texts.entries()) {
            peer.say(...lines);
            if (index % 3 === 0) await world.settle();
          }
          await world.settle();
          // Everything sent is a message.
          for (const { type } of peer.connection.messages) expect(typeof type).toBe('string');
          expect(peer.connection.isPaused && peer.connection.closedWith === null).toBe(false);
          peer.vanish();
          await world.settle();
          expect(world.leftovers).toEqual({ sessions: 1, subscriptions: 1 });
          expect(await victim.publish(1, 'fine', 'victims-own')).toMatchObject({ type: 'ok' });
          expect(victim.view(1).data.at(-1)).toBe('fine');
        },
      ),
      { numRuns: 300 },
    );
  });

  it('every request that can be told apart gets one answer', async () => {
    const request = fc
      .record({
        type: fc.constantFrom('subscribe', 'unsubscribe', 'publish', 'read', 'refresh', 'ping', 'dance'),
        stream,
        producer: fc.constantFrom('p', 'q'),
        seq: number,
        data: anything,
        token: fc.constantFrom('ada', 'bob', 'bad', 'broken'),
        limit: number,
        before: fc.option(number, { nil: undefined }),
        after: fc.option(number, { nil: undefined }),
      })
      .map(({ after, ...rest }) => (rest.type === 'subscribe' || after === undefined ? rest : { ...rest, after }));
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 30 }), async (requests) => {
        const world = new World();
        const peer = await world.enter();
        peer.say(...requests.map((body, index) => JSON.stringify({ ...body, id: index + 1 })));
        await world.settle();
        for (const index of requests.keys()) expect(peer.answersTo(index + 1)).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a peer that asks for too much', () => {
  it('nothing of what it sent last is kept while it is idle', async () => {
    const refs: WeakRef<object>[] = [];
    const world = new World({
      chat: {
        validate: (value) => {
          refs.push(new WeakRef(value as object));
          return { value };
        },
      },
    });
    const peer = await world.enter();
    await peer.publish(1, { text: 'x'.repeat(60_000) });
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    await new Promise(setImmediate);
    collect();
    expect(refs.map((ref) => ref.deref())).toEqual([undefined]);
  });

  it('thousands of producers: publishing goes on, and what they stored is known', async () => {
    const world = new World({ limits: { publishBurst: 100_000 } });
    const peer = await world.enter();
    await peer.publish(1, 'first', 'known');
    const count = 12_000;
    for (let index = 0; index < count; index += 500) {
      peer.say(
        ...Array.from({ length: 500 }, (_, n) => {
          const id = index + n + 2;
          return { type: 'publish', id, stream: LOBBY, producer: `p${id}`, seq: 1, data: 1 } as const;
        }),
      );
      await world.settle();
    }
    // Forgotten here by now, but not by the store.
    expect(await (await world.enter()).publish(1, 'again', 'known')).toMatchObject({ type: 'ok', offset: 1 });
    expect((await world.store.readBack(LOBBY, undefined, { entries: 1 })).offset).toBe(count + 1);
  });

  it('a shape for data that was never JSON has no way in', async () => {
    const world = new World();
    const peer = await world.enter();
    const deep = `${'{"a":'.repeat(99)}1${'}'.repeat(99)}`;
    peer.say(`{"type":"publish","id":1,"stream":"chat/a","producer":"p","seq":1,"data":${deep}}`);
    await world.settle();
    expect(peer.answerTo(1)).toMatchObject({ type: 'ok' });
  });
});
