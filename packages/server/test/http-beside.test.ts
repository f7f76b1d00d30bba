// What stands beside a log over HTTP, and that the OpenAPI document says so, where there is something.

import { memoryBroker } from '@trunkline/broker';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { enter } from './support/dial.js';
import { asking } from './support/http.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const KEY = 'everything-0123456789-0123456789-0123456789';
const PLAIN = 'plain-only-0123456789-0123456789-0123456789';

async function start() {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const entry = z.object({ text: z.string() });
  const lounge = t.log(['room'], {
    entry,
    presence: true,
    markers: true,
    authorize: ({ user, action, params }) => user.id !== `no-${action}` && params.room !== 'closed',
  });
  const plain = t.log([], { entry });
  const { lines, ...log } = listeningLog();
  const apiKeys = { all: KEY, some: { secret: PLAIN, channels: ['plain'] } };
  const trunk = await serve(t.app({ channels: { lounge, plain } }), { port: 0, log, broker: memoryBroker(), apiKeys });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  for (const text of ['one', 'two', 'three']) await trunk.channel.lounge('attic').publish({ text });
  return { trunk, ask: asking(trunk.url), url: trunk.url };
}

const ATTIC = '/v1/channels/lounge/attic';

describe('GET …/presence', () => {
  it('tells who is there, to who may see it', async () => {
    const { ask, url } = await start();
    expect((await ask('GET', `${ATTIC}/presence`)).body).toEqual({ people: [], count: 0 });
    const bob = await enter(url, 'bob');
    await bob.ask({ type: 'subscribe', stream: 'lounge/attic' });
    const there = await ask('GET', `${ATTIC}/presence`, { token: KEY });
    expect(there.body).toEqual({ people: [{ user: 'bob', since: expect.any(Number) }], count: 1 });
    const etag = String(there.headers.get('etag'));
    expect((await ask('GET', `${ATTIC}/presence`, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await ask('GET', `${ATTIC}/presence`, { token: 'no-presence' })).status).toBe(403);
    expect((await ask('GET', `${ATTIC}/presence`, { token: PLAIN })).status).toBe(403);
    expect((await ask('GET', '/v1/channels/plain/presence')).status).toBe(404);
    expect((await ask('POST', `${ATTIC}/presence`)).status).toBe(405);
    expect((await ask('GET', `${ATTIC}/presence/bob`)).status).toBe(405);
  });
});

describe('…/presence/me', () => {
  it('makes users present for so long, and takes them back', async () => {
    const { ask } = await start();
    const here = async () => (await ask('GET', `${ATTIC}/presence`)).body;
    const me = `${ATTIC}/presence/me`;
    expect(await ask('PUT', me, { body: { seconds: 30 } })).toMatchObject({ status: 200, body: { seconds: 30 } });
    expect((await ask('PUT', `${ATTIC}/presence/ada`, { body: { seconds: 60 } })).status).toBe(200);
    expect(await here()).toEqual({ people: [{ user: 'ada', since: expect.any(Number) }], count: 1 });
    expect(await ask('DELETE', me)).toMatchObject({ status: 200, body: { seconds: 0 } });
    expect((await ask('DELETE', me)).status).toBe(200);
  });

  it('refuses what it cannot do', async () => {
    const { ask, trunk } = await start();
    const me = `${ATTIC}/presence/me`;
    for (const body of [{}, { seconds: 0 }, { seconds: 61 }, { seconds: 1.5 }, { seconds: 1, more: 1 }, [], 7]) {
      expect((await ask('PUT', me, { body })).status).toBe(400);
    }
    const body = { seconds: 1 };
    expect((await ask('PUT', me, { body, token: 'no-subscribe' })).status).toBe(403);
    expect((await ask('PUT', `${ATTIC}/presence/bob`, { body })).status).toBe(403);
    // A program is nobody.
    expect((await ask('PUT', `${ATTIC}/presence/bob`, { body, token: KEY })).status).toBe(403);
    expect((await ask('PUT', '/v1/channels/plain/presence/me', { body })).status).toBe(404);
    expect((await ask('GET', me)).status).toBe(405);
    expect((await ask('PUT', me, { body })).status).toBe(200);
    expect(trunk.channel.lounge('attic').presence().count).toBe(1);
    await trunk.revoke('ada');
    expect(trunk.channel.lounge('attic').presence().count).toBe(0);
  });
});

describe('…/markers', () => {
  it('are put by users for themselves and by back ends for anybody, and read', async () => {
    const { ask } = await start();
    expect(await ask('PUT', `${ATTIC}/markers/me`, { body: { offset: 2 } })).toMatchObject({
      status: 200,
      body: { offset: 2 },
    });
    expect((await ask('PUT', `${ATTIC}/markers/bob`, { body: { offset: 3 }, token: KEY })).status).toBe(200);
    const { epoch } = (await ask('GET', `${ATTIC}/entries`)).body;
    expect((await ask('GET', `${ATTIC}/markers`)).body).toEqual({
      readers: [
        { id: 'ada', user: 'ada', offset: 2, epoch },
        { id: 'bob', user: 'bob', offset: 3, epoch },
      ],
    });
    const again = await ask('PUT', `${ATTIC}/markers/ada`, { body: { offset: 3 } });
    expect([again.status, again.headers.get('retry-after')]).toEqual([429, '1']);
    expect((await ask('PUT', `${ATTIC}/markers/bob`, { body: { offset: 1 } })).status).toBe(403);
    expect((await ask('PUT', `${ATTIC}/markers/me`, { body: { offset: 1 }, token: 'no-mark' })).status).toBe(403);
    const beyond = (body: object) => ask('PUT', `${ATTIC}/markers/eve`, { body, token: KEY });
    expect((await beyond({ offset: 4 })).status).toBe(409);
    expect((await beyond({ offset: 4, epoch })).status).toBe(409);
    // In another history it may have been there, and says nothing of this one.
    expect((await beyond({ offset: 4, epoch: 'other' })).status).toBe(200);
    for (const body of [
      {},
      { offset: -1 },
      { offset: 1, more: 1 },
      { offset: 1, epoch: 'a b' },
      { offset: 1, epoch: 7 },
      [],
      7,
    ]) {
      expect((await ask('PUT', `${ATTIC}/markers/me`, { body })).status).toBe(400);
    }
    expect((await ask('PUT', `${ATTIC}/markers/${'x'.repeat(257)}`, { body: { offset: 1 }, token: KEY })).status).toBe(
      413,
    );
    expect((await ask('GET', '/v1/channels/plain/markers')).status).toBe(404);
  });
});

describe('…/followers', () => {
  it('are put and deleted by users for themselves and by back ends for anybody', async () => {
    const { ask, trunk } = await start();
    const me = `${ATTIC}/followers/me`;
    const counts = async (user = 'me', token = 'ada') =>
      ((await ask('GET', `/v1/users/${user}/unread`, { token })).body as { logs: object }).logs;
    const followed = { 'lounge/attic': { unread: 0, more: false, mark: 3 } };
    for (let n = 0; n < 2; n += 1) {
      expect(await ask('PUT', me)).toMatchObject({ status: 200, body: { following: true } });
      expect(await counts()).toEqual(followed);
    }
    await trunk.channel.lounge('attic').publish({ text: 'four' });
    expect(await counts()).toEqual({ 'lounge/attic': { unread: 1, more: false, mark: 3 } });
    expect(await ask('DELETE', me)).toMatchObject({ status: 200, body: { following: false } });
    expect(await ask('DELETE', `${ATTIC}/followers/ada`)).toMatchObject({ status: 200, body: { following: false } });
    expect(await counts()).toEqual({});
    expect((await ask('PUT', `${ATTIC}/followers/bob`, { token: KEY })).status).toBe(200);
    expect(Object.keys(await counts('bob', KEY))).toEqual(['lounge/attic']);
    expect((await ask('DELETE', `${ATTIC}/followers/bob`, { token: KEY })).status).toBe(200);
    expect(await counts('bob', KEY)).toEqual({});
  });

  it('need the right to read, a log that has them, and a user whose they are', async () => {
    const { ask } = await start();
    expect((await ask('PUT', `${ATTIC}/followers/bob`)).status).toBe(403);
    expect((await ask('PUT', `${ATTIC}/followers/me`, { token: 'no-read' })).status).toBe(403);
    expect((await ask('PUT', `${ATTIC}/followers/me`, { token: 'no-mark' })).status).toBe(200);
    expect((await ask('PUT', `${ATTIC}/followers/bob`, { token: PLAIN })).status).toBe(403);
    expect((await ask('PUT', '/v1/channels/plain/followers/me')).status).toBe(404);
    expect((await ask('GET', `${ATTIC}/followers/me`)).status).toBe(405);
    expect((await ask('GET', `${ATTIC}/followers`)).status).toBe(404);
    expect((await ask('PUT', `${ATTIC}/followers/${'x'.repeat(256)}`, { token: KEY })).status).toBe(200);
    expect((await ask('PUT', `${ATTIC}/followers/${'x'.repeat(257)}`, { token: KEY })).status).toBe(413);
  });
});

describe('GET /v1/users/…/unread', () => {
  it('tells a user their own, and a back end anybody’s of its channels', async () => {
    const { ask } = await start();
    await ask('PUT', `${ATTIC}/markers/ada`, { body: { offset: 1 }, token: KEY });
    const counts = { logs: { 'lounge/attic': { unread: 2, more: false, mark: 1 } } };
    expect((await ask('GET', '/v1/users/me/unread')).body).toEqual(counts);
    expect((await ask('GET', '/v1/users/ada/unread')).body).toEqual(counts);
    expect((await ask('GET', '/v1/users/ada/unread', { token: KEY })).body).toEqual(counts);
    expect((await ask('GET', '/v1/users/ada/unread', { token: PLAIN })).body).toEqual({ logs: {} });
    expect((await ask('GET', '/v1/users/ada/unread', { token: 'bob' })).status).toBe(403);
    expect((await ask('GET', '/v1/users/nobody/unread', { token: KEY })).body).toEqual({ logs: {} });
    await ask('PUT', `${ATTIC}/markers/no-read`, { body: { offset: 1 }, token: KEY });
    expect((await ask('GET', '/v1/users/me/unread', { token: 'no-read' })).body).toEqual({ logs: {} });
    expect((await ask('POST', '/v1/users/ada/unread')).status).toBe(405);
  });
});

describe('the OpenAPI document', () => {
  it('has what there is, and answers have its shapes', async () => {
    const { ask } = await start();
    const { body: document } = await ask('GET', '/v1/openapi.json');
    const paths = Object.keys(document.paths as object).filter((path) =>
      /presence|markers|followers|unread/.test(path),
    );
    expect(paths.sort()).toEqual([
      '/v1/channels/lounge/{room}/followers/{user}',
      '/v1/channels/lounge/{room}/markers',
      '/v1/channels/lounge/{room}/markers/{user}',
      '/v1/channels/lounge/{room}/presence',
      '/v1/channels/lounge/{room}/presence/{user}',
      '/v1/users/{user}/unread',
    ]);
    const ajv = new Ajv2020({ strict: false });
    ajv.addSchema(document, 'document');
    const fits = (schema: string, value: unknown) =>
      ajv.validate({ $ref: `document#/components/schemas/${schema}` }, value);
    const put = await ask('PUT', `${ATTIC}/markers/me`, { body: { offset: 1 } });
    expect(fits('Marker', put.body)).toBe(true);
    expect(fits('Following', (await ask('PUT', `${ATTIC}/followers/me`)).body)).toBe(true);
    const present = await ask('PUT', `${ATTIC}/presence/me`, { body: { seconds: 60 } });
    expect(fits('Attendance', present.body)).toBe(true);
    expect([fits('Present', { seconds: 60 }), fits('Present', { seconds: 61 })]).toEqual([true, false]);
    expect(fits('Presence', (await ask('GET', `${ATTIC}/presence`)).body)).toBe(true);
    expect(fits('Readers', (await ask('GET', `${ATTIC}/markers`)).body)).toBe(true);
    expect(fits('Unread', (await ask('GET', '/v1/users/me/unread')).body)).toBe(true);
    expect(fits('Unread', { logs: { x: { unread: 100, more: true, mark: 0 } } })).toBe(false);
  });
});
