// Tables over HTTP, through real sockets.

import { type Broker, memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import { enter } from './support/dial.js';
import { bareApp, KEYS, servedApi, steppedApi } from './support/http.js';

const closing: { [Symbol.asyncDispose](): PromiseLike<void> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one[Symbol.asyncDispose]();
});
async function start() {
  const served = await servedApi();
  closing.push(served);
  return served;
}
const DESK = '/v1/channels/desk/1/rows';
const ACME = `${DESK}/ACME`;
const tagOf = ({ headers }: { headers: Headers }) => headers.get('etag') ?? '';

describe('one row', () => {
  it('is set, read, patched and deleted', async () => {
    const { ask } = await start();
    expect(await ask('GET', ACME)).toMatchObject({ status: 404, body: { error: { code: 'not_found' } } });
    const made = await ask('PUT', ACME, { body: { bid: 1, note: 'a' } });
    expect(made).toMatchObject({ status: 201, body: { epoch: expect.any(String), offset: 1 } });
    expect(await ask('PUT', ACME, { body: { bid: 2, note: 'a' } })).toMatchObject({ status: 200, body: { offset: 2 } });
    const patched = await ask('PATCH', ACME, { body: { note: null, depth: { a: 1 } } });
    expect(patched).toMatchObject({ status: 200, body: { offset: 3 } });
    await ask('PATCH', ACME, { body: { depth: { b: 2 } } });
    const read = await ask('GET', ACME);
    expect(read.body).toEqual({ key: 'ACME', offset: 4, born: 1, data: { bid: 2, depth: { a: 1, b: 2 } } });
    expect(await ask('DELETE', ACME)).toMatchObject({ status: 200, body: { offset: 5 } });
    // Once more changes nothing.
    expect(await ask('DELETE', ACME)).toMatchObject({ status: 200, body: { offset: 5 } });
    expect((await ask('GET', ACME)).status).toBe(404);
  });

  it('is made by a patch where there is none', async () => {
    const { ask } = await start();
    expect((await ask('PATCH', ACME, { body: { bid: 1 } })).status).toBe(201);
    expect((await ask('PATCH', `${DESK}/HOOLI`, { body: { note: 'no bid' } })).status).toBe(422);
  });

  it('reaches who follows the table', async () => {
    const { ask, url } = await start();
    const peer = await enter(url, 'bob');
    await peer.ask({ type: 'subscribe', stream: 'desk/1' });
    await ask('PUT', ACME, { body: { bid: 1 } });
    const slice = await peer.next((message) => message.type === 'rows' && message.to === 1);
    expect(slice).toMatchObject({ set: { ACME: { bid: 1 } } });
  });

  it.each([
    ['a', 1],
    ['x'.repeat(256), 201],
    ['x'.repeat(257), 400],
    ['ü'.repeat(128), 201],
    [`${'ü'.repeat(128)}x`, 400],
  ])('has a key of 1 to 256 bytes: %s', async (key, status) => {
    const { ask } = await start();
    const path = `${DESK}/${encodeURIComponent(key)}`;
    expect((await ask('PUT', path, { body: { bid: 1 } })).status).toBe(status === 1 ? 201 : status);
    expect((await ask('GET', path)).status).toBe(status === 400 ? 400 : 200);
    expect((await ask('PUT', `${DESK}/`, { body: { bid: 1 } })).status).toBe(400);
  });

  it('is an object that the schema accepts', async () => {
    const { ask } = await start();
    expect((await ask('PUT', ACME, { body: [] })).status).toBe(400);
    expect(await ask('PUT', ACME, { body: { bid: 'x' } })).toMatchObject({
      status: 422,
      body: { error: { code: 'invalid', message: expect.stringContaining('bid') } },
    });
    expect((await ask('PATCH', ACME, { body: { bid: null } })).status).toBe(422);
  });

  it('of a table that only the server writes is written by API keys alone, and by the schema', async () => {
    const { ask, trunk } = await start();
    const quote = '/v1/channels/quotes/nyse/rows/ACME';
    expect((await ask('PUT', quote, { body: { bid: 1 } })).status).toBe(403);
    const asKey = (method: string, body: object) => ask(method, quote, { body, token: KEYS.prices });
    expect((await asKey('PUT', { bid: 'x' })).status).toBe(422);
    expect((await asKey('PUT', { bid: 1 })).status).toBe(201);
    expect((await asKey('PATCH', { note: 'n' })).status).toBe(200);
    expect(await trunk.channel.quotes('nyse').get('ACME')).toMatchObject({ data: { bid: 1, note: 'n' } });
    // Neither is the rule asked.
    expect((await ask('PUT', '/v1/channels/desk/staff/rows/a', { body: { bid: 1 } })).status).toBe(403);
    const staff = await ask('PUT', '/v1/channels/desk/staff/rows/a', { body: { bid: 1 }, token: KEYS.prices });
    expect(staff.status).toBe(201);
  });
});

describe('conditions', () => {
  it('If-None-Match: * makes a row, or nothing', async () => {
    const { ask } = await start();
    const make = () => ask('PUT', ACME, { body: { bid: 1 }, headers: { 'if-none-match': '*' } });
    expect((await make()).status).toBe(201);
    expect(await make()).toMatchObject({ status: 412, body: { error: { code: 'conflict', outcome: 'refused' } } });
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('%s with If-Match happens to the row that was seen', async (method) => {
    const { ask } = await start();
    const change = (tag: string) =>
      ask(method, ACME, { ...(method === 'DELETE' ? {} : { body: { bid: 9 } }), headers: { 'if-match': tag } });
    expect((await change('*')).status).toBe(412);
    const old = tagOf(await ask('PUT', ACME, { body: { bid: 1 } }));
    const present = tagOf(await ask('PUT', ACME, { body: { bid: 2 } }));
    expect(present).toBe(tagOf(await ask('GET', ACME)));
    const another = present.replace(/"[^.]+/, '"another');
    for (const tag of [old, `W/${present}`, another, '"rubbish"']) expect((await change(tag)).status).toBe(412);
    expect(await ask('GET', ACME)).toMatchObject({ body: { data: { bid: 2 } } });
    expect((await change(`"x", ${present}`)).status).toBe(200);
    if (method !== 'DELETE') expect((await change('*')).status).toBe(200);
  });

  it('GET answers 304 while the row is as it was', async () => {
    const { ask } = await start();
    const tag = tagOf(await ask('PUT', ACME, { body: { bid: 1 } }));
    const read = () => ask('GET', ACME, { headers: { 'if-none-match': tag } });
    expect((await read()).status).toBe(304);
    await ask('PUT', `${DESK}/HOOLI`, { body: { bid: 1 } });
    expect((await read()).status).toBe(304);
    await ask('PUT', ACME, { body: { bid: 2 } });
    expect((await read()).status).toBe(200);
  });

  it('do not refuse a write that is sent again', async () => {
    const { ask } = await start();
    const tag = tagOf(await ask('PUT', ACME, { body: { bid: 1 } }));
    const change = () =>
      ask('PATCH', ACME, { body: { bid: 2, depth: { a: 1 } }, headers: { 'if-match': tag, 'idempotency-key': 'k' } });
    const first = await change();
    expect(first.status).toBe(200);
    await ask('PUT', ACME, { body: { bid: 3 } });
    const again = await change();
    expect(again).toMatchObject({ status: 200, body: first.body });
    // By now it is another row than the one that the answer is about.
    expect(again.headers.get('etag')).toBeNull();
    expect((await ask('GET', ACME)).body).toMatchObject({ data: { bid: 3 } });
  });

  it.each([
    ['if-none-match', '"1"'],
    ['if-none-match', 'W/"1"'],
  ])('that mean nothing are refused: %s: %s', async (name, value) => {
    const { ask } = await start();
    expect((await ask('PUT', ACME, { body: { bid: 1 }, headers: { [name]: value } })).status).toBe(400);
  });
});

describe('several rows', () => {
  it('are changed as one step, or none is', async () => {
    const { ask } = await start();
    const step = (body: object) => ask('POST', DESK, { body });
    expect(await step({ set: { ACME: { bid: 1 }, HOOLI: { bid: 2 } } })).toMatchObject({
      status: 200,
      body: { offset: 1 },
    });
    const next = { patch: { ACME: { note: 'x' } }, delete: ['HOOLI'], if: { ACME: 1 } };
    expect(await step(next)).toMatchObject({ status: 200, body: { offset: 2 } });
    expect(await step({ ...next, set: { NEW: { bid: 1 } } })).toMatchObject({
      status: 409,
      body: { error: { code: 'conflict' } },
    });
    const { body } = await ask('GET', DESK);
    expect(body.rows).toEqual([{ key: 'ACME', offset: 2, born: 1, data: { bid: 1, note: 'x' } }]);
  });

  it.each([
    [{ set: { a: 1 } }, 400],
    [{ sets: {} }, 400],
    [{ set: { a: { bid: 1 } }, delete: ['a'] }, 400],
    [{ if: { a: 1 } }, 400],
    [[], 400],
    [null, 400],
    [{}, 200],
  ])('are named as the document says: %j', async (body, status) => {
    const { ask } = await start();
    expect((await ask('POST', DESK, { body })).status).toBe(status);
  });

  it('may be so many, and the table so large', async () => {
    const { ask } = await start();
    const rows = (from: number, to: number) =>
      Object.fromEntries(Array.from({ length: to - from }, (_, n) => [`k${from + n}`, { bid: n }]));
    expect((await ask('POST', DESK, { body: { set: rows(0, 1_001) } })).body).toMatchObject({
      error: { code: 'too_large' },
    });
    expect((await ask('POST', DESK, { body: { set: rows(0, 100) } })).status).toBe(200);
    expect((await ask('POST', DESK, { body: { set: rows(100, 101) } })).status).toBe(413);
  });
});

describe('pages of a table', () => {
  it('lead from the beginning to the head, and on to what changed since', async () => {
    const { ask } = await start();
    for (const key of ['A', 'B', 'C', 'D']) await ask('PUT', `${DESK}/${key}`, { body: { bid: 1 } });
    await ask('DELETE', `${DESK}/D`);
    const keys = (body: Record<string, unknown>) => (body.rows as { key: string }[]).map(({ key }) => key);
    const first = (await ask('GET', `${DESK}?limit=2`)).body;
    expect([keys(first), first.to, first.head, first.deleted]).toEqual([['A', 'B'], 2, 5, []]);
    const second = (await ask('GET', `${DESK}?after=2&epoch=${first.epoch}`)).body;
    expect([keys(second), second.to, second.deleted]).toEqual([['C'], 5, ['D']]);
    await ask('PUT', `${DESK}/A`, { body: { bid: 2 } });
    expect(keys((await ask('GET', `${DESK}?after=5`)).body)).toEqual(['A']);
    expect((await ask('GET', `${DESK}?after=9`)).status).toBe(409);
    expect((await ask('GET', `${DESK}?after=5&epoch=another`)).status).toBe(409);
    expect((await ask('GET', `${DESK}?epoch=another`)).status).toBe(409);
  });

  it('answer 304 while nothing is new, and are empty before the first row', async () => {
    const { ask } = await start();
    const empty = await ask('GET', DESK);
    expect(empty.body).toEqual({ epoch: null, head: 0, floor: 0, to: 0, rows: [], deleted: [] });
    const read = () => ask('GET', DESK, { headers: { 'if-none-match': tagOf(empty) } });
    expect((await read()).status).toBe(304);
    await ask('PUT', ACME, { body: { bid: 1 } });
    expect((await read()).status).toBe(200);
  });

  it('may wait for the next change', async () => {
    const made = await steppedApi(bareApp());
    closing.push(made);
    const waiting = made.ask('GET', `${DESK}?after=0&wait=30`);
    await made.waits(1);
    await made.engine.change('desk', ['1'], [{ key: 'ACME', set: { bid: 1 } }]);
    expect((await waiting).body).toMatchObject({ head: 1, rows: [{ key: 'ACME' }] });
    const more = made.ask('GET', `${DESK}?after=1&wait=30`);
    await made.waits(1);
    await made.engine.change('desk', ['1'], [{ key: 'ACME', delete: true }]);
    expect((await more).body).toMatchObject({ head: 2, rows: [], deleted: ['ACME'] });
  });
});

describe('patches at the same time', () => {
  it('are merged anew when somebody was faster', async () => {
    const store = memoryBroker();
    let rivals = 3;
    const readRow: Broker['readRow'] = async (stream, key) => {
      const row = await store.readRow(stream, key);
      if (rivals > 0) {
        rivals -= 1;
        // After the look at the row, and before the patch.
        await store.change(stream, [{ key, set: `{"depth":{"rival":${rivals}}}` }]);
      }
      return row;
    };
    const broker = new Proxy(store, {
      get: (target, name) => {
        const member = Reflect.get(target, name);
        if (name === 'readRow') return readRow;
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const made = await steppedApi(bareApp(), { broker });
    closing.push(made);
    expect((await made.ask('PATCH', ACME, { body: { depth: { mine: 1 } } })).status).toBe(200);
    expect(rivals).toBe(0);
    expect((await made.ask('GET', ACME)).body).toMatchObject({ data: { depth: { rival: 0, mine: 1 } } });
  });

  it('into one field lose nothing of each other', async () => {
    const { ask } = await start();
    await ask('PUT', ACME, { body: { bid: 0 } });
    const names = Array.from({ length: 12 }, (_, n) => `n${n}`);
    const answers = await Promise.all(names.map((name) => ask('PATCH', ACME, { body: { depth: { [name]: 1 } } })));
    expect(answers.map(({ status }) => status)).toEqual(names.map(() => 200));
    const { data } = (await ask('GET', ACME)).body as { data: { depth: object } };
    expect(Object.keys(data.depth).toSorted()).toEqual(names.toSorted());
  });
});
