// Procedures over HTTP, through real sockets.

import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { refuse, serve, trunkline } from '../src/index.js';
import { listeningLog } from './support/app.js';
import { enter } from './support/dial.js';
import { asking, KEYS } from './support/http.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start() {
  const runs: { user: string; source: string | undefined }[] = [];
  const held: { signal: AbortSignal; finish: () => void }[] = [];
  const changed: (() => void)[] = [];
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const order = t.procedure({
    input: z.object({ quantity: z.number() }),
    output: z.object({ total: z.number() }),
    run: ({ input, user, source }) => {
      runs.push({ user: user.id, source: source?.producer });
      if (input.quantity === 0) return refuse('nothing', 'Order something');
      return { total: input.quantity * 10 };
    },
  });
  const hold = t.procedure({
    input: z.null(),
    output: z.null(),
    run: ({ signal }) =>
      new Promise<null>((resolve) => {
        held.push({ signal, finish: () => resolve(null) });
        for (const tell of changed.splice(0)) tell();
      }),
  });
  const app = t.app({ channels: {}, procedures: { order, hold, 'a/b': order } });
  const trunk = await serve(app, {
    port: 0,
    broker: memoryBroker(),
    log: listeningLog(),
    apiKeys: { prices: KEYS.prices },
    limits: { maxCallsInWork: 2 },
  });
  closing.push(() => trunk.close({ deadlineMs: 0 }));
  const untilHeld = async (count: number) => {
    while (held.length < count) await new Promise<void>((resolve) => changed.push(resolve));
  };
  return { trunk, runs, held, untilHeld, ask: asking(trunk.url) };
}

describe('POST of a procedure', () => {
  it('runs it for the user, and gives what it returned', async () => {
    const { ask, runs } = await start();
    const order = (body: unknown, path = 'order') => ask('POST', `/v1/procedures/${path}`, { body });
    expect(await order({ quantity: 2 })).toMatchObject({ status: 200, body: { data: { total: 20 } } });
    expect(runs).toEqual([{ user: 'ada', source: undefined }]);
    expect(await order({ quantity: 'x' })).toMatchObject({ status: 422, body: { error: { code: 'invalid' } } });
    expect(await order({ quantity: 0 })).toMatchObject({ status: 422, body: { error: { refusal: 'nothing' } } });
    expect((await order({ quantity: 1 }, 'a%2Fb')).status).toBe(200);
    for (const path of ['other', 'a/b', '__proto__', '']) expect((await order({}, path)).status).toBe(404);
  });

  it('with an Idempotency-Key runs it once, and keeps the result', async () => {
    const { ask, runs } = await start();
    const order = (quantity: number, name = 'order', token = 'ada') =>
      ask('POST', `/v1/procedures/${name}`, { body: { quantity }, token, headers: { 'idempotency-key': 'k' } });
    const first = await order(2);
    expect((await order(2)).body).toEqual(first.body);
    expect(runs).toEqual([{ user: 'ada', source: expect.stringMatching(/^[\w-]{43}$/) }]);
    // Another procedure, and another user, have keys of their own.
    expect((await order(3, 'a%2Fb')).body).toEqual({ data: { total: 30 } });
    expect((await order(4, 'order', 'bob')).body).toEqual({ data: { total: 40 } });
  });

  it('is not for API keys: there is no user', async () => {
    const { ask, runs } = await start();
    const answer = await ask('POST', '/v1/procedures/order', { body: { quantity: 1 }, token: KEYS.prices });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'forbidden' } } });
    expect(runs).toEqual([]);
  });

  it('has room for maxCallsInWork of one caller', async () => {
    const { ask, held, untilHeld } = await start();
    const hold = (token = 'ada') => ask('POST', '/v1/procedures/hold', { raw: 'null', token });
    const calls = [hold(), hold()];
    await untilHeld(2);
    expect(await hold()).toMatchObject({ status: 429, body: { error: { code: 'rate_limited' } } });
    calls.push(hold('bob'));
    await untilHeld(3);
    for (const { finish } of held) finish();
    for (const call of calls) expect(await call).toMatchObject({ status: 200, body: { data: null } });
    const after = hold();
    await untilHeld(4);
    held[3]?.finish();
    expect((await after).status).toBe(200);
  });

  it('stops when its caller is gone, unless it runs once', async () => {
    const { trunk, held, untilHeld } = await start();
    const leave = async (headers: Record<string, string>) => {
      const leaving = new AbortController();
      const call = fetch(`${trunk.url}/v1/procedures/hold`, {
        method: 'POST',
        headers: { authorization: 'Bearer ada', 'content-type': 'application/json', ...headers },
        body: 'null',
        signal: leaving.signal,
      });
      const count = held.length + 1;
      await untilHeld(count);
      leaving.abort();
      await expect(call).rejects.toThrow('abort');
      return held[count - 1] as (typeof held)[number];
    };
    const kept = await leave({ 'idempotency-key': 'k' });
    const { signal } = await leave({});
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    // The first one's end was noticed before that of the second.
    expect(kept.signal.aborted).toBe(false);
    kept.finish();
  });

  it('is the same procedure that a WebSocket calls', async () => {
    const { ask, trunk } = await start();
    const peer = await enter(trunk.url);
    expect(await peer.ask({ type: 'call', procedure: 'order', data: { quantity: 3 } })).toMatchObject({
      data: (await ask('POST', '/v1/procedures/order', { body: { quantity: 3 } })).body.data,
    });
  });
});
