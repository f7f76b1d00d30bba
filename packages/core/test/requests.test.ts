// Subscribing and unsubscribing, reading, refreshing: what crosses what.

import { describe, expect, it } from 'vitest';
import type { Action } from '../src/index.js';
import { LOBBY, World } from './support/world.js';

/** A promise and its handles. */
function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe('SUB-1: the name of a stream', () => {
  it.each([
    'nothing/x',
    'chat',
    'chat/a/b',
    'chat/',
    '/lobby',
    'chat/%zz',
    'chat/%61',
    'chat/ä',
    '__proto__/x',
    'chat/a%2fb',
  ])('%s is unknown', async (stream) => {
    const peer = await new World().enter();
    for (const request of [
      { type: 'subscribe', stream } as const,
      { type: 'publish', stream, producer: 'p', seq: 1, data: 1 } as const,
      { type: 'read', stream, before: 1, limit: 1 } as const,
    ]) {
      expect(await peer.fail(request)).toMatchObject({ code: 'unknown_channel', retry: false });
    }
  });

  it('of 512 bytes is the longest', async () => {
    const peer = await new World().enter();
    const stream = `chat/${'x'.repeat(507)}`;
    expect(await peer.do({ type: 'subscribe', stream })).toMatchObject({ head: 0 });
    expect(await peer.fail({ type: 'subscribe', stream: `${stream}x` })).toMatchObject({ code: 'invalid' });
  });

  it('holds any text, percent-encoded', async () => {
    const seen: (readonly string[])[] = [];
    const world = new World({
      chat: {
        authorize: (_, params) => {
          seen.push(params);
          return true;
        },
      },
    });
    await (await world.enter()).do({ type: 'subscribe', stream: 'chat/a%2Fb%20%C3%A4' });
    expect(seen).toEqual([['a/b ä']]);
  });
});

describe('SUB-8', () => {
  it('a second subscribe to a stream is a conflict, the first goes on', async () => {
    const world = new World();
    const peer = await world.enter();
    const id = peer.request({ type: 'subscribe', stream: LOBBY });
    expect(await peer.fail({ type: 'subscribe', stream: LOBBY })).toMatchObject({ code: 'conflict', retry: false });
    await world.fill(1);
    await world.settle();
    expect(peer.view(id).offsets).toEqual([1]);
  });

  it('ok to an unsubscribe is a barrier: nothing of the stream follows it', async () => {
    const world = new World();
    const peer = await world.enter();
    await peer.subscribe();
    await world.fill(1);
    await new Promise(setImmediate);
    const id = peer.request({ type: 'unsubscribe', stream: LOBBY });
    await world.settle();
    await world.fill(1, 2);
    await world.settle();
    expect(peer.connection.messages.at(-1)).toEqual({ type: 'ok', id });
  });

  it('unsubscribing what is not subscribed is fine', async () => {
    const peer = await new World().enter();
    for (const stream of [LOBBY, 'what/ever', '%%%'])
      expect((await peer.ask({ type: 'unsubscribe', stream })).type).toBe('ok');
  });

  it.each(['authorize', 'watch', 'readBack'] as const)(
    'unsubscribing while it opens (%s) wins, and a subscribe after that is another one',
    async (stage) => {
      const gate = deferred<boolean>();
      const world = new World(stage === 'authorize' ? { chat: { authorize: () => gate.promise } } : {});
      await world.fill(3);
      const release = stage === 'authorize' ? () => gate.resolve(true) : world.broker.hold(stage);
      const peer = await world.enter();
      const first = peer.request({ type: 'subscribe', stream: LOBBY, last: 3 });
      await world.settle();
      const barrier = peer.request({ type: 'unsubscribe', stream: LOBBY });
      const second = peer.request({ type: 'subscribe', stream: LOBBY, last: 1 });
      release();
      await world.settle();
      expect(peer.answerTo(first)).toMatchObject({ type: 'error', code: 'conflict' });
      expect(peer.answerTo(barrier)).toEqual({ type: 'ok', id: barrier });
      expect(peer.view(second)).toMatchObject({ offsets: [3], synced: 1 });
      expect(world.leftovers).toEqual({ sessions: 1, subscriptions: 1 });
    },
  );

  it('resubscribing after an unsubscribe goes on from the own position', async () => {
    const world = new World();
    const peer = await world.enter();
    await peer.subscribe();
    await world.fill(2);
    await world.settle();
    await peer.do({ type: 'unsubscribe', stream: LOBBY });
    await world.fill(2, 3);
    expect(await peer.subscribe({ after: { epoch: 'epoch-1', offset: 2 } })).toMatchObject({ offsets: [3, 4] });
  });
});

describe('REQ-2: subscribes of one stream', () => {
  it('keep their order with unsubscribes in one message', async () => {
    const world = new World();
    const peer = await world.enter();
    const flip = (id: number, type: 'subscribe' | 'unsubscribe') => ({ type, id, stream: LOBBY }) as const;
    peer.say(
      flip(1, 'subscribe'),
      flip(2, 'unsubscribe'),
      flip(3, 'subscribe'),
      flip(4, 'unsubscribe'),
      flip(5, 'subscribe'),
    );
    await world.settle();
    expect([1, 2, 3, 4, 5].map((id) => peer.answerTo(id).type)).toEqual(['error', 'ok', 'error', 'ok', 'ok']);
    await world.fill(1);
    await world.settle();
    expect(peer.view(5).offsets).toEqual([1]);
  });
});

describe('a connection that ends leaves nothing behind', () => {
  it.each([
    'authenticate',
    'authorize',
    'watch',
    'readBack',
    'validate',
    'onPublish',
    'append',
    'lookup',
    'read',
  ] as const)('while it waits for %s', async (stage) => {
    const gate = deferred<void>();
    const wait = async <T>(at: string, value: T): Promise<T> => {
      if (at === stage) await gate.promise;
      return value;
    };
    const world = new World({
      authenticate: (token) => wait('authenticate', { id: token ?? '', user: null, publicUser: null }),
      chat: {
        authorize: () => wait('authorize', true),
        validate: (value) => wait('validate', { value }),
        onPublish: () => wait('onPublish', { store: undefined }),
      },
      ringBytes: 1_000,
    });
    await world.fill(200);
    const isBroker =
      stage === 'watch' || stage === 'readBack' || stage === 'append' || stage === 'lookup' || stage === 'read';
    const release = isBroker ? world.broker.hold(stage) : () => gate.resolve();
    const peer = await world.enter();
    peer.say(
      { type: 'subscribe', id: 1, stream: LOBBY, after: { epoch: 'epoch-1', offset: 0 } },
      { type: 'publish', id: 2, stream: LOBBY, producer: 'p', seq: 1, data: 1 },
      { type: 'read', id: 3, stream: LOBBY, after: 1, limit: 3 },
      { type: 'refresh', id: 4, token: 'ada' },
    );
    await world.settle();
    const sent = peer.connection.texts.length;
    peer.vanish();
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
    release();
    await world.settle();
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
    expect(peer.connection.texts).toHaveLength(sent);
    await world.fill(1, 201);
    await world.passMs(35_000);
    expect(world.engine.hub.activeStreams).toBe(0);
    expect(peer.connection.texts).toHaveLength(sent);
    expect(world.logged).toEqual([]);
  });
});

describe('authorize', () => {
  it.each([
    ['subscribe', { type: 'subscribe', stream: LOBBY }],
    ['read', { type: 'read', stream: LOBBY, before: 1, limit: 1 }],
    ['publish', { type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 }],
  ] as const)('is asked for %s with user and parameters, and refuses with forbidden', async (action, request) => {
    const asked: unknown[] = [];
    const world = new World({
      chat: {
        authorize: async (...args) => {
          asked.push(args);
          return false;
        },
      },
    });
    const peer = await world.enter();
    expect(await peer.fail(request)).toMatchObject({ code: 'forbidden', retry: false, outcome: 'refused' });
    expect(asked).toEqual([[{ id: 'ada' }, ['lobby'], action]]);
    expect(world.leftovers.subscriptions).toBe(0);
  });

  it.each(['subscribe', 'read', 'publish'] as const)(
    'that throws at %s lets nobody in, and is logged',
    async (action) => {
      const world = new World({
        chat: {
          authorize: () => {
            throw new Error('a bug');
          },
        },
      });
      const peer = await world.enter();
      const request = { subscribe: {}, read: { before: 1, limit: 1 }, publish: { producer: 'p', seq: 1, data: 1 } }[
        action
      ];
      const error = await peer.fail({ type: action, stream: LOBBY, ...request } as Parameters<typeof peer.fail>[0]);
      expect(error).toMatchObject({ code: 'internal', retry: false });
      expect(error.message).not.toContain('a bug');
      expect(world.logged).toMatchObject([{ level: 'error' }]);
    },
  );

  it('lets in only for true', async () => {
    const world = new World({ chat: { authorize: () => 'yes' as unknown as boolean } });
    expect(await (await world.enter()).fail({ type: 'subscribe', stream: LOBBY })).toMatchObject({ code: 'forbidden' });
  });
});

describe('CON-4: refresh', () => {
  const rights = () => {
    const denied = new Set<Action>();
    const world = new World({
      authenticate: async (token) => {
        if (token === 'broken') throw new Error('down');
        const [id = '', may] = (token ?? '').split('+');
        return token === 'bad' ? null : { id, user: { may: may !== 'nothing' }, publicUser: `${id}!${may ?? ''}` };
      },
      chat: { authorize: (user, _, action) => (user as { may: boolean }).may && !denied.has(action) },
    });
    return world;
  };

  it('of the same user is answered with the user', async () => {
    const peer = await rights().enter();
    expect(await peer.ask({ type: 'refresh', token: 'ada+new' })).toEqual({ type: 'ok', id: 1, user: 'ada!new' });
    expect(peer.session.identity?.publicUser).toBe('ada!new');
  });

  it.each([
    ['bad', 'unauthorized', false],
    ['bob', 'conflict', false],
    ['broken', 'unavailable', true],
  ])('with %s is answered with %s, and changes nothing', async (token, code, retry) => {
    const world = rights();
    const peer = await world.enter('ada+old');
    await peer.subscribe();
    expect(await peer.fail({ type: 'refresh', token })).toMatchObject({ code, retry, outcome: 'refused' });
    expect(peer.session.identity).toMatchObject({ id: 'ada', publicUser: 'ada!old' });
    await world.fill(1);
    await world.settle();
    expect(peer.view(1).offsets).toEqual([1]);
  });

  it('SUB-9: ends what is no longer allowed, and nothing is delivered after that', async () => {
    const world = rights();
    const peer = await world.enter();
    const view = await peer.subscribe();
    const answer = await peer.ask({ type: 'refresh', token: 'ada+nothing' });
    expect(answer.type).toBe('ok');
    const ended = peer.connection.messages.filter((message) => message.type === 'ended');
    expect(ended).toMatchObject([{ ch: view.ch, code: 'forbidden', retry: false }]);
    await world.fill(1);
    await world.settle();
    expect(peer.connection.messages.at(-1)).toEqual(answer);
    expect(world.leftovers.subscriptions).toBe(0);
    expect(await peer.fail({ type: 'subscribe', stream: LOBBY })).toMatchObject({ code: 'forbidden' });
    expect(await peer.publish(1)).toMatchObject({ code: 'forbidden' });
  });

  it('SUB-9: reaches a subscription that is being opened with the old rights', async () => {
    const world = rights();
    const peer = await world.enter();
    const release = world.broker.hold('watch');
    const id = peer.request({ type: 'subscribe', stream: LOBBY });
    await world.settle();
    await peer.do({ type: 'refresh', token: 'ada+nothing' });
    release();
    await world.settle();
    expect(peer.answerTo(id)).toMatchObject({ code: 'forbidden' });
    expect(world.leftovers.subscriptions).toBe(0);
  });

  it('SUB-9: a rule that fails ends the subscription too, for now', async () => {
    let isBroken = false;
    const world = new World({
      chat: {
        authorize: () => {
          if (isBroken) throw new Error('a bug');
          return true;
        },
      },
    });
    const peer = await world.enter();
    await peer.subscribe();
    isBroken = true;
    expect((await peer.ask({ type: 'refresh', token: 'ada' })).type).toBe('ok');
    expect(peer.connection.messages.at(-2)).toMatchObject({ type: 'ended', code: 'internal', retry: true });
    expect(world.leftovers.subscriptions).toBe(0);
  });

  it('keeps what is still allowed', async () => {
    const world = rights();
    const peer = await world.enter();
    await peer.subscribe();
    await peer.do({ type: 'refresh', token: 'ada+more' });
    await world.fill(1);
    await world.settle();
    expect(peer.view(1).offsets).toEqual([1]);
  });
});
