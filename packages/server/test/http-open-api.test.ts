// The OpenAPI document against what is served: every operation and status that it names is provoked, every answer has the shape that it
// says, and nothing is answered that it does not name.

import { type Broker, memoryBroker, RowConflictError } from '@trunkline/broker';
import { type JsonValue, type StreamName, streamName, TrunklineError } from '@trunkline/protocol';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterEach, describe, expect, it } from 'vitest';
import type { OriginRules } from '../src/origin.js';
import { asking, bareApp, type Reply, rawRequest, servedApi, steppedApi } from './support/http.js';

interface Responses {
  readonly [status: string]: {
    readonly $ref?: string;
    readonly content?: { readonly [type: string]: { schema: object } };
  };
}
interface OperationObject {
  readonly operationId: string;
  readonly requestBody?: { readonly content: object };
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Responses;
}
interface Document {
  readonly openapi: string;
  readonly paths: { readonly [path: string]: { readonly [method: string]: OperationObject } };
  readonly components: { readonly responses: Responses };
}

const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one[Symbol.asyncDispose]();
});

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The document's operations, each with a test of whether a path is its own. */
function operationsOf({ paths }: Document) {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      if (operation === undefined) return [];
      const own = new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`);
      return [{ path, method, own, operation }];
    }),
  );
}

/** Judges answers by the document, and remembers which it has seen. */
function judge(document: Document) {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addSchema(document, 'document');
  const operations = operationsOf(document);
  const seen = new Set<string>();
  const schemaOf = (response: Responses[string] | undefined) => {
    const resolved =
      response?.$ref === undefined ? response : document.components.responses[response.$ref.split('/').at(-1) ?? ''];
    return resolved?.content?.['application/json']?.schema as { $ref?: string } | undefined;
  };
  return {
    seen,
    answered: (method: string, path: string, { status, body }: Reply) => {
      const found = operations.find(
        (one) => one.method === method.toLowerCase() && one.own.test(path.split('?')[0] ?? ''),
      );
      if (found === undefined) throw new Error(`the document has no ${method} ${path}`);
      // What the app's own code throws is under `default`, and nothing else is.
      const isThrown = JSON.stringify(body).includes('thrown by the app');
      const response = found.operation.responses[isThrown ? 'default' : status];
      if (response === undefined)
        throw new Error(`${found.operation.operationId} may not answer ${status}: ${JSON.stringify(body)}`);
      if (!isThrown) seen.add(`${found.operation.operationId} ${status}`);
      const schema = schemaOf(response);
      if (schema === undefined) return void expect(body).toEqual({});
      const validate = ajv.compile(schema.$ref === undefined ? schema : { $ref: `document${schema.$ref}` });
      if (!validate(body))
        throw new Error(`${found.operation.operationId} ${status}: ${ajv.errorsText(validate.errors)}`);
    },
  };
}

async function answerTo(input: unknown): Promise<{ output: unknown }> {
  if (JSON.stringify(input).includes('throw')) throw new TrunklineError('not_found', 'thrown by the app');
  return { output: input };
}

/** A log and a table whose rules do as the user's name says. */
function obedientApp() {
  const authorize = (user: unknown) => {
    const { id } = user as { id: string };
    if (id === 'throws') throw new Error('a bug of the rule');
    return id !== 'barred';
  };
  const validate = (value: JsonValue) =>
    typeof value === 'object' && value !== null && 'bad' in value ? { problem: 'it is bad' } : { value };
  return bareApp({
    channels: new Map([
      ['chat', { kind: 'log', params: ['room'], validate, authorize, retain: { entries: 2 } }],
      ['desk', { kind: 'table', params: ['market'], write: 'client', keep: 'durable', validate, authorize }],
    ]),
    procedures: new Map([
      ['order', { validate, authorize, run: ({ input }) => ({ result: answerTo(input), stop: () => {} }) }],
    ]),
    authenticate: async (token) => {
      if (token === 'broken') throw new Error('the user database is down');
      return token === undefined ? null : { id: token, user: { id: token }, publicUser: token };
    },
  });
}

/** Each operation as it works, and how it can be made to fail. */
const USES = [
  { method: 'POST', path: (room: string) => `/v1/channels/chat/${room}/entries`, body: { text: 'x' } },
  { method: 'GET', path: (room: string) => `/v1/channels/chat/${room}/entries` },
  { method: 'GET', path: (market: string) => `/v1/channels/desk/${market}/rows` },
  {
    method: 'POST',
    path: (market: string) => `/v1/channels/desk/${market}/rows`,
    body: { set: { A: { bid: 1 } } },
    bad: { set: { A: { bad: 1 } } },
  },
  { method: 'PUT', path: (market: string) => `/v1/channels/desk/${market}/rows/A`, body: { bid: 2 } },
  { method: 'PATCH', path: (market: string) => `/v1/channels/desk/${market}/rows/A`, body: { bid: 3 } },
  { method: 'GET', path: (market: string) => `/v1/channels/desk/${market}/rows/A` },
  { method: 'DELETE', path: (market: string) => `/v1/channels/desk/${market}/rows/A` },
  {
    method: 'POST',
    path: (name: string) => `/v1/procedures/${name === '1' ? 'order' : name}`,
    body: { bid: 1 },
  },
] as const;

/** For back ends, each with a body that it takes. */
const OF_USERS = [
  { path: '/v1/users/ada/disconnect', body: { reason: 'a test' } },
  { path: '/v1/users/ada/revoke', body: { channel: 'chat/1' } },
] as const;
const KEY = 'back-end-0123456789-0123456789-0123456789';
const SLOW_KEY = 'slow-0123456789-0123456789-0123456789-01';

const TOO_LONG = 'x'.repeat(508);

async function start() {
  const store = memoryBroker();
  const racing = { isOn: false };
  const change: Broker['change'] = (stream, step, options) =>
    racing.isOn
      ? Promise.reject(new RowConflictError(stream, step[0]?.key ?? '', 1, 2))
      : store.change(stream, step, options);
  const broker: Broker = new Proxy(store, {
    get: (target, name) => {
      if (name === 'change') return change;
      const member = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
  const rules = (): OriginRules => ({ allowed: [], isLoopbackServer: true, isProduction: true });
  const made = await steppedApi(obedientApp(), {
    broker,
    rules,
    apiKeys: { backEnd: KEY, slow: { secret: SLOW_KEY, ratePerSecond: 1 } },
    limits: { maxRequestsInWork: 1, maxMessageBytes: 1_000 },
  });
  closing.push(made);
  const document = (await made.ask('GET', '/v1/openapi.json', { token: null })).body as unknown as Document;
  const judged = judge(document);
  return { ...made, document, ...judged, racing, judgedAsk: asking(made.url, judged.answered) };
}

describe('the OpenAPI document', () => {
  it('names what is answered, and all that it names is answered so', async () => {
    const { judgedAsk: ask, document, seen, answered, racing, clock, port, waits, engine, api } = await start();
    // As meant.
    for (const { method, path, ...use } of USES) {
      const body = 'body' in use ? { body: use.body } : {};
      const first = await ask(method, path('1'), { ...body, headers: { 'idempotency-key': method } });
      await ask(method, path('1'), { ...body, headers: { 'idempotency-key': method } });
      if (method === 'GET') {
        await ask(method, path('1'), { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
      }
    }
    for (const [method, key] of [
      ['PUT', 'B'],
      ['PATCH', 'C'],
    ] as const) {
      for (const bid of [1, 2]) await ask(method, `/v1/channels/desk/1/rows/${key}`, { body: { bid } });
    }
    // As not meant.
    const busy = ask('GET', '/v1/channels/chat/9/entries?after=0&wait=30', { token: 'busy' });
    await waits(1);
    for (const { method, path, ...use } of USES) {
      const body = 'body' in use ? { body: use.body } : {};
      for (const token of [null, 'barred', 'throws', 'broken', 'busy'])
        await ask(method, path('1'), { ...body, token });
      if (!path('1').includes('procedures')) await ask(method, path(TOO_LONG), body);
      await ask(method, `${path('1')}?unknown=1`, body);
      if (method !== 'GET' && method !== 'POST')
        await ask(method, path('1'), { ...body, headers: { 'if-match': '"x"' } });
      if (!('body' in use)) continue;
      await ask(method, path('1'), { body: 'bad' in use ? use.bad : { bad: 1 } });
      await ask(method, path('1'), { ...body, headers: { 'content-type': 'text/plain' } });
      await ask(method, path('1'), { raw: ' '.repeat(1_001) });
    }
    await ask('GET', '/v1/channels/chat/1/entries?epoch=another');
    await ask('GET', '/v1/channels/desk/1/rows?epoch=another');
    await ask('POST', '/v1/channels/desk/1/rows', { body: { delete: ['A'], if: { A: 999 } } });
    racing.isOn = true;
    await ask('PATCH', '/v1/channels/desk/1/rows/A', { body: { depth: { a: 1 } } });
    await ask('POST', '/v1/procedures/order', { body: { throw: 'not_found' } });
    // Those of users.
    for (const { path, body } of OF_USERS) {
      const token = KEY;
      await ask('POST', path, { token, body });
      await ask('POST', `${path}?unknown=1`, { token, body });
      for (const other of [null, 'ada', 'broken']) await ask('POST', path, { token: other, body });
      await ask('POST', path, { token, body, headers: { 'content-type': 'text/plain' } });
      await ask('POST', path, { token, raw: ' '.repeat(1_001) });
      await ask('POST', path, { token: SLOW_KEY, body });
    }
    for (const { path, body } of OF_USERS) await ask('POST', path, { token: SLOW_KEY, body });
    await ask('POST', OF_USERS[1].path, { token: KEY, body: { channel: 'nothing/1' } });
    // The document itself.
    await ask('GET', '/v1/openapi.json', { token: null });
    await ask('GET', '/v1/openapi.json?x=1', { token: null });
    await ask('GET', '/v1/openapi.json', { token: null, headers: { origin: 'https://evil.example.net' } });
    await engine.broker.append(streamName('chat', ['9']) as StreamName, [{ at: 1, data: '1', user: null }]);
    await busy;
    // A body that never comes.
    const sending = [
      ...USES.flatMap(({ method, path, ...use }) =>
        'body' in use ? [{ method, path: path('1'), token: 'slow' }] : [],
      ),
      ...OF_USERS.map(({ path }) => ({ method: 'POST', path, token: KEY })),
    ];
    for (const { method, path, token } of sending) {
      const before = clock.timers;
      const { socket, end } = await rawRequest(port);
      socket.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n`);
      socket.write('Content-Type: application/json\r\nContent-Length: 9\r\n\r\n');
      while (clock.timers < before + 2) await new Promise((resolve) => setImmediate(resolve));
      clock.advanceMs(10_000);
      const [head = '', text = ''] = (await end).split('\r\n\r\n');
      answered(method, path, {
        status: Number(head.split(' ')[1]),
        headers: new Headers(),
        body: JSON.parse(text),
      });
    }
    await api.close(0);
    await ask('GET', '/v1/openapi.json', { token: null });

    const named = operationsOf(document).flatMap(({ operation }) =>
      Object.keys(operation.responses)
        .filter((status) => status !== 'default')
        .map((status) => `${operation.operationId} ${status}`),
    );
    expect([...seen].toSorted()).toEqual(named.toSorted());
  });

  it('has every method of every path, and no other', async () => {
    const { ask, document } = await start();
    for (const [template, item] of Object.entries(document.paths)) {
      const path = template.replace(/\{[^}]+\}/g, 'x');
      const named = METHODS.filter((method) => item[method] !== undefined);
      const denied = METHODS.filter((method) => !named.includes(method));
      for (const method of denied) {
        const answer = await ask(method.toUpperCase(), path);
        expect([method, path, answer.status]).toEqual([method, path, 405]);
        const allowed = (answer.headers.get('allow') ?? '').toLowerCase().split(', ');
        expect(allowed.toSorted()).toEqual(
          [...(named.includes('get') ? ['head'] : []), 'options', ...named].toSorted(),
        );
      }
    }
  });

  it('is a document of version 3.1 with the app’s channels, and each parameter that their paths name', async () => {
    const served = await servedApi();
    closing.push(served);
    const document = (await served.ask('GET', '/v1/openapi.json', { token: null })).body as unknown as Document;
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual([
      '/v1/channels/chat/{room}/entries',
      '/v1/channels/plain/entries',
      '/v1/channels/desk/{market}/rows',
      '/v1/channels/desk/{market}/rows/{key}',
      '/v1/channels/quotes/{market}/rows',
      '/v1/channels/quotes/{market}/rows/{key}',
      '/v1/users/{user}/disconnect',
      '/v1/users/{user}/revoke',
      '/v1/openapi.json',
    ]);
    const ids = operationsOf(document).map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [path, item] of Object.entries(document.paths)) {
      const named = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
      const { parameters = [] } = item as unknown as OperationObject;
      expect(parameters.map(({ name }) => name)).toEqual(named);
    }
    // Every reference leads somewhere.
    for (const [, ref = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      let at: unknown = document;
      for (const part of ref.split('/')) at = (at as Record<string, unknown>)[part];
      expect(at).toBeTypeOf('object');
    }
  });
});
