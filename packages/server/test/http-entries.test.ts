// A log over HTTP, through real sockets.

import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { enter } from './support/dial.js';
import { bareApp, KEYS, servedApi, steppedApi } from './support/http.js';

const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one[Symbol.asyncDispose]();
});
async function start(...args: Parameters<typeof servedApi>) {
  const served = await servedApi(...args);
  closing.push(served);
  return served;
}
const LOBBY = '/v1/channels/chat/lobby/entries';

describe('POST of an entry', () => {
  it('stores it as a publish of the user, with schema, rule and hook', async () => {
    const { ask, url } = await start();
    const peer = await enter(url, 'bob');
    await peer.ask({ type: 'subscribe', stream: 'chat/lobby' });
    const { status, body } = await ask('POST', LOBBY, { body: { text: 'hi', more: 1 } });
    expect(status).toBe(201);
    expect(body).toEqual({ epoch: expect.any(String), offset: 1, at: expect.any(Number) });
    const { items } = await peer.type('entries');
    expect(items).toEqual([{ offset: 1, at: body.at, user: 'ada', data: { text: 'hi', author: 'ada', once: 1 } }]);
  });

  it('refuses as a publish does', async () => {
    const { ask } = await start();
    const refused = async (body: unknown, path = LOBBY) => (await ask('POST', path, { body })).body.error;
    expect(await refused({ text: 'rude' })).toEqual({
      code: 'refused',
      refusal: 'rude',
      message: 'Please be kind',
      retry: false,
      outcome: 'refused',
    });
    expect(await refused({ text: 1 })).toMatchObject({ code: 'invalid', message: expect.stringContaining('text') });
    expect(await refused({ text: 'x' }, '/v1/channels/chat/staff/entries')).toMatchObject({ code: 'forbidden' });
    expect(await refused({ text: 'throw' })).toMatchObject({ code: 'internal', outcome: 'refused' });
    expect((await ask('GET', LOBBY)).body).toMatchObject({ head: 0, items: [] });
  });

  it('with an Idempotency-Key stores it once: 201, then 200 with the same', async () => {
    const { ask } = await start();
    const post = (key: string, token = 'ada') =>
      ask('POST', LOBBY, { body: { text: 'pay' }, token, headers: { 'idempotency-key': key } });
    const first = await post('order-1');
    const again = await post('order-1');
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    // At once, as an impatient caller does.
    const both = await Promise.all([post('order-2'), post('order-2')]);
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 201]);
    expect(both.map(({ body }) => body.offset)).toEqual([2, 2]);
    // Another user's word is another key.
    expect(await post('order-1', 'bob')).toMatchObject({ status: 201, body: { offset: 3 } });
    const secret = KEYS.prices;
    const asKey = () =>
      ask('POST', '/v1/channels/plain/entries', {
        body: { text: ' once ' },
        token: secret,
        headers: { 'idempotency-key': 'k' },
      });
    expect([(await asKey()).status, (await asKey()).status]).toEqual([201, 200]);
    expect((await ask('GET', '/v1/channels/plain/entries')).body.items).toHaveLength(1);
  });

  it.each([
    ['', 400],
    ['x'.repeat(255), 201],
    ['x'.repeat(256), 400],
    ['with space', 400],
  ])('takes a key of visible ASCII: %j', async (key, status) => {
    const { ask } = await start();
    expect((await ask('POST', LOBBY, { body: { text: 'x' }, headers: { 'idempotency-key': key } })).status).toBe(
      status,
    );
  });

  it('without a key is stored each time, and leaves no producer behind', async () => {
    const broker = memoryBroker();
    const { ask, trunk } = await start({ broker });
    for (const offset of [1, 2]) {
      expect(await ask('POST', LOBBY, { body: { text: 'x' } })).toMatchObject({ status: 201, body: { offset } });
    }
    const { entries } = await broker.readBack(trunk.channel.chat('lobby').name as never, undefined, { entries: 9 });
    expect(entries.map(({ source }) => source)).toEqual([undefined, undefined]);
  });

  it('of a back end is checked by the schema, and stored without a user', async () => {
    const { ask } = await start();
    const post = (path: string, body: unknown) => ask('POST', path, { body, token: KEYS.prices });
    expect(await post('/v1/channels/plain/entries', { text: ' hi ' })).toMatchObject({ status: 201 });
    expect(await post('/v1/channels/plain/entries', { text: 1 })).toMatchObject({ status: 422 });
    const { body } = await ask('GET', '/v1/channels/plain/entries');
    expect(body.items).toEqual([{ offset: 1, at: expect.any(Number), data: { text: 'hi' } }]);
    // Where a hook makes what is stored, the back end makes it; neither the rule nor the hook is asked.
    expect(await post('/v1/channels/chat/staff/entries', { text: 'rude', author: 'robot' })).toMatchObject({
      status: 201,
    });
    const staff = await ask('GET', '/v1/channels/chat/staff/entries', { token: KEYS.prices });
    expect(staff.body.items).toMatchObject([{ data: { text: 'rude', author: 'robot' } }]);
    expect(await post('/v1/channels/chat/staff/entries', { author: 'robot' })).toMatchObject({ status: 422 });
  });
});

describe('GET of entries', () => {
  async function filled(count: number) {
    const served = await start();
    for (let n = 1; n <= count; n += 1) await served.trunk.channel.plain().publish({ text: `${n}` });
    const read = async (query: string) => served.ask('GET', `/v1/channels/plain/entries${query}`);
    const offsets = async (query: string) =>
      ((await read(query)).body.items as { offset: number }[]).map(({ offset }) => offset);
    return { ...served, read, offsets };
  }

  it('gives the newest, those before an offset, or the oldest after one', async () => {
    const { offsets, read } = await filled(5);
    expect(await offsets('')).toEqual([1, 2, 3, 4, 5]);
    expect(await offsets('?limit=2')).toEqual([4, 5]);
    expect(await offsets('?before=4&limit=2')).toEqual([2, 3]);
    expect(await offsets('?after=1&limit=2')).toEqual([2, 3]);
    expect(await offsets('?after=5')).toEqual([]);
    expect((await read('?limit=1')).body).toMatchObject({ epoch: expect.any(String), head: 5, floor: 0 });
  });

  it('says what is gone, and what is of another history', async () => {
    const { ask, read } = await filled(1);
    // Trimmed to five by whoever writes.
    for (let n = 2; n <= 9; n += 1) {
      await ask('POST', '/v1/channels/plain/entries', { body: { text: `${n}` }, token: KEYS.prices });
    }
    const { epoch } = (await read('')).body;
    expect(await read('?after=1')).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    expect(await read('?after=4')).toMatchObject({ status: 200 });
    expect(await read('?after=10')).toMatchObject({ status: 409, body: { error: { code: 'conflict' } } });
    expect(await read('?after=5&epoch=another')).toMatchObject({ status: 409 });
    expect(await read(`?after=5&epoch=${epoch}`)).toMatchObject({ status: 200 });
  });

  it('answers 304 while nothing is new, whatever a proxy made of the tag', async () => {
    const { ask, read, trunk } = await filled(1);
    const { headers } = await read('?after=0');
    const tag = headers.get('etag') ?? '';
    const again = (value: string) =>
      ask('GET', '/v1/channels/plain/entries?after=0', { headers: { 'if-none-match': value } });
    for (const value of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
      const answer = await again(value);
      expect(answer).toMatchObject({ status: 304, body: {} });
      expect(answer.headers.get('etag')).toBe(tag);
    }
    await trunk.channel.plain().publish({ text: 'new' });
    const changed = await again(tag);
    expect(changed).toMatchObject({ status: 200, body: { head: 2 } });
    expect(changed.headers.get('etag')).not.toBe(tag);
    expect(changed.headers.get('cache-control')).toBe('private, no-cache');
  });

  it.each([
    ['limit=0', 400],
    ['limit=1', 200],
    ['limit=1000', 200],
    ['limit=1001', 400],
    ['limit=-1', 400],
    ['limit=1.5', 400],
    ['limit=', 400],
    ['after=9007199254740992', 400],
    ['after=1&before=3', 400],
    ['limt=5', 400],
    ['limit=1&limit=2', 400],
    ['wait=1', 400],
    ['after=0&wait=30', 200],
    ['after=0&wait=31', 400],
    ['epoch=%20', 400],
    ['token=ada', 400],
  ])('takes only what it knows: ?%s', async (query, status) => {
    const { read } = await filled(1);
    expect((await read(`?${query}`)).status).toBe(status);
  });
});

describe('GET of entries that waits', () => {
  it('is answered when something comes', async () => {
    const { ask, clock, engine, waits } = await stepped();
    const waiting = ask('GET', `${LOBBY}?after=0&wait=30`);
    await waits(1);
    await engine.publish('chat', ['lobby'], { text: 'now' });
    expect(await waiting).toMatchObject({ status: 200, body: { head: 1, items: [{ offset: 1 }] } });
    expect(clock.timers).toBe(1);
  });

  it('is answered at once if there is something already', async () => {
    const { ask, engine } = await stepped();
    await engine.publish('chat', ['lobby'], { text: 'before' });
    expect((await ask('GET', `${LOBBY}?after=0&wait=30`)).body).toMatchObject({ items: [{ offset: 1 }] });
  });

  it('is answered with nothing when its time is over, and not before', async () => {
    const { ask, clock, waits } = await stepped();
    let isAnswered = false;
    const waiting = ask('GET', `${LOBBY}?after=0&wait=30`).finally(() => {
      isAnswered = true;
    });
    await waits(1);
    clock.advanceMs(29_999);
    await ask('GET', LOBBY);
    expect(isAnswered).toBe(false);
    clock.advanceMs(1);
    expect(await waiting).toMatchObject({ status: 200, body: { head: 0, items: [] } });
  });

  it('is judged again when it ends', async () => {
    let may = true;
    const rule = () => may;
    const chat = { kind: 'log', params: ['room'], validate: (value: unknown) => ({ value }), authorize: rule } as const;
    const { ask, engine, waits } = await stepped(bareApp({ channels: new Map([['chat', chat]]) }));
    const waiting = ask('GET', `${LOBBY}?after=0&wait=30`);
    await waits(1);
    may = false;
    await engine.publish('chat', ['lobby'], { text: 'secret' });
    expect(await waiting).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
  });

  it('has room for 16 of one caller', async () => {
    const { ask, engine, waits } = await stepped();
    const waiting = Array.from({ length: 16 }, () => ask('GET', `${LOBBY}?after=0&wait=30`));
    await waits(16);
    const answer = await ask('GET', `${LOBBY}?after=0&wait=30`);
    expect(answer).toMatchObject({ status: 429, body: { error: { code: 'rate_limited', retry: true } } });
    expect(answer.headers.get('retry-after')).toBe('1');
    const other = ask('GET', `${LOBBY}?after=0&wait=30`, { token: 'bob' });
    await waits(17);
    await engine.publish('chat', ['lobby'], { text: 'now' });
    for (const one of [...waiting, other]) expect((await one).status).toBe(200);
    // Who was served may wait again.
    const more = ask('GET', `${LOBBY}?after=1&wait=30`);
    await waits(1);
    await engine.publish('chat', ['lobby'], { text: 'more' });
    expect((await more).status).toBe(200);
  });

  it('has room for so many of all callers', async () => {
    const { ask, engine, waits } = await stepped(bareApp(), { callerLimits: { maxWaitsInAll: 2 } });
    const waiting = ['ada', 'bob'].map((token) => ask('GET', `${LOBBY}?after=0&wait=30`, { token }));
    await waits(2);
    expect((await ask('GET', `${LOBBY}?after=0&wait=30`, { token: 'eve' })).status).toBe(429);
    await engine.publish('chat', ['lobby'], { text: 'now' });
    for (const one of waiting) expect((await one).status).toBe(200);
  });

  it('ends when its caller is gone', async () => {
    const { url, waits } = await stepped();
    const leaving = new AbortController();
    const waiting = fetch(`${url}${LOBBY}?after=0&wait=30`, {
      headers: { authorization: 'Bearer ada' },
      signal: leaving.signal,
    });
    await waits(1);
    leaving.abort();
    await expect(waiting).rejects.toThrow('abort');
    await waits(0);
  });

  async function stepped(app = bareApp(), options: Parameters<typeof steppedApi>[1] = {}) {
    const made = await steppedApi(app, options);
    closing.push(made);
    return made;
  }
});
