// What is found, in a DOM against the core's own engine: debounced, in the order of queries, page by page.

import type { Line } from '@trunkline/client';
import { useSearch } from '@trunkline/react';
import { act, type ReactElement } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ChatApp, EngineWorld } from '../../client/test/support/engine-world.js';
import { eachOnAPage, render, text } from './support/page.js';

let world: EngineWorld;
let line: Line<ChatApp>;

eachOnAPage();
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  world = new EngineWorld({ chat: { search: ['text'] } });
  for (let n = 1; n <= 9; n += 1) await world.engines[0]?.publish('chat', ['lobby'], { text: `word${n} all` });
  await world.engines[0]?.publish('chat', ['other'], { text: 'elsewhere all' });
  line = world.join('ada');
});

afterEach(() => vi.useRealTimers());

let loadMore = () => {};

function Found({ query, room = 'lobby', limit = 50 }: { query: string; room?: string; limit?: number }): ReactElement {
  const found = useSearch(line.channel.chat(room), query, { limit });
  loadMore = found.loadMore;
  const { results, pending, error, more, query: of } = found;
  const offsets = results.map(({ offset }) => offset).join(' ');
  return (
    <p>{`[${of}] ${offsets}${pending ? ' pending' : ''}${more ? ' more' : ''}${error ? ` ${error.code}` : ''}`}</p>
  );
}

const pass = (ms: number) =>
  act(async () => {
    vi.advanceTimersByTime(ms);
    await world.pass(10);
  });
const asked = () => (world.connections.length === 0 ? [] : world.last.of('search').map(({ query }) => query));

describe('useSearch', () => {
  it('asks once nobody has typed for 200 ms, and shows what was found', async () => {
    await render(<Found query="" />);
    expect(text()).toBe('[] ');
    await render(<Found query="w" />);
    await pass(100);
    await render(<Found query="word7" />);
    expect(text()).toBe('[]  pending');
    await pass(199);
    expect(asked()).toEqual([]);
    await pass(1);
    expect(asked()).toEqual(['word7']);
    expect(text()).toBe('[word7] 7');
    await render(<Found query="  word7 " />);
    await pass(500);
    expect(asked()).toEqual(['word7']);
  });

  it('keeps what was found until there is something new; never shows an answer that is no longer wanted', async () => {
    await render(<Found query="word1" />);
    await pass(200);
    expect(text()).toBe('[word1] 1');
    world.latencyMs = 5;
    await render(<Found query="word2" />);
    expect(text()).toBe('[word1] 1 pending');
    await act(() => vi.advanceTimersByTime(200));
    await render(<Found query="word3" />);
    await pass(0);
    await pass(0);
    expect(asked()).toContain('word2');
    expect(text()).toBe('[word1] 1 pending');
    world.latencyMs = 0;
    await pass(200);
    expect(text()).toBe('[word3] 3');
    await render(<Found query="" />);
    expect(text()).toBe('[] ');
  });

  it('adds older ones page by page', async () => {
    await render(<Found query="all" limit={4} />);
    await pass(200);
    expect(text()).toBe('[all] 9 8 7 6 more');
    await act(() => loadMore());
    expect(text()).toBe('[all] 9 8 7 6 pending more');
    await act(() => loadMore());
    await pass(0);
    expect(text()).toBe('[all] 9 8 7 6 5 4 3 2 more');
    await act(() => loadMore());
    await pass(0);
    expect(text()).toBe('[all] 9 8 7 6 5 4 3 2 1');
    await act(() => loadMore());
    expect(asked()).toHaveLength(3);
  });

  it('shows nothing of another log, and says what was wrong', async () => {
    await render(<Found query="all" />);
    await pass(200);
    expect(text()).toContain('9 8');
    await render(<Found query="all" room="other" />);
    expect(text()).toBe('[]  pending');
    await pass(200);
    expect(text()).toBe('[all] 1');
    await render(<Found query={'x'.repeat(201)} room="other" />);
    await pass(200);
    expect(text()).toContain('too_large');
  });
});
