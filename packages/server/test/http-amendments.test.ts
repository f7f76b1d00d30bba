// Amending over HTTP, and what readers over HTTP are given.

import { memoryBroker } from '@trunkline/broker';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { refuse, serve, trunkline } from '../src/index.js';

const KEY = 'k'.repeat(32);
const closing: { close(): Promise<unknown> }[] = [];
afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

async function start() {
  const t = trunkline({ authenticate: ({ token }) => (token === undefined ? null : { id: token }) });
  const chat = t.log(['room'], {
    entry: z.object({ text: z.string() }),
    amend: ['edit', 'delete', 'react'],
    onPublish: ({ entry, edits }) => {
      if (entry.text === 'rude') return refuse('rude');
      return edits === undefined ? undefined : { text: `${entry.text} (was ${JSON.stringify(edits.data)})` };
    },
  });
  const plain = t.log([], { entry: z.string() });
  const trunk = await serve(t.app({ channels: { chat, plain } }), {
    port: 0,
    broker: memoryBroker(),
    log: { warn: () => {}, error: () => {} },
    apiKeys: { tests: KEY },
  });
  closing.push(trunk);
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    token = 'ada',
  ) => {
    const response = await fetch(`${trunk.url.replace(/^ws/, 'http').replace(/\/line$/, '')}/v1/channels/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, etag: response.headers.get('etag'), body: text === '' ? null : JSON.parse(text) };
  };
  const publish = async (text: string, token = 'ada') =>
    (await ask('POST', 'chat/lobby/entries', { text }, {}, token)).body.offset as number;
  return { trunk, ask, publish };
}

describe('entries over HTTP', () => {
  it('are edited with PATCH through schema and hook, and read as they are now', async () => {
    const { ask, publish } = await start();
    await publish('helo');
    const edited = await ask('PATCH', 'chat/lobby/entries/1', { text: 'hello' });
    expect(edited).toMatchObject({ status: 200, body: { offset: 2, at: expect.any(Number) } });
    const data = { text: 'hello (was {"text":"helo"})' };
    const now = { data, editedAt: edited.body.at };
    const newest = await ask('GET', 'chat/lobby/entries');
    expect(newest.body.items).toEqual([{ offset: 1, at: expect.any(Number), user: 'ada', ...now }]);
    const all = await ask('GET', 'chat/lobby/entries?after=0');
    expect(all.body.items[1]).toEqual({ offset: 2, at: edited.body.at, user: 'ada', amends: { offset: 1, ...now } });
    expect((await ask('PATCH', 'chat/lobby/entries/1', { text: 'rude' })).body.error).toMatchObject({
      refusal: 'rude',
    });
    expect(await ask('PATCH', 'chat/lobby/entries/1', { txt: 1 })).toMatchObject({ status: 422 });
  });

  it('have other tags after each amendment, and are waited for', async () => {
    const { ask, publish } = await start();
    await publish('one');
    const { etag } = await ask('GET', 'chat/lobby/entries');
    const read = () => ask('GET', 'chat/lobby/entries', undefined, { 'if-none-match': etag ?? '' });
    expect((await read()).status).toBe(304);
    const waiting = ask('GET', 'chat/lobby/entries?after=1&wait=20');
    await ask('PUT', `chat/lobby/entries/1/reactions/${encodeURIComponent('👍')}`);
    expect((await read()).status).toBe(200);
    expect((await waiting).body.items).toMatchObject([
      { offset: 2, amends: { offset: 1, reactions: { '👍': ['ada'] } } },
    ]);
  });

  it('have reactions, whatever text those are', async () => {
    const { ask, publish } = await start();
    await publish('one');
    const at = (reaction: string) => `chat/lobby/entries/1/reactions/${encodeURIComponent(reaction)}`;
    const odd = ['👍', 'a/b', '__proto__', '%', 'constructor'];
    for (const reaction of odd) expect((await ask('PUT', at(reaction))).status).toBe(200);
    await ask('PUT', at('👍'), undefined, {}, 'bob');
    const read = async () => (await ask('GET', 'chat/lobby/entries')).body.items[0].reactions;
    expect(Object.entries(await read())).toEqual(
      odd.map((reaction) => [reaction, reaction === '👍' ? ['ada', 'bob'] : ['ada']]),
    );
    const { body: first } = await ask('PUT', at('👍'));
    expect((await ask('PUT', at('👍'))).body.offset).toBe(first.offset);
    for (const reaction of odd) expect((await ask('DELETE', at(reaction))).status).toBe(200);
    expect(await read()).toEqual({ '👍': ['bob'] });
    expect((await ask('PUT', at('x'.repeat(64)))).status).toBe(200);
    expect(await ask('PUT', at('x'.repeat(65)))).toMatchObject({ status: 400, body: { error: { code: 'invalid' } } });
  });

  it('are deleted: nothing of them is left, and nothing more can be done to them', async () => {
    const { ask, publish } = await start();
    await publish('secret');
    await ask('PATCH', 'chat/lobby/entries/1', { text: 'secret too' });
    const { status, body } = await ask('DELETE', 'chat/lobby/entries/1');
    expect(status).toBe(200);
    const page = await ask('GET', 'chat/lobby/entries?after=0');
    expect(JSON.stringify(page.body)).not.toContain('secret');
    expect(page.body.items[0]).toEqual({
      offset: 1,
      at: expect.any(Number),
      user: 'ada',
      data: null,
      deletedAt: body.at,
    });
    for (const [method, sent] of [['PATCH', { text: 'x' }], ['DELETE']] as const) {
      expect(await ask(method, 'chat/lobby/entries/1', sent)).toMatchObject({
        status: 409,
        body: { error: { code: 'conflict' } },
      });
    }
    expect((await ask('PUT', 'chat/lobby/entries/1/reactions/x')).status).toBe(409);
  });

  it('are amended once for an Idempotency-Key', async () => {
    const { ask, publish } = await start();
    await publish('one');
    const edit = (text: string) => ask('PATCH', 'chat/lobby/entries/1', { text }, { 'idempotency-key': 'edit-1' });
    const first = await edit('two');
    expect((await edit('three')).body).toEqual(first.body);
    expect((await ask('GET', 'chat/lobby/entries')).body).toMatchObject({ head: 2 });
  });

  it('belong to who published them; an API key may amend all, a channel without `amend` allows nothing', async () => {
    const { ask, publish, trunk } = await start();
    await publish('of ada');
    expect(await ask('PATCH', 'chat/lobby/entries/1', { text: 'x' }, {}, 'bob')).toMatchObject({ status: 403 });
    expect(await ask('DELETE', 'chat/lobby/entries/1', undefined, {}, 'bob')).toMatchObject({ status: 403 });
    expect(await ask('PUT', 'chat/lobby/entries/1/reactions/x', undefined, {}, 'bob')).toMatchObject({ status: 200 });
    expect(await ask('PATCH', 'chat/lobby/entries/1', { text: 'by the back end' }, {}, KEY)).toMatchObject({
      status: 200,
    });
    expect((await ask('GET', 'chat/lobby/entries')).body.items[0].data).toEqual({ text: 'by the back end' });
    for (const offset of ['2', '9', String(Number.MAX_SAFE_INTEGER)]) {
      expect((await ask('DELETE', `chat/lobby/entries/${offset}`)).status).toBe(404);
    }
    for (const path of ['0', '-1', 'x', '1/reactions', '1/reactions/a/b', '1/more/x']) {
      expect((await ask('DELETE', `chat/lobby/entries/${path}`)).status).toBe(404);
    }
    expect((await ask('PUT', 'chat/lobby/entries/1', { text: 'x' })).status).toBe(405);
    await ask('POST', 'plain/entries', 'one');
    for (const [method, path, body] of [
      ['PATCH', '1', 'x'],
      ['DELETE', '1'],
      ['PUT', '1/reactions/x'],
    ] as const) {
      expect(await ask(method, `plain/entries/${path}`, body)).toMatchObject({ status: 403 });
    }
    await expect(
      (trunk.channel as never as { plain(): { delete(offset: number): Promise<void> } }).plain().delete(1),
    ).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('are amended by server code', async () => {
    const { ask, publish, trunk } = await start();
    await publish('one');
    const lobby = (
      trunk.channel as never as {
        chat(room: string): { [verb: string]: (offset: number, what?: unknown) => Promise<{ offset: number }> };
      }
    ).chat('lobby');
    expect(await lobby.edit?.(1, { text: 'two' })).toMatchObject({ offset: 2 });
    expect(await lobby.react?.(1, '👀')).toMatchObject({ offset: 3 });
    expect((await ask('GET', 'chat/lobby/entries')).body.items[0]).toMatchObject({
      data: { text: 'two' },
      reactions: { '👀': [''] },
    });
    expect(await lobby.unreact?.(1, '👀')).toMatchObject({ offset: 4 });
    await expect(lobby.react?.(1, '')).rejects.toMatchObject({ code: 'invalid' });
    expect(await lobby.delete?.(1)).toMatchObject({ offset: 5 });
    await expect(lobby.edit?.(7, { text: 'x' })).rejects.toMatchObject({ code: 'not_found' });
  });
});
