// History at the client: pages, what is found, and the way back to an entry, against the core's own engine.

import { type Broker, IndexingError } from '@trunkline/broker';
import { describe, expect, it } from 'vitest';
import { EngineWorld } from './support/engine-world.js';

const SEARCHED = { chat: { search: ['text'] } };

/** A log with so many entries, a second apart. */
async function filled(count: number, world = new EngineWorld(SEARCHED)) {
  for (let n = 1; n <= count; n += 1) {
    await world.engines[0]?.publish('chat', ['lobby'], { text: `m${n} ${n % 2 === 0 ? 'even' : 'odd'}` });
    await world.pass(1_000);
  }
  const line = world.join('ada');
  return { world, line, chat: line.channel.chat('lobby') };
}

async function told<T>(world: EngineWorld, promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await world.pass(100);
  const result = await Promise.race([settled, Promise.resolve({ error: new Error('no answer yet') })]);
  if ('error' in result) throw result.error;
  return result.value;
}

const offsets = (page: { readonly entries: readonly { readonly offset: number }[] }) =>
  page.entries.map(({ offset }) => offset);

describe('read', () => {
  it('gives pages by place that join, and touches nothing that is shown', async () => {
    const { world, chat } = await filled(20);
    const close = chat.open({ last: 3 });
    await world.pass(100);
    const shown = chat.snapshot();
    const page = await told(world, chat.read({ before: 15, limit: 4 }));
    expect(offsets(page)).toEqual([11, 12, 13, 14]);
    expect(page).toMatchObject({ from: 10, to: 14, hasOlder: true, hasNewer: true });
    expect(page.entries[0]).toMatchObject({ data: { text: 'm11 odd' }, user: undefined, reactions: {} });
    expect(offsets(await told(world, chat.read({ before: page.from + 1, limit: 4 })))).toEqual([7, 8, 9, 10]);
    expect(offsets(await told(world, chat.read({ after: page.to, limit: 4 })))).toEqual([15, 16, 17, 18]);
    const first = await told(world, chat.read({ before: 3 }));
    expect(first).toMatchObject({ from: 0, to: 2, hasOlder: false, hasNewer: true });
    const last = await told(world, chat.read({ after: 18 }));
    expect(last).toMatchObject({ from: 18, to: 20, hasOlder: true, hasNewer: false });
    expect(await told(world, chat.read({ after: 20 }))).toMatchObject({
      entries: [],
      from: 20,
      to: 20,
      hasNewer: false,
    });
    expect(chat.snapshot()).toBe(shown);
    close();
  });

  it('gives the page of a time, as milliseconds or a Date', async () => {
    const { world, chat } = await filled(8);
    const all = await told(world, chat.read({ after: 0 }));
    const third = all.entries[2]?.at ?? 0;
    const page = await told(world, chat.read({ at: third, limit: 2 }));
    expect(offsets(page)).toEqual([3, 4]);
    expect(page).toMatchObject({ from: 2, to: 4, hasOlder: true, hasNewer: true });
    expect(offsets(await told(world, chat.read({ at: new Date(third + 1) })))).toEqual([4, 5, 6, 7, 8]);
    expect(await told(world, chat.read({ at: third + 1e9 }))).toMatchObject({ entries: [], from: 8, to: 8 });
  });

  it('leaves records out, and shows entries as they are now', async () => {
    const { world, chat } = await filled(3, new EngineWorld({ chat: { amend: ['edit', 'delete', 'react'] } }));
    await world.engines[0]?.amender.amendAsServer({
      ...{ stream: 'chat/lobby' as never, params: ['lobby'], offset: 1, change: { edit: { text: 'new' } } },
      channel: world.engines[0].app.channels.get('chat') as never,
    });
    const page = await told(world, chat.read({ after: 0 }));
    expect(page.entries.map(({ data }) => data?.text)).toEqual(['new', 'm2 even', 'm3 odd']);
    expect(page).toMatchObject({ from: 0, to: 4, hasNewer: false });
  });

  it('waits for a connection, asks again over a lost link, and tells what the server refuses', async () => {
    const { world, chat } = await filled(3);
    const page = chat.read({ before: 3 });
    // On its way when the link is lost.
    world.latencyMs = 50;
    await world.pass(60);
    world.last.drop();
    world.latencyMs = 0;
    await world.pass(5_000);
    expect(offsets(await told(world, page))).toEqual([1, 2]);
    await expect(told(world, chat.read({ before: 3, limit: 5_000 }))).rejects.toMatchObject({ code: 'invalid' });
    await expect(told(world, chat.read({ before: 3, epoch: 'other' }))).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('search', () => {
  it('finds page by page, newest first', async () => {
    const { world, chat } = await filled(9);
    const page = await told(world, chat.search('odd', { limit: 3 }));
    expect(offsets(page)).toEqual([9, 7, 5]);
    expect(page.more).toBe(true);
    const rest = await told(world, chat.search('odd', { limit: 3, before: page.entries.at(-1)?.offset }));
    expect(offsets(rest)).toEqual([3, 1]);
    expect(rest.more).toBe(false);
    expect(rest.entries[0]?.data).toEqual({ text: 'm3 odd' });
  });

  it('is refused where the channel is not searched, and asked again while the store indexes', async () => {
    const bare = await filled(1, new EngineWorld());
    await expect(told(bare.world, bare.chat.search('m1'))).rejects.toMatchObject({ code: 'forbidden' });
    const { world, chat } = await filled(1);
    const broker = world.broker as Broker & { search: (...args: never[]) => Promise<unknown> };
    const { search } = broker;
    let refusals = 0;
    broker.search = async (...args) => {
      refusals += 1;
      if (refusals < 3) throw new IndexingError('chat/lobby' as never, 20_000);
      return search.apply(broker, args);
    };
    const found = chat.search('m1');
    await world.pass(10_000);
    expect(offsets(await told(world, found))).toEqual([1]);
    expect(refusals).toBe(3);
  });
});

describe('reach', () => {
  it('loads older pages until the entry is shown', async () => {
    const { world, chat } = await filled(60);
    const close = chat.open({ last: 5 });
    await world.pass(100);
    expect(offsets(chat.snapshot())).toEqual([56, 57, 58, 59, 60]);
    const reached = chat.reach(42);
    await world.pass(1_000);
    expect(await told(world, reached)).toBe('here');
    expect(offsets(chat.snapshot())).toContain(42);
    expect(await told(world, chat.reach(58))).toBe('here');
    close();
  });

  it('says that an entry is gone: trimmed, a record, or not there yet', async () => {
    const world = new EngineWorld({ chat: { retain: { entries: 10 }, amend: ['edit'] } });
    const { chat } = await filled(20, world);
    const close = chat.open({ last: 5 });
    await world.pass(100);
    const trimmed = chat.reach(3);
    await world.pass(1_000);
    expect(await told(world, trimmed)).toBe('gone');
    expect(await told(world, chat.reach(99))).toBe('gone');
    close();
  });

  it('loads at most so many, and says that it is far', async () => {
    const { world, chat } = await filled(60);
    const close = chat.open({ last: 5 });
    await world.pass(100);
    const reached = chat.reach(2, 20);
    await world.pass(1_000);
    expect(await told(world, reached)).toBe('far');
    expect(chat.snapshot().entries).toHaveLength(25);
    const again = chat.reach(2);
    await world.pass(1_000);
    expect(await told(world, again)).toBe('here');
    close();
  });

  it('is gone where the log is refused', async () => {
    const { world, chat } = await filled(3, new EngineWorld({ chat: { authorize: () => false } }));
    const reached = chat.reach(1);
    await world.pass(1_000);
    expect(await told(world, reached)).toBe('gone');
  });
});
