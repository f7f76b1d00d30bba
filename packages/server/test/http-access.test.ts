// Who may use the HTTP API: user tokens, API keys, pages of other origins, and what is never looked at.

import { createHash } from 'node:crypto';
import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type ApiKeys, type RequestInfo, serve, trunkline } from '../src/index.js';
import { asking, bareApp, KEYS, marketApp, servedApi, steppedApi } from './support/http.js';

const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one[Symbol.asyncDispose]();
});
async function start(...args: Parameters<typeof servedApi>) {
  const served = await servedApi(...args);
  closing.push(served);
  return served;
}
const PLAIN = '/v1/channels/plain/entries';
const LOBBY = '/v1/channels/chat/lobby/entries';

describe('a token', () => {
  it.each([
    ['bad', 401, 'unauthorized'],
    [null, 401, 'unauthorized'],
    ['expired', 401, 'unauthorized'],
    ['broken', 503, 'unavailable'],
  ])('%s is answered with %i', async (token, status, code) => {
    const { ask } = await start();
    const answer = await ask('POST', PLAIN, { token, body: { text: 'x' } });
    expect(answer).toMatchObject({ status, body: { error: { code, outcome: 'refused' } } });
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null);
    expect(answer.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
  });

  it.each(['Basic YWRhOmFkYQ==', 'Bearer', 'Bearer a b', 'ada'])('is a Bearer, not %s', async (authorization) => {
    const requests: RequestInfo[] = [];
    const { ask } = await start({}, requests);
    expect((await ask('GET', PLAIN, { token: null, headers: { authorization } })).status).toBe(401);
    expect(requests).toEqual([]);
  });

  it('is not looked for in the URL', async () => {
    const { ask } = await start();
    expect((await ask('GET', `${PLAIN}?access_token=ada`, { token: null })).status).not.toBe(200);
    expect((await ask('GET', `${PLAIN}?access_token=ada`)).status).toBe(400);
  });
});

describe('authenticate', () => {
  it('is shown the request, without cookies and credentials', async () => {
    const requests: RequestInfo[] = [];
    const { ask } = await start({ trustedProxies: ['127.0.0.1'] }, requests);
    const headers = { cookie: 'session=of-the-visitor', 'x-forwarded-for': '203.0.113.7', 'x-own': 'yes' };
    await ask('GET', PLAIN, { headers });
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ url: PLAIN, address: '203.0.113.7', origin: undefined });
    expect(requests[0]?.headers).toMatchObject({ 'x-own': 'yes' });
    for (const name of ['cookie', 'authorization']) expect(requests[0]?.headers).not.toHaveProperty(name);
  });
});

describe('an API key', () => {
  const ask = async (apiKeys: ApiKeys, token: string, path = PLAIN) => {
    const served = await start({ apiKeys });
    return served.ask('POST', path, { token, body: { text: 'x' } });
  };
  const secret = 'k'.repeat(32);

  it('may be given as its hash', async () => {
    const hashed = `sha256:${createHash('sha256').update(secret).digest('hex')}`;
    expect((await ask({ a: hashed }, secret)).status).toBe(201);
    // The hash itself opens nothing; here it is a token, and names a user.
    const served = await start({ apiKeys: { a: hashed } });
    const asUser = await served.ask('PUT', '/v1/channels/quotes/nyse/rows/A', { token: hashed, body: { bid: 1 } });
    expect(asUser.status).toBe(403);
  });

  it('may be limited to channels', async () => {
    const { ask: asking } = await start();
    const token = KEYS.chats.secret;
    expect((await asking('POST', PLAIN, { token, body: { text: 'x' } })).status).toBe(201);
    expect(await asking('GET', '/v1/channels/desk/1/rows', { token })).toMatchObject({
      status: 403,
      body: { error: { code: 'forbidden' } },
    });
  });

  it('is refused from a page', async () => {
    const { ask: asking, url } = await start();
    const answer = await asking('GET', PLAIN, { token: KEYS.prices, headers: { origin: url } });
    expect(answer).toMatchObject({ status: 403, body: { error: { message: expect.stringContaining('back ends') } } });
  });

  it.each([
    ['too short', { a: 'k'.repeat(31) }],
    ['with a space', { a: `${secret} x` }],
    ['a hash that is none', { a: `sha256:${secret}` }],
    ['twice', { a: secret, b: { secret } }],
    ['for a channel that there is not', { a: { secret, channels: ['other'] } }],
    ['without a rate', { a: { secret, ratePerSecond: 0 } }],
  ])('that makes no sense is refused at the start: %s', async (_, apiKeys) => {
    const starting = serve(marketApp(), { port: 0, broker: memoryBroker(), apiKeys });
    await expect(starting).rejects.toThrow(TypeError);
    await expect(starting).rejects.toThrow('apiKeys');
  });

  it('of 32 characters is long enough', async () => {
    expect((await ask({ a: secret }, secret)).status).toBe(201);
  });
});

describe('a page', () => {
  const page = 'https://app.example.com';
  const other = 'https://evil.example.net';

  it('of an origin that is named may ask, and is told so exactly', async () => {
    const { ask } = await start({ origins: [page] });
    const answer = await ask('GET', PLAIN, { headers: { origin: page } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
    // A page reads what went wrong too.
    const refused = await ask('GET', PLAIN, { token: 'bad', headers: { origin: page } });
    expect(refused.headers.get('access-control-allow-origin')).toBe(page);
    const all = await start({ origins: ['*'] });
    const any = await all.ask('GET', PLAIN, { headers: { origin: other } });
    expect(any.headers.get('access-control-allow-origin')).toBe(other);
  });

  it.each(['GET', 'POST', 'OPTIONS'])('of another origin may not: %s', async (method) => {
    const { ask, log, trunk } = await start({ origins: [page] });
    const answer = await ask(method, PLAIN, {
      headers: { origin: other, ...(method === 'OPTIONS' ? { 'access-control-request-method': 'POST' } : {}) },
      ...(method === 'POST' ? { body: { text: 'x' } } : {}),
    });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('vary')).toContain('Origin');
    expect(log.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining(`origins: ["${other}"]`) });
    expect(trunk.health().streams).toBe(0);
  });

  it('that asks beforehand is told what it may send', async () => {
    const { ask } = await start({ origins: [page] });
    const answer = await ask('OPTIONS', '/v1/channels/desk/1/rows/ACME', {
      token: null,
      headers: { origin: page, 'access-control-request-method': 'PATCH' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-origin')).toBe(page);
    expect(answer.headers.get('access-control-allow-methods')).toBe('HEAD, GET, PUT, PATCH, DELETE, OPTIONS');
    expect(answer.headers.get('access-control-allow-headers')).toContain('Authorization');
    expect(answer.headers.get('access-control-max-age')).toBe('600');
  });

  it('cannot act for its visitor: a cookie is nothing, and a form is not JSON', async () => {
    const { ask } = await start({ origins: ['*'] });
    const forged = await ask('POST', PLAIN, {
      token: null,
      body: { text: 'x' },
      headers: { cookie: 'token=ada', origin: other },
    });
    expect(forged.status).toBe(401);
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const form = await ask('POST', PLAIN, { body: { text: 'x' }, headers: { 'content-type': type, origin: other } });
      expect(form.status).toBe(415);
    }
    expect((await ask('GET', PLAIN)).body).toMatchObject({ head: 0 });
  });
});

describe('limits of a caller', () => {
  it('on the rate of writes are those of publishes, and count no repeats', async () => {
    const made = await steppedApi(bareApp(), { limits: { publishRatePerSecond: 2, publishBurst: 2 } });
    closing.push(made);
    const post = (key: string, token = 'ada') =>
      made.ask('POST', LOBBY, { body: 1, token, headers: { 'idempotency-key': key } });
    expect([(await post('1')).status, (await post('2')).status]).toEqual([201, 201]);
    const refused = await post('3');
    expect(refused).toMatchObject({
      status: 429,
      body: { error: { code: 'rate_limited', retry: true, afterMs: 500 } },
    });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await post('1')).status).toBe(200);
    expect((await post('1', 'bob')).status).toBe(201);
    expect((await made.ask('DELETE', '/v1/channels/desk/1/rows/a')).status).toBe(429);
    made.clock.advanceMs(500);
    expect((await post('3')).status).toBe(201);
  });

  it('on the rate of an API key are its own', async () => {
    const made = await steppedApi(bareApp(), { apiKeys: { a: { secret: KEYS.prices, ratePerSecond: 2 } } });
    closing.push(made);
    const statuses: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      statuses.push((await made.ask('POST', LOBBY, { body: 1, token: KEYS.prices })).status);
    }
    expect(statuses).toEqual([201, 201, 429]);
  });

  it('on requests in work hold until one is answered', async () => {
    const answers: (() => void)[] = [];
    const chat = {
      kind: 'log',
      params: ['room'],
      validate: (value: unknown) => ({ value }),
      onPublish: () => new Promise<{ store: unknown }>((resolve) => answers.push(() => resolve({ store: 1 }))),
    } as const;
    const made = await steppedApi(bareApp({ channels: new Map([['chat', chat]]) }), {
      limits: { maxRequestsInWork: 2 },
    });
    closing.push(made);
    const posts = [1, 2].map((body) => made.ask('POST', LOBBY, { body }));
    while (answers.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(await made.ask('GET', LOBBY)).toMatchObject({ status: 429, body: { error: { code: 'rate_limited' } } });
    // Asking in vain frees nothing.
    expect((await made.ask('GET', LOBBY)).status).toBe(429);
    expect((await made.ask('GET', LOBBY, { token: 'bob' })).status).toBe(200);
    for (const answer of answers) answer();
    for (const post of posts) expect((await post).status).toBe(201);
    expect((await made.ask('GET', LOBBY)).status).toBe(200);
  });
});

describe('authorize', () => {
  it('is asked for `read` before rows of a table are read, and for `change` before they are changed', async () => {
    const asked: string[] = [];
    const t = trunkline({ authenticate: ({ token }) => ({ id: token ?? 'guest' }) });
    const desk = t.table(['market'], {
      row: z.object({ bid: z.number() }),
      write: 'client',
      authorize: ({ user, params, action }) => {
        asked.push(`${user.id} ${params.market} ${action}`);
        return user.id !== 'reader' || action === 'read';
      },
    });
    const apiKeys = { backEnd: 'k'.repeat(32) };
    const trunk = await serve(t.app({ channels: { desk } }), { port: 0, broker: memoryBroker(), apiKeys });
    closing.push({ [Symbol.asyncDispose]: () => trunk.close({ deadlineMs: 0 }) });
    const ask = asking(trunk.url);
    const rows = '/v1/channels/desk/1/rows';
    expect((await ask('PUT', `${rows}/A`, { body: { bid: 1 } })).status).toBe(201);
    expect(asked.splice(0)).toEqual(['ada 1 change']);
    for (const path of [rows, `${rows}/A`, `${rows}?after=0`]) {
      expect((await ask('GET', path, { token: 'reader' })).status).toBe(200);
      const once = asked.splice(0);
      expect(new Set(once)).toEqual(new Set(['reader 1 read']));
    }
    expect((await ask('PUT', `${rows}/A`, { token: 'reader', body: { bid: 2 } })).status).toBe(403);
    expect(asked.splice(0)).toEqual(['reader 1 change']);
    // A back end is asked for nothing.
    expect((await ask('GET', rows, { token: apiKeys.backEnd })).status).toBe(200);
    expect(asked).toEqual([]);
  });
});
