// What the HTTP API makes of requests themselves: paths, methods, bodies, and how it ends.

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { attach } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { asking, bareApp, counted, marketApp, rawRequest, servedApi, steppedApi } from './support/http.js';

const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one[Symbol.asyncDispose]();
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});
async function start(...args: Parameters<typeof servedApi>) {
  const served = await servedApi(...args);
  closing.push(served);
  return served;
}
const PLAIN = '/v1/channels/plain/entries';

describe('a parameter', () => {
  const NAMES = ['a/b', '100%', '%2F', '😀 emoji', "it's (a) *test*!~", 'é', '?x#y', 'entries', '__proto__', '+'];

  it.each(NAMES)('is one segment, percent-encoded: %s', async (room) => {
    const { ask, trunk } = await start();
    const path = `/v1/channels/chat/${encodeURIComponent(room)}/entries`;
    expect((await ask('POST', path, { body: { text: 'hi' } })).status).toBe(201);
    await trunk.channel.chat(room).publish({ text: 'hello' } as never);
    expect((await ask('GET', path)).body).toMatchObject({ head: 2 });
    const key = `/v1/channels/desk/${encodeURIComponent(room)}/rows/${encodeURIComponent(room)}`;
    expect((await ask('PUT', key, { body: { bid: 1 } })).status).toBe(201);
    expect((await ask('GET', key)).body).toMatchObject({ key: room });
    expect(await trunk.channel.desk(room).get(room)).toMatchObject({ data: { bid: 1 } });
  });

  it('is the same however it is encoded', async () => {
    const { ask } = await start();
    await ask('POST', "/v1/channels/chat/it's/entries", { body: { text: 'hi' } });
    for (const spelt of ['it%27s', '%69t%27s', 'i%74%27%73']) {
      expect((await ask('GET', `/v1/channels/chat/${spelt}/entries`)).body).toMatchObject({ head: 1 });
    }
    await ask('POST', '/v1/channels/chat/a%2Fb/entries', { body: { text: 'hi' } });
    expect((await ask('GET', '/v1/channels/chat/a%2fb/entries')).body).toMatchObject({ head: 1 });
  });
});

describe('a path', () => {
  it.each([
    ['/v1/channels/other/x/entries', 404, 'unknown_channel'],
    ['/v1/channels/__proto__/entries', 404, 'unknown_channel'],
    ['/v1/channels/chat/entries', 404, 'not_found'],
    ['/v1/channels/chat//entries', 404, 'unknown_channel'],
    ['/v1/channels/chat/a/b/entries', 404, 'not_found'],
    ['/v1/channels/chat/lobby/rows', 404, 'not_found'],
    ['/v1/channels/chat/lobby/entries/1', 405, 'invalid'],
    ['/v1/channels/desk/1/entries', 404, 'not_found'],
    ['/v1/channels/desk/1/rows/a/b', 404, 'not_found'],
    ['/v1/channels/', 404, 'unknown_channel'],
    ['/v1/channels/chat/%ff/entries', 400, 'invalid'],
    ['/v1/channels/chat/%/entries', 400, 'invalid'],
    [`/v1/channels/chat/${'x'.repeat(508)}/entries`, 404, 'unknown_channel'],
    [`/v1/channels/chat/${'x'.repeat(507)}/entries`, 200, undefined],
  ])('%s is answered with %i', async (path, status, code) => {
    const { ask } = await start();
    const answer = await ask('GET', path);
    expect([answer.status, (answer.body.error as { code: string } | undefined)?.code]).toEqual([status, code]);
    expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('that is not the API’s is left to others', async () => {
    const { ask, url } = await start({ request: (_, response) => response.end('"own"') });
    expect(await (await fetch(`${url}/v1/users`)).text()).toBe('"own"');
    const off = await start({ httpApi: false });
    expect((await fetch(`${off.url}${PLAIN}`)).status).toBe(404);
    expect((await ask('GET', PLAIN)).status).toBe(200);
  });
});

describe('a method', () => {
  it.each([
    [PLAIN, 'PUT', 'HEAD, POST, GET, OPTIONS'],
    ['/v1/channels/desk/1/rows', 'DELETE', 'HEAD, GET, POST, OPTIONS'],
    ['/v1/channels/desk/1/rows/a', 'POST', 'HEAD, GET, PUT, PATCH, DELETE, OPTIONS'],
    ['/v1/openapi.json', 'POST', 'HEAD, GET, OPTIONS'],
  ])('of %s is one that it has, not %s', async (path, method, allow) => {
    const { ask } = await start();
    const answer = await ask(method, path, { token: null });
    expect(answer).toMatchObject({ status: 405, body: { error: { code: 'invalid' } } });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  it('HEAD is GET without the body', async () => {
    const { ask } = await start();
    const [head, get] = [await ask('HEAD', PLAIN), await ask('GET', PLAIN)];
    expect([head.status, head.headers.get('etag'), head.headers.get('content-length')]).toEqual([
      200,
      get.headers.get('etag'),
      get.headers.get('content-length'),
    ]);
  });
});

describe('a body', () => {
  it.each([
    ['{', 400],
    ['', 400],
    [new Uint8Array([0x22, 0xff, 0x22]), 400],
    [`{"text":${'['.repeat(101)}${']'.repeat(101)}}`, 400],
    ['{"text":"x"}', 201],
  ])('is JSON: %j', async (raw, status) => {
    const { ask } = await start();
    expect((await ask('POST', PLAIN, { raw, headers: { 'content-type': 'application/json' } })).status).toBe(status);
  });

  it.each([
    ['application/json', 201],
    ['Application/JSON; charset="UTF-8"', 201],
    ['application/json; charset=latin1', 415],
    ['application/merge-patch+json', 415],
    ['text/json', 415],
  ])('is called %s', async (type, status) => {
    const { ask } = await start();
    expect((await ask('POST', PLAIN, { body: { text: 'x' }, headers: { 'content-type': type } })).status).toBe(status);
  });

  it('is not compressed, and a merge patch may be called one', async () => {
    const { ask } = await start();
    expect((await ask('POST', PLAIN, { body: { text: 'x' }, headers: { 'content-encoding': 'gzip' } })).status).toBe(
      415,
    );
    const headers = { 'content-type': 'application/merge-patch+json' };
    expect((await ask('PATCH', '/v1/channels/desk/1/rows/a', { body: { bid: 1 }, headers })).status).toBe(201);
  });

  it.each([
    [0, 201],
    [1, 413],
  ])('is at most as large as a message, %i bytes above', async (above, status) => {
    const { ask } = await start({ limits: { maxMessageBytes: 1_000 } });
    const raw = `{"text":"x"}${' '.repeat(1_000 - 12 + above)}`;
    const answer = await ask('POST', PLAIN, { raw });
    expect(answer.status).toBe(status);
    if (status === 413) expect(answer.body).toMatchObject({ error: { code: 'too_large' } });
    expect(answer.headers.get('connection')).toBe(status === 413 ? 'close' : 'keep-alive');
  });

  it('that is too large is answered while it is still being sent, and the connection ends', async () => {
    const { trunk } = await start({ limits: { maxMessageBytes: 1_000 } });
    const { socket, end } = await rawRequest(trunk.port);
    const head = `POST ${PLAIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n`;
    socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n${'400\r\n'}${'x'.repeat(1024)}\r\n`);
    await once(socket, 'data');
    socket.write(`400\r\n${'x'.repeat(1024)}\r\n0\r\n\r\n`);
    expect(await end).toMatch(/^HTTP\/1.1 413 .*"too_large"/s);
  });

  it('that stops in the middle is given up', async () => {
    const made = await steppedApi(bareApp());
    closing.push(made);
    const { socket, end } = await rawRequest(made.port);
    const before = made.clock.timers;
    socket.write(
      `POST /v1/channels/chat/lobby/entries HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\n` +
        'Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
    );
    while (made.clock.timers < before + 2) await new Promise((resolve) => setImmediate(resolve));
    made.clock.advanceMs(9_999);
    expect((await made.ask('GET', '/v1/channels/chat/lobby/entries')).status).toBe(200);
    made.clock.advanceMs(1);
    expect(await end).toMatch(/^HTTP\/1.1 408 /);
  });

  it('that an app has read already is an error that says so', async () => {
    const server = createServer((request, response) => {
      request.resume().once('end', () => setImmediate(() => trunk.http(request, response)));
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const trunk = await attach(marketApp(), server, { broker: memoryBroker(), log: listeningLog() });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await asking(url)('POST', PLAIN, { body: { text: 'x' } });
    expect(answer).toMatchObject({ status: 500, body: { error: { message: expect.stringContaining('body parser') } } });
    await trunk.close();
  });
});

describe('an app that gives no answer', () => {
  it('is answered for after a minute, and the caller may ask again', async () => {
    const hang = () => new Promise<never>(() => {});
    const made = await steppedApi(bareApp({ authenticate: hang }));
    closing.push(made);
    const before = made.clock.timers;
    const asked = made.ask('GET', '/v1/channels/chat/lobby/entries');
    while (made.clock.timers === before) await new Promise((resolve) => setImmediate(resolve));
    made.clock.advanceMs(60_000);
    expect(await asked).toMatchObject({ status: 503, body: { error: { code: 'unavailable', outcome: 'unknown' } } });
  });
});

describe('with attach', () => {
  async function attached() {
    const server = createServer((request, response) => {
      if (!trunk.http(request, response)) response.end(JSON.stringify({ own: request.url }));
    }).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    const { broker, waits } = counted();
    const trunk = await attach(marketApp(), server, { broker, log: listeningLog() });
    const { port } = server.address() as AddressInfo;
    return { trunk, server, waits, port, ask: asking(`http://127.0.0.1:${port}`) };
  }

  it('the app routes what is the API’s', async () => {
    const { ask, trunk } = await attached();
    expect((await ask('POST', PLAIN, { body: { text: 'x' } })).status).toBe(201);
    expect((await ask('GET', '/v1/users')).body).toEqual({ own: '/v1/users' });
    await trunk.close();
    const late = await ask('GET', PLAIN);
    expect(late).toMatchObject({ status: 503, body: { error: { code: 'unavailable', retry: true } } });
    expect(late.headers.get('retry-after')).toBe('1');
  });

  it('a close ends what waits, and cuts what never ends', async () => {
    const { ask, trunk, server, waits, port } = await attached();
    const waiting = ask('GET', `${PLAIN}?after=0&wait=30`);
    await waits(1);
    const { socket, end } = await rawRequest(port);
    socket.write(`POST ${PLAIN} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\n`);
    socket.write('Content-Type: application/json\r\nContent-Length: 10\r\n\r\n');
    await once(server, 'request');
    await trunk.close({ deadlineMs: 600 });
    expect(await waiting).toMatchObject({ body: { items: [] } });
    expect(await end).toBe('');
  });
});

describe('a close of serve', () => {
  it('ends what waits, and answers what is in work', async () => {
    const { broker, waits } = counted();
    const { ask, trunk } = await start({ broker });
    const waiting = ask('GET', `${PLAIN}?after=0&wait=30`);
    await waits(1);
    await trunk.close({ deadlineMs: 5_000 });
    expect(await waiting).toMatchObject({ status: 200, body: { items: [] } });
  });
});
