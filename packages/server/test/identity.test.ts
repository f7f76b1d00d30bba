// Who a connection belongs to: what `authenticate` and `publicUser` may do.

import { memoryBroker } from '@trunkline/broker';
import { CLOSE } from '@trunkline/protocol';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { type RequestInfo, serve, trunkline } from '../src/index.js';
import { listeningLog, served } from './support/app.js';
import { Dialled } from './support/dial.js';

const open: { close(options: { deadlineMs: number }): Promise<void> }[] = [];
afterEach(async () => {
  for (const trunk of open.splice(0)) await trunk.close({ deadlineMs: 0 });
});

interface Parts {
  readonly authenticate?: unknown;
  readonly publicUser?: unknown;
}

/** Says hello to an app with these parts. */
async function greet(parts: Parts, headers: Record<string, string> = {}, trustedProxies: string[] = []) {
  const log = listeningLog();
  const t = trunkline({ authenticate: () => ({ id: 'ada' }), ...parts } as Parameters<typeof trunkline>[0]);
  const app = t.app({ channels: { notes: t.log([], { entry: z.json() }) } });
  const trunk = await serve(app, { port: 0, broker: memoryBroker(), log, trustedProxies });
  open.push(trunk);
  const peer = new Dialled(`${trunk.url}/line?from=test`, { headers });
  await peer.opened;
  peer.say({ type: 'hello', version: 1, token: 'secret' });
  return { peer, log: log.lines };
}

describe('authenticate', () => {
  it('gets the token and the request, the address being that of the peer', async () => {
    let context: { token: string; request: RequestInfo } | undefined;
    const { peer } = await greet(
      {
        authenticate: async (given: typeof context) => {
          context = given;
          return { id: 'ada' };
        },
      },
      { 'X-Forwarded-For': '1.2.3.4', 'X-Thing': 'a' },
    );
    await peer.type('welcome');
    expect(context).toMatchObject({
      token: 'secret',
      request: { url: '/line?from=test', origin: undefined, address: '127.0.0.1', headers: { 'x-thing': 'a' } },
    });
  });

  it('gets the address that a trusted proxy names', async () => {
    let address = '';
    const { peer } = await greet(
      {
        authenticate: ({ request }: { request: RequestInfo }) => {
          address = request.address;
          return { id: 'ada' };
        },
      },
      { 'X-Forwarded-For': '9.9.9.9, 1.2.3.4' },
      ['127.0.0.1'],
    );
    await peer.type('welcome');
    expect(address).toBe('1.2.3.4');
  });

  it('null is unauthorized', async () => {
    const { peer, log } = await greet({ authenticate: () => null });
    expect(await peer.closed).toMatchObject({ code: CLOSE.unauthorized });
    expect(peer.messages).toMatchObject([{ type: 'error', code: 'unauthorized', retry: false }]);
    expect(log).toEqual([]);
  });

  it.each([
    [
      'a throw',
      () => {
        throw new Error('down');
      },
    ],
    [
      'a rejection',
      async () => {
        throw new Error('down');
      },
    ],
    ['nothing', () => undefined],
    ['a user without an id', () => ({ name: 'ada' })],
    ['an empty id', () => ({ id: '' })],
    ['an id that is no text', () => ({ id: 7 })],
    ['an id of 401 characters', () => ({ id: 'x'.repeat(401) })],
  ])('%s is unavailable for now, and logged', async (_, authenticate) => {
    const { peer, log } = await greet({ authenticate });
    expect(await peer.closed).toMatchObject({ code: CLOSE.unavailable });
    expect(peer.messages).toMatchObject([{ type: 'error', code: 'unavailable', retry: true }]);
    expect(log).toMatchObject([{ level: 'error', message: 'authenticate failed' }]);
  });

  it('an id of 400 characters can publish', async () => {
    const { peer } = await greet({ authenticate: () => ({ id: '/'.repeat(400) }) });
    await peer.type('welcome');
    const producer = 'p'.repeat(64);
    expect(await peer.ask({ type: 'publish', stream: 'notes', producer, seq: 1, data: 1 })).toMatchObject({
      type: 'ok',
    });
    expect(await peer.ask({ type: 'read', stream: 'notes', before: 2, limit: 1 })).toMatchObject({
      items: [{ producer }],
    });
  });

  it('must be there', () => {
    expect(() => trunkline({} as Parameters<typeof trunkline>[0])).toThrow('authenticate must be a function');
  });
});

describe('publicUser', () => {
  it('is the id by default', async () => {
    expect((await (await greet({})).peer.type('welcome')).user).toBe('ada');
  });

  it('is what others see', async () => {
    const { peer } = await greet({ publicUser: ({ id }: { id: string }) => ({ name: id, tags: [null] }) });
    expect((await peer.type('welcome')).user).toEqual({ name: 'ada', tags: [null] });
  });

  it('may have 4,096 bytes', async () => {
    const { peer } = await greet({ publicUser: () => 'x'.repeat(4_094) });
    expect((await peer.type('welcome')).user).toHaveLength(4_094);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('a bug');
      },
    ],
    ['is no JSON', () => undefined],
    ['is a BigInt', () => 1n],
    ['has more than 4,096 bytes', () => 'x'.repeat(4_095)],
  ])('that %s lets nobody in, for now', async (_, publicUser) => {
    const { peer, log } = await greet({ publicUser });
    expect(await peer.closed).toMatchObject({ code: CLOSE.unavailable });
    expect(log).toHaveLength(1);
  });
});

it('CON-4: refresh through a socket', async () => {
  const { url, trunk } = await served();
  open.push(trunk);
  const peer = new Dialled(`${url}/line`);
  await peer.opened;
  peer.say({ type: 'hello', version: 1, token: 'ada' });
  expect(await peer.ask({ type: 'refresh', token: 'ada' })).toMatchObject({
    type: 'ok',
    user: { id: 'ada', name: 'ADA' },
  });
  expect(await peer.ask({ type: 'refresh', token: 'bob' })).toMatchObject({ code: 'conflict' });
  expect(await peer.ask({ type: 'refresh', token: 'bad' })).toMatchObject({ code: 'unauthorized' });
});
