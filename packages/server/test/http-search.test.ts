// Search and pages by time over HTTP, through real sockets; and what `t.log` says of search and bytes.

import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { serve, trunkline } from '../src/index.js';
import { asking, KEYS } from './support/http.js';

const closing: { close(options: { deadlineMs: number }): unknown }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close({ deadlineMs: 0 });
});

const asked: string[] = [];
async function start() {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const entry = z.object({ text: z.string(), secret: z.string().optional() });
  const chat = t.log(['room'], {
    entry,
    search: ['text'],
    authorize: ({ action, user }) => {
      asked.push(action);
      return action !== 'search' || user.id !== 'eve';
    },
  });
  const plain = t.log([], { entry });
  const small = t.log([], { entry, search: ['text'], retain: { bytes: 150 } });
  const app = t.app({ channels: { chat, plain, small } });
  const trunk = await serve(app, { port: 0, broker: memoryBroker(), apiKeys: KEYS, log: { warn() {}, error() {} } });
  closing.push(trunk);
  return { trunk, ask: asking(trunk.url) };
}

const ROOM = '/v1/channels/chat/lobby';
const offsets = ({ body }: { body: Record<string, unknown> }) =>
  (body.items as { offset: number }[]).map(({ offset }) => offset);

describe('GET …/search', () => {
  it('finds by words, newest first, page by page, with a tag', async () => {
    const { ask } = await start();
    for (const text of ['Grüße an alle', 'gruss', 'Grüße zurück', 'grüss']) {
      await ask('POST', `${ROOM}/entries`, { body: { text, secret: 'hidden' } });
    }
    const found = await ask('GET', `${ROOM}/search?q=${encodeURIComponent('GRUSSE')}`);
    expect(found.status).toBe(200);
    expect(offsets(found)).toEqual([]);
    const all = await ask('GET', `${ROOM}/search?q=gru&limit=3`);
    expect(offsets(all)).toEqual([4, 3, 2]);
    expect(all.body).toMatchObject({ more: true, head: 4, floor: 0 });
    expect(offsets(await ask('GET', `${ROOM}/search?q=gru&before=2`))).toEqual([1]);
    expect(offsets(await ask('GET', `${ROOM}/search?q=hidden`))).toEqual([]);
    const headers = { 'if-none-match': all.headers.get('etag') ?? '' };
    expect((await ask('GET', `${ROOM}/search?q=gru&limit=3`, { headers })).status).toBe(304);
    expect(offsets(await ask('GET', `${ROOM}/search?q=gru`, { token: KEYS.prices }))).toEqual([4, 3, 2, 1]);
    expect(asked).toContain('search');
  });

  it('refuses what it cannot do', async () => {
    const { ask } = await start();
    const refused = async (path: string, token = 'ada') => {
      const { status, body } = await ask('GET', path, { token });
      return [status, (body.error as { code: string }).code];
    };
    expect(await refused(`${ROOM}/search`)).toEqual([400, 'invalid']);
    expect(await refused(`${ROOM}/search?q=x&limit=101`)).toEqual([400, 'invalid']);
    expect(await refused(`${ROOM}/search?q=x&page=2`)).toEqual([400, 'invalid']);
    expect(await refused(`${ROOM}/search?q=${'x'.repeat(201)}`)).toEqual([413, 'too_large']);
    expect(await refused(`${ROOM}/search?q=a+b+c+d+e+f+g+h+i`)).toEqual([413, 'too_large']);
    expect(await refused(`${ROOM}/search?q=x`, 'eve')).toEqual([403, 'forbidden']);
    expect(await refused('/v1/channels/plain/search?q=x')).toEqual([404, 'not_found']);
    expect((await ask('GET', `${ROOM}/search?q=${'x'.repeat(200)}&limit=100`)).status).toBe(200);
    expect((await ask('POST', `${ROOM}/search?q=x`, { body: {} })).status).toBe(405);
  });

  it('stands in the OpenAPI document, of the channels that have it', async () => {
    const { ask } = await start();
    const { paths } = (await ask('GET', '/v1/openapi.json')).body as { paths: Record<string, object> };
    expect(Object.keys(paths).filter((path) => path.endsWith('/search'))).toEqual([
      '/v1/channels/chat/{room}/search',
      '/v1/channels/small/search',
    ]);
  });
});

describe('GET …/entries?at=', () => {
  it('begins with the first entry of that time', async () => {
    const { ask } = await start();
    const ats: number[] = [];
    for (const text of ['one', 'two', 'three']) {
      const { body } = await ask('POST', `${ROOM}/entries`, { body: { text } });
      ats.push(Number(body.at));
    }
    const first = ats.indexOf(ats[1] ?? 0) + 1;
    expect(offsets(await ask('GET', `${ROOM}/entries?at=${ats[1]}&limit=1`))).toEqual([first]);
    expect(offsets(await ask('GET', `${ROOM}/entries?at=0`))).toEqual([1, 2, 3]);
    expect(offsets(await ask('GET', `${ROOM}/entries?at=${(ats[2] ?? 0) + 1}`))).toEqual([]);
    expect((await ask('GET', `${ROOM}/entries?at=1&after=0`)).status).toBe(400);
    expect((await ask('GET', `${ROOM}/entries?at=yesterday`)).status).toBe(400);
  });
});

describe('t.log', () => {
  it('keeps so many bytes', async () => {
    const { ask } = await start();
    // {"text":"…"} of 50 bytes each, and "ada".
    for (let n = 0; n < 9; n += 1) {
      await ask('POST', '/v1/channels/small/entries', { body: { text: 'x'.repeat(39) } });
    }
    expect(offsets(await ask('GET', '/v1/channels/small/entries'))).toEqual([8, 9]);
  });

  it('refuses what search and bytes cannot be', () => {
    const t = trunkline({ authenticate: () => null });
    const entry = z.object({ text: z.string() });
    for (const search of [[], [''], 'text', [1]]) {
      expect(() => t.log([], { entry, search: search as never })).toThrow('search');
    }
    for (const bytes of [0, -1, 1.5, '1']) {
      expect(() => t.log([], { entry, retain: { bytes: bytes as never } })).toThrow('retain.bytes');
    }
  });
});
