// A back end over real sockets: what it is asked and told, and what becomes of its answers at the client.

import { type Broker, memoryBroker, type Outbox } from '@trunkline/broker';
import { CLOSE } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type BackendOptions, refuse, serve, type TrunkBackend, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { type Answering, backEnd, type Say, SECRET, yes } from './support/back-end.js';
import { enter } from './support/dial.js';
import { asking } from './support/http.js';

const stops: (() => PromiseLike<unknown>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const CHAT_KEY = 'chats-0123456789-0123456789-0123456789-01';
const KEY = 'back-end-0123456789-0123456789-0123456789';

function chatApp() {
  const t = trunkline({
    authenticate: ({ token }) => (token === undefined ? null : { id: token, secret: 'of the app' }),
    publicUser: ({ id }) => ({ name: id.toUpperCase() }),
  });
  const entry = z.object({ text: z.string() });
  return t.app({
    channels: {
      chat: t.log(['room'], { entry }),
      hooked: t.log([], { entry, onPublish: ({ entry }) => (entry.text === 'no' ? refuse('own') : undefined) }),
      both: t.log([], {
        entry,
        authorize: ({ user }) => user.id !== 'mallory',
        onPublish: ({ entry }) => (entry.text === 'no' ? refuse('own') : { text: `${entry.text}!` }),
        backend: ['authorize', 'publish.before'],
      }),
      silent: t.log([], { entry, backend: [] }),
      quotes: t.table(['market'], { row: z.object({ bid: z.number() }), write: 'client' }),
    },
  });
}

async function start(answering: Answering = yes, options: Partial<BackendOptions> = {}, broker?: Broker & Outbox) {
  const there = await backEnd(answering);
  stops.push(() => there[Symbol.asyncDispose]());
  const log = listeningLog();
  const store = broker ?? memoryBroker();
  const trunk = await serve(chatApp(), {
    port: 0,
    broker: store,
    log,
    apiKeys: { own: KEY, chat: { secret: CHAT_KEY, channels: ['chat'] } },
    backend: { url: there.url, secret: SECRET, retryMs: 1, ...options },
  });
  stops.push(() => trunk.close({ deadlineMs: 500 }));
  const backend = trunk.backend as TrunkBackend;
  return { there, trunk, backend, store, log: log.lines, url: trunk.url, ask: asking(trunk.url) };
}

let seq = 0;
async function publish(url: string, text: string, { stream = 'chat/lobby', user = 'ada' } = {}) {
  const peer = await enter(url, user);
  seq += 1;
  return peer.ask({ type: 'publish', stream, producer: 'p1', seq, data: { text } });
}

describe('a publish', () => {
  it('is asked about and told of, with who, where and what', async () => {
    const { there, url } = await start();
    const stored = await publish(url, 'hello');
    expect(stored).toMatchObject({ type: 'ok', offset: 1 });
    await there.hears('publish.after', 1);
    const place = { channel: 'chat', stream: 'chat/lobby', params: { room: 'lobby' } };
    const user = { id: 'ada', public: { name: 'ADA' } };
    const [authorize, before, after] = there.heard;
    expect(authorize?.request).toMatchObject({ type: 'authorize', data: { ...place, user, action: 'publish' } });
    expect(before?.request.data).toEqual({ ...place, user, producer: 'p1', seq, entry: { text: 'hello' } });
    const { epoch, at } = stored as unknown as { epoch: string; at: number };
    expect(after?.request).toEqual({
      type: 'publish.after',
      timestamp: new Date(at).toISOString(),
      data: { kind: 'publish', ...place, epoch, offset: 1, at, user, producer: 'p1', seq, entry: { text: 'hello' } },
    });
    expect(JSON.stringify(there.heard)).not.toContain('of the app');
    expect(new Set(there.heard.map(({ id }) => id)).size).toBe(3);
  });

  it('is refused with code and message, and nothing is stored', async () => {
    const { there, url } = await start(({ request }) =>
      request.type === 'publish.before'
        ? { body: { accept: false, code: 'rude', message: 'Be kind' } }
        : yes({ request } as never),
    );
    expect(await publish(url, 'x')).toMatchObject({
      code: 'refused',
      refusal: 'rude',
      message: 'Be kind',
      retry: false,
    });
    expect(there.of('publish.after')).toEqual([]);
  });

  it('is rewritten into any JSON that is small enough', async () => {
    let entry: unknown = { text: 'rewritten', more: [1, null] };
    const { there, url } = await start((heard) =>
      heard.request.type === 'publish.before' ? { body: { accept: true, entry } } : yes(heard),
    );
    await publish(url, 'x');
    await there.hears('publish.after', 1);
    expect(there.of('publish.after')[0]?.data.entry).toEqual(entry);
    entry = null;
    expect(await publish(url, 'x')).toMatchObject({ type: 'ok' });
    entry = { text: 'x'.repeat(65_536 - 11) };
    expect(await publish(url, 'x')).toMatchObject({ type: 'ok' });
    entry = { text: 'x'.repeat(65_536 - 10) };
    expect(await publish(url, 'x')).toMatchObject({ code: 'too_large' });
  });

  it.each<[string, Say]>([
    ['no JSON', { raw: 'fine' }],
    ['no object', { body: [true] }],
    ['no decision', { body: {} }],
    ['a decision that is no boolean', { body: { accept: 'yes' } }],
    ['a refusal without a code', { body: { accept: false } }],
    ['a code of 65 characters', { body: { accept: false, code: 'x'.repeat(65) } }],
    ['a message of 1,001 characters', { body: { accept: false, code: 'x', message: 'x'.repeat(1_001) } }],
    ['yes with another status', { status: 201, body: { accept: true } }],
    ['a redirect, which is not followed', { status: 307, headers: { location: '/other' }, body: { accept: true } }],
    ['a wrong signature, as it says', { status: 401, body: { accept: true } }],
  ])('does not pass where the answer is %s', async (_what, say) => {
    const { there, url, log } = await start((heard) => (heard.request.type === 'publish.before' ? say : yes(heard)), {
      whenDown: 'accept',
    });
    expect(await publish(url, 'x')).toMatchObject({ code: 'internal', retry: false });
    expect(there.of('publish.before')).toHaveLength(1);
    expect(log.some(({ message }) => message.includes('makes no sense'))).toBe(true);
    expect(JSON.stringify(log)).not.toContain(SECRET.slice(6));
  });

  it('takes a code of 64 and a message of 1,000 characters', async () => {
    const body = { accept: false, code: 'x'.repeat(64), message: 'y'.repeat(1_000) };
    const { url } = await start((heard) => (heard.request.type === 'publish.before' ? { body } : yes(heard)));
    expect(await publish(url, 'x')).toMatchObject({ refusal: body.code, message: body.message });
  });

  it('is sent under the same id when its client sends it again', async () => {
    let isDown = true;
    const { there, url } = await start((heard) =>
      isDown && heard.request.type === 'publish.before' ? { status: 503 } : yes(heard),
    );
    const peer = await enter(url);
    const request = { type: 'publish', stream: 'chat/lobby', producer: 'p9', seq: 1, data: { text: 'x' } };
    expect(await peer.ask(request)).toMatchObject({ code: 'unavailable' });
    isDown = false;
    expect(await peer.ask(request)).toMatchObject({ type: 'ok' });
    const ids = there.heard.filter(({ request: { type } }) => type === 'publish.before').map(({ id }) => id);
    expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
  });
});

describe('a back end that is down', () => {
  it('refuses with a hint when to come again, or lets pass, as it was said', async () => {
    const answering: Answering = (heard) =>
      heard.request.type === 'publish.before' ? { status: 503, headers: { 'retry-after': '7' } } : yes(heard);
    const refusing = await start(answering);
    expect(await publish(refusing.url, 'x')).toMatchObject({ code: 'unavailable', retry: true, afterMs: 7_000 });
    const accepting = await start(answering, { whenDown: 'accept' });
    expect(await publish(accepting.url, 'x')).toMatchObject({ type: 'ok' });
    await accepting.there.hears('publish.after', 1);
  });

  it('that is slow is not waited for', async () => {
    const { url } = await start((heard) => (heard.request.type === 'publish.before' ? null : yes(heard)), {
      timeoutMs: 20,
    });
    expect(await publish(url, 'x')).toMatchObject({ code: 'unavailable', retry: true, afterMs: 1_000 });
  });

  it('whose answer is longer than it may be counts as down', async () => {
    const raw = (bytes: number) => `{"accept":true}${' '.repeat(bytes - 15)}`;
    let bytes = 64;
    const { url } = await start(
      (heard) => (heard.request.type === 'publish.before' ? { raw: raw(bytes) } : yes(heard)),
      { maxAnswerBytes: 64 },
    );
    expect(await publish(url, 'x')).toMatchObject({ type: 'ok' });
    bytes = 65;
    expect(await publish(url, 'x')).toMatchObject({ code: 'unavailable' });
  });

  it('lets nobody in, whatever whenDown says', async () => {
    const { url, there } = await start(() => ({ status: 500 }), { whenDown: 'accept' });
    const peer = await enter(url);
    expect(await peer.ask({ type: 'subscribe', stream: 'chat/lobby' })).toMatchObject({
      code: 'unavailable',
      retry: true,
      afterMs: 1_000,
    });
    there.answer(yes);
    expect(await peer.ask({ type: 'subscribe', stream: 'chat/lobby' })).toMatchObject({ type: 'ok' });
  });

  it('shows in trunk.health what waits for it', async () => {
    const { url, there, trunk, ask } = await start((heard) =>
      heard.request.type === 'publish.after' ? { status: 500 } : yes(heard),
    );
    for (const text of ['1', '2', '3']) await publish(url, text);
    await there.hears('publish.after', 1);
    const { backend } = trunk.health();
    expect(backend).toMatchObject({ waiting: 3, deadLetters: 0, breakers: { authorize: 'closed' } });
    expect(backend?.oldestMs).toBeGreaterThanOrEqual(0);
    expect((await ask('GET', '/healthz')).body).toMatchObject({ backend: { waiting: 3 } });
    // Everything is there for the next start.
    await trunk.close({ deadlineMs: 0 });
  });
});

describe('authorize', () => {
  it('is asked for each action, of tables too; false refuses', async () => {
    const { url, there } = await start((heard) =>
      heard.request.type === 'authorize' ? { body: { allow: heard.request.data.action === 'read' } } : yes(heard),
    );
    const peer = await enter(url);
    for (const request of [
      { type: 'subscribe', stream: 'chat/lobby' },
      { type: 'publish', stream: 'chat/lobby', producer: 'p', seq: 1, data: { text: 'x' } },
      { type: 'subscribe', stream: 'quotes/nyse' },
      { type: 'change', stream: 'quotes/nyse', producer: 'p', seq: 1, set: { A: { bid: 1 } } },
    ]) {
      expect(await peer.ask(request)).toMatchObject({ code: 'forbidden' });
    }
    expect(await peer.ask({ type: 'read', stream: 'chat/lobby', before: 9, limit: 5 })).toMatchObject({ type: 'ok' });
    expect(there.of('authorize').map(({ data }) => `${data.action} ${data.stream}`)).toEqual([
      'subscribe chat/lobby',
      'publish chat/lobby',
      'subscribe quotes/nyse',
      'change quotes/nyse',
      'read chat/lobby',
    ]);
  });

  it('is asked anew each time, or remembered for a while, until the rights are revoked', async () => {
    const fresh = await start();
    for (const text of ['1', '2']) await publish(fresh.url, text);
    expect(fresh.there.of('authorize')).toHaveLength(2);

    const { url, there, trunk } = await start(yes, { authorizeCacheMs: 60_000 });
    for (const user of ['ada', 'ada', 'bob']) await publish(url, 'x', { user });
    await publish(url, 'x', { stream: 'chat/hall' });
    expect(there.of('authorize').map(({ data }) => `${data.user.id} ${data.stream}`)).toEqual([
      'ada chat/lobby',
      'bob chat/lobby',
      'ada chat/hall',
    ]);
    there.answer((heard) => (heard.request.type === 'authorize' ? { body: { allow: false } } : yes(heard)));
    expect(await publish(url, 'x')).toMatchObject({ type: 'ok' });
    await trunk.revoke('ada');
    expect(await publish(url, 'x')).toMatchObject({ code: 'forbidden' });
    expect(await publish(url, 'x', { user: 'bob' })).toMatchObject({ type: 'ok' });
  });

  it('asked before a revocation and answered after it, it is not remembered', async () => {
    let answer: (say: Say) => void = () => {};
    const { url, there, trunk } = await start(
      (heard) =>
        heard.request.type === 'authorize'
          ? new Promise((resolve) => {
              answer = resolve;
            })
          : yes(heard),
      { authorizeCacheMs: 60_000 },
    );
    const first = publish(url, 'x');
    await there.hears('authorize', 1);
    const revoked = trunk.revoke('ada');
    answer({ body: { allow: true } });
    await there.hears('authorize', 2);
    answer({ body: { allow: false } });
    expect(await first).toMatchObject({ code: 'forbidden' });
    await revoked;
  });

  it('a subscription is judged by it again when rights are revoked', async () => {
    const { url, there, trunk } = await start();
    const peer = await enter(url);
    await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    there.answer((heard) => (heard.request.type === 'authorize' ? { body: { allow: false } } : yes(heard)));
    expect(await trunk.revoke('ada')).toEqual({ ended: 1 });
    expect(await peer.type('ended')).toMatchObject({ code: 'forbidden' });
  });

  it('asked for something else than a boolean lets nobody in', async () => {
    const { url } = await start((heard) => (heard.request.type === 'authorize' ? { body: { allow: 1 } } : yes(heard)));
    expect(await publish(url, 'x')).toMatchObject({ code: 'internal' });
  });
});

describe('a channel', () => {
  it('with hooks of its own is left alone', async () => {
    const { url, there } = await start();
    expect(await publish(url, 'x', { stream: 'hooked' })).toMatchObject({ type: 'ok' });
    expect(await publish(url, 'x', { stream: 'silent' })).toMatchObject({ type: 'ok' });
    expect(await publish(url, 'x')).toMatchObject({ type: 'ok' });
    await there.hears('publish.after', 1);
    expect(there.heard.map(({ request }) => request.data.channel)).toEqual(['chat', 'chat', 'chat']);
  });

  it('that names what it wants is asked about after its own rules, and not told of', async () => {
    const { url, there, store } = await start((heard) =>
      heard.request.type === 'authorize' ? { body: { allow: heard.request.data.user.id !== 'eve' } } : yes(heard),
    );
    const stream = 'both';
    expect(await publish(url, 'x', { stream, user: 'mallory' })).toMatchObject({ code: 'forbidden' });
    expect(await publish(url, 'no', { stream })).toMatchObject({ refusal: 'own' });
    expect(await publish(url, 'x', { stream, user: 'eve' })).toMatchObject({ code: 'forbidden' });
    expect(await publish(url, 'yes', { stream })).toMatchObject({ type: 'ok' });
    expect(there.of('publish.before').map(({ data }) => data.entry)).toEqual([{ text: 'yes!' }]);
    expect(await store.waiting(null, 1)).toEqual([]);
  });

  it('is told of what server code and API keys publish, too', async () => {
    const { there, trunk, ask } = await start();
    await trunk.channel.chat('lobby').publish({ text: 'by code' });
    await ask('POST', '/v1/channels/chat/lobby/entries', { token: KEY, body: { text: 'by key' } });
    await there.hears('publish.after', 2);
    expect(there.heard.map(({ request }) => request.data)).toMatchObject([
      { offset: 1, user: null, entry: { text: 'by code' } },
      { offset: 2, user: null, entry: { text: 'by key' } },
    ]);
  });
});

describe('dead letters', () => {
  it('can be looked at, replayed and forgotten', async () => {
    let status = 422;
    const { there, backend, trunk } = await start((heard) =>
      heard.request.type === 'publish.after' ? { status: heard.request.data.offset === 4 ? 200 : status } : yes(heard),
    );
    for (const text of ['1', '2', '3', '4']) await trunk.channel.chat('lobby').publish({ text });
    await there.hears('publish.after', 4);
    const letters = await backend.deadLetters();
    expect(letters).toMatchObject(
      [1, 2, 3].map((offset) => ({ attempts: 1, reason: 'the back end answered 422', request: { offset } })),
    );
    expect(letters.map(({ webhookId }) => webhookId)).toEqual(there.heard.slice(0, 3).map(({ id }) => id));
    expect((await backend.deadLetters({ after: letters[0]?.id ?? 0, limit: 1 })).map(({ id }) => id)).toEqual([
      letters[1]?.id,
    ]);
    const [one, two] = letters.map(({ id }) => id);
    await expect(backend.replay(one ?? 0)).rejects.toMatchObject({ code: 'refused', refusal: 'back_end' });
    status = 500;
    await expect(backend.replay(one ?? 0)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await backend.replayAll()).toEqual({ delivered: 0, left: 3 });
    status = 200;
    await backend.replay(one ?? 0);
    expect(there.heard.at(-1)).toMatchObject({ id: letters[0]?.webhookId, request: { data: { offset: 1 } } });
    expect(await backend.forget(two ?? 0)).toBe(true);
    expect(await backend.forget(two ?? 0)).toBe(false);
    expect(await backend.replayAll()).toEqual({ delivered: 1, left: 0 });
    await expect(backend.replay(one ?? 0)).rejects.toMatchObject({ code: 'not_found' });
    expect(trunk.health().backend?.deadLetters).toBe(0);
    for (const page of [{ limit: 0 }, { limit: 1_001 }, { after: -1 }]) {
      await expect(backend.deadLetters(page)).rejects.toThrow(TypeError);
    }
  });
});

describe('dead letters over HTTP', () => {
  it('are looked at, told again and forgotten with an API key that is for all channels', async () => {
    let status = 422;
    const { trunk, ask, there } = await start((heard) =>
      heard.request.type === 'publish.after' ? { status } : yes(heard),
    );
    for (const text of ['1', '2']) await trunk.channel.chat('lobby').publish({ text });
    await there.hears('publish.after', 2);
    const path = '/v1/backend/dead-letters';
    const token = KEY;
    const { body } = await ask('GET', `${path}?limit=1`, { token });
    const [first] = body.letters as { id: number; reason: string }[];
    expect(body).toMatchObject({ letters: [{ reason: 'the back end answered 422', request: { offset: 1 } }] });
    const id = first?.id ?? 0;
    expect(await ask('POST', `${path}/${id}/replay`, { token })).toMatchObject({ status: 422 });
    status = 200;
    expect(await ask('POST', `${path}/${id}/replay`, { token })).toMatchObject({ status: 200, body: { replayed: id } });
    expect(await ask('POST', `${path}/${id}/replay`, { token })).toMatchObject({ status: 404 });
    const rest = (await ask('GET', `${path}?after=${id}`, { token })).body.letters as { id: number }[];
    expect(rest).toHaveLength(1);
    const last = rest[0]?.id;
    expect(await ask('DELETE', `${path}/${last}`, { token })).toMatchObject({ status: 200, body: { forgotten: last } });
    expect((await ask('DELETE', `${path}/${last}`, { token })).status).toBe(404);
    expect((await ask('GET', path)).status).toBe(403);
    expect((await ask('GET', path, { token: CHAT_KEY })).status).toBe(403);
    expect((await ask('GET', `${path}?limit=1001`, { token })).status).toBe(400);
    expect((await ask('PUT', path, { token })).status).toBe(405);
    const { paths } = (await ask('GET', '/v1/openapi.json')).body as { paths: object };
    expect(Object.keys(paths).filter((one) => one.startsWith(path))).toHaveLength(3);
  });
});

describe('closing', () => {
  it('waits for what is under way, and leaves the rest in the outbox', async () => {
    const answers: ((say: Say) => void)[] = [];
    const store = memoryBroker();
    const kept: Broker & Outbox = new Proxy(store, {
      get: (target, name) => {
        if (name === 'close') return async () => {};
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const { there, trunk, url } = await start(
      (heard) =>
        heard.request.type === 'publish.after' ? new Promise((resolve) => answers.push(resolve)) : yes(heard),
      {},
      kept,
    );
    for (const text of ['1', '2']) await publish(url, text);
    await there.hears('publish.after', 1);
    const peer = await enter(url);
    const closed = trunk.close({ deadlineMs: 10_000 });
    expect((await peer.closed).code).toBe(CLOSE.goingAway);
    // The first ends well; the second, if it has begun by then, is never answered, and cut.
    answers[0]?.({});
    await closed;
    expect(await store.waiting(null, 1)).toMatchObject([{ done: 1, head: 2 }]);
    expect(there.of('publish.after').length).toBeLessThanOrEqual(2);
  });
});

it('an app may name its back end itself, and serve another; what waits without one is said', async () => {
  const there = await backEnd();
  stops.push(() => there[Symbol.asyncDispose]());
  const t = trunkline({ authenticate: () => ({ id: 'ada' }), backend: { url: there.url, secret: SECRET } });
  const app = t.app({ channels: { chat: t.log([], { entry: z.json() }) } });
  const trunk = await serve(app, { port: 0, broker: memoryBroker(), log: listeningLog() });
  stops.push(() => trunk.close({ deadlineMs: 0 }));
  await trunk.channel.chat().publish('x');
  await there.hears('publish.after', 1);

  const broker = memoryBroker();
  await broker.append('chat' as never, [{ at: 1, data: '1', user: null }], { outbox: true });
  const log = listeningLog();
  const without = await serve(chatApp2(), { port: 0, broker, log });
  stops.push(() => without.close({ deadlineMs: 0 }));
  expect(without.backend).toBeNull();
  expect(log.lines.map(({ message }) => message)).toEqual([expect.stringContaining('wait for a back end')]);
});

function chatApp2() {
  const t = trunkline({ authenticate: () => ({ id: 'ada' }) });
  return t.app({ channels: { chat: t.log([], { entry: z.json() }) } });
}
