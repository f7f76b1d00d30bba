// Searching a log: limits, rights, and what the store says.

import { BrokerUnavailableError, IndexingError } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { PublishOk, SearchOk } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, World, type WorldOptions } from './support/world.js';

const TEXT = ['text'];

async function started(options: WorldOptions = {}, count = 0) {
  const world = new World({ ...options, chat: { search: TEXT, ...options.chat } });
  const peer = await world.enter();
  for (let seq = 1; seq <= count; seq++) {
    const data = { text: `word${seq} ${seq % 2 === 0 ? 'even' : 'odd'}` };
    await peer.do<PublishOk>({ type: 'publish', stream: LOBBY, producer: 'p', seq, data });
  }
  const search = (query: string, more: object = {}) =>
    peer.ask({ type: 'search', stream: LOBBY, query, limit: 10, ...more } as Parameters<typeof peer.ask>[0]);
  return { world, peer, search };
}

const offsets = (answer: unknown) => (answer as SearchOk).items.map(({ offset }) => offset);

describe('SEA-1: a search', () => {
  it('gives what has all words, newest first, page by page', async () => {
    const { search } = await started({}, 9);
    expect(await search('odd', { limit: 3 })).toMatchObject({
      type: 'ok',
      epoch: 'epoch-1',
      head: 9,
      floor: 0,
      more: true,
    });
    expect(offsets(await search('odd', { limit: 3 }))).toEqual([9, 7, 5]);
    const rest = await search('odd', { limit: 3, before: 5 });
    expect(offsets(rest)).toEqual([3, 1]);
    expect(rest).toMatchObject({ more: false });
    expect(offsets(await search('odd word7'))).toEqual([7]);
    expect(offsets(await search(' … '))).toEqual([]);
  });

  it('has items like a page: who, when, and as they are now', async () => {
    const { search } = await started({ chat: { amend: ['edit'] } }, 2);
    expect((await search('word2')) as SearchOk).toMatchObject({
      items: [{ offset: 2, user: 'ada', producer: 'p', seq: 2, data: { text: 'word2 even' } }],
    });
  });

  it('answers with at most 64 KB, or one entry, and says that there is more', async () => {
    const { peer, search } = await started();
    for (let seq = 1; seq <= 4; seq++) {
      const data = { text: `big ${'x'.repeat(30_000)}` };
      await peer.do<PublishOk>({ type: 'publish', stream: LOBBY, producer: 'p', seq, data });
    }
    const answer = await search('big');
    expect(offsets(answer)).toEqual([4, 3]);
    expect(answer).toMatchObject({ more: true });
  });

  it('finds what was published before it on the same connection, whose answers come later', async () => {
    const { peer, search } = await started();
    const published = peer.ask({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: { text: 'soon' } });
    await published;
    expect(offsets(await search('soon'))).toEqual([1]);
  });
});

describe('SEA-2: limits of a search', () => {
  it.each([
    ['200 characters', 'x'.repeat(200), {}, 'ok'],
    ['201 characters', 'x'.repeat(201), {}, 'too_large'],
    ['8 words', 'a b c d e f g h', {}, 'ok'],
    ['9 words', 'a b c d e f g h i', {}, 'too_large'],
    ['9 words, of which one stands twice', 'a b c d e f g h A', {}, 'ok'],
    ['a limit of 100', 'x', { limit: 100 }, 'ok'],
    ['a limit of 101', 'x', { limit: 101 }, 'invalid'],
    ['a limit of 0', 'x', { limit: 0 }, 'invalid'],
    ['no text', 5 as unknown as string, {}, 'invalid'],
    ['half an offset', 'x', { before: 0.5 }, 'invalid'],
  ])('%s', async (_, query, more, expected) => {
    const { search } = await started({}, 1);
    const answer = await search(query, more);
    expect(answer).toMatchObject(expected === 'ok' ? { type: 'ok' } : { type: 'error', code: expected, retry: false });
  });
});

describe('SEA-3: who may search', () => {
  it('nobody, where the channel does not say in what', async () => {
    const world = new World();
    const peer = await world.enter();
    const asked = { type: 'search', stream: LOBBY, query: 'x', limit: 1 } as const;
    expect(await peer.ask(asked)).toMatchObject({ code: 'forbidden', retry: false });
    expect(await peer.ask({ ...asked, stream: 'quotes/nyse' })).toMatchObject({ code: 'invalid' });
    expect(await peer.ask({ ...asked, stream: 'none/x' })).toMatchObject({ code: 'unknown_channel' });
    expect(await peer.ask({ ...asked, stream: 'chat/lobby:presence' })).toMatchObject({ type: 'error' });
    expect(world.broker.calls.search).toBe(0);
  });

  it('whom the rule lets: an action of its own', async () => {
    const asked: string[] = [];
    const authorize = (_: unknown, __: unknown, action: string) => {
      asked.push(action);
      return action !== 'search';
    };
    const { search } = await started({ chat: { authorize } }, 1);
    expect(await search('word')).toMatchObject({ code: 'forbidden', message: 'you may not search this' });
    expect(asked).toContain('search');
    expect(asked).not.toContain('read');
  });

  it('not who lost the right while the store was looking', async () => {
    let may = true;
    const { world, peer } = await started({ chat: { authorize: (_, __, action) => action !== 'search' || may } }, 1);
    const open = world.broker.hold('search');
    const id = peer.request({ type: 'search', stream: LOBBY, query: 'word', limit: 1 });
    await world.settle();
    may = false;
    const judged = world.engine.revoke('ada');
    open();
    await world.settle();
    await judged;
    expect(peer.answerTo(id)).toMatchObject({ code: 'forbidden' });
  });
});

describe('SEA-4: a store that cannot answer', () => {
  it.each([
    [
      'is indexing',
      () => new IndexingError(LOBBY as never, 12_345),
      'unavailable',
      '12345 entries are not indexed yet',
    ],
    ['is away', () => new BrokerUnavailableError('gone'), 'unavailable', 'the store cannot be reached'],
    ['is broken', () => new Error('oh'), 'internal', 'log has the cause'],
  ])('%s', async (_, error, code, message) => {
    const { world, search } = await started({}, 1);
    world.broker.faults.set('search', 'before');
    world.broker.error = error;
    const answer = await search('word');
    expect(answer).toMatchObject({ type: 'error', code, retry: code === 'unavailable' });
    expect(answer).toMatchObject({ message: expect.stringContaining(message) });
  });

  it('never could', async () => {
    const { world, search } = await started({
      wrap: (broker) => forwards(broker),
    });
    Object.assign(world.broker, { search: undefined });
    expect(await search('word')).toMatchObject({ code: 'internal' });
    expect(world.logged.at(-1)).toMatchObject({ level: 'error' });
  });
});
