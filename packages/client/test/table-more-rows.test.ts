// A table of whose rows more are wanted than before: a view is `live` only when all that it asked for is here (TAB-4, TAB-6).

import type { TableSnapshot } from '@trunkline/client';
import { describe, expect, it } from 'vitest';
import { filled, type Quote } from './support/engine-world.js';

describe('who asks for more rows', () => {
  /** What a view says each time that it tells, and that it says so now. */
  function watch(view: { snapshot(): TableSnapshot<Quote>; subscribe(onChange: () => void): () => void }) {
    const told: string[] = [];
    const now = () => `${view.snapshot().state} ${view.snapshot().rows.size}`;
    return { told, now, leave: view.subscribe(() => told.push(now())) };
  }

  it('is live when all rows are here, and not before the server was asked', async () => {
    const { world, quotes } = await filled(5);
    world.latencyMs = 20;
    const some = watch(quotes.view({ keys: ['k1', 'k2'] }));
    await world.pass(200);
    expect(some.now()).toBe('live 2');
    const all = watch(quotes.view());
    const shared = watch({ snapshot: quotes.snapshot, subscribe: (onChange) => quotes.subscribe(onChange) });
    expect([all.now(), shared.now()]).toEqual(['catching up 2', 'catching up 2']);
    await world.pass(30);
    expect([all.now(), shared.now()]).toEqual(['catching up 2', 'catching up 2']);
    await world.pass(200);
    expect([all.now(), shared.now(), some.now()]).toEqual(['live 5', 'live 5', 'live 2']);
    expect(all.told.filter((word) => word.startsWith('live'))).toEqual(['live 5']);
    expect(shared.told.filter((word) => word.startsWith('live'))).toEqual(['live 5']);
  });

  it('of one watch list is live when the last of them is here, and who had theirs hears nothing of it', async () => {
    const { world, quotes } = await filled(0);
    world.latencyMs = 20;
    const pad = 'x'.repeat(30_000);
    for (let i = 0; i < 8; i++) await world.change({ key: `k${i}`, set: { n: i, pad } as Quote });
    const first = watch(quotes.view({ keys: ['k0', 'nobody'] }));
    await world.pass(2_000);
    expect(first.now()).toBe('live 1');
    first.told.length = 0;
    const more = watch(quotes.view({ keys: ['k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'no one', ''] }));
    const row = quotes.row('k7');
    expect([more.now(), quotes.snapshot().state]).toEqual(['catching up 0', 'catching up']);
    await world.pass(5_000);
    expect(world.last.sent.filter(({ type }) => type === 'rows').length).toBeGreaterThan(3);
    expect(new Set(more.told)).toEqual(
      new Set([...more.told.slice(0, -1).filter((w) => /^catching/.test(w)), 'live 7']),
    );
    expect([more.now(), quotes.snapshot().state]).toEqual(['live 7', 'live']);
    expect(row.snapshot()?.n).toBe(7);
    expect(first.told).toEqual([]);
  });

  it('as one row: the handle says whether it is known that there is none', async () => {
    const { world, quotes } = await filled(1);
    world.latencyMs = 20;
    quotes.row('k1').subscribe(() => {});
    await world.pass(200);
    expect(quotes.snapshot().state).toBe('live');
    const leave = quotes.row('nobody').subscribe(() => {});
    expect(quotes.snapshot().state).toBe('catching up');
    // Whose wish is taken back before it was told leaves nothing behind.
    leave();
    expect(quotes.snapshot().state).toBe('live');
    quotes.row('nobody').subscribe(() => {});
    await world.pass(30);
    expect(quotes.snapshot().state).toBe('catching up');
    await world.pass(30);
    expect(quotes.snapshot().state).toBe('live');
    expect(world.last.of('tune')).toHaveLength(1);
  });

  it('and is paused gets them once', async () => {
    const { world, quotes } = await filled(3);
    quotes.open({ keys: ['k1'], paused: true });
    await world.pass();
    const more = watch(quotes.view({ keys: ['k1', 'k2'], paused: true }));
    await world.pass(1_000);
    expect(more.now()).toBe('live 2');
    const all = watch(quotes.view({ paused: true }));
    await world.pass(1_000);
    expect(all.now()).toBe('live 3');
    all.leave();
    await world.pass(1_000);
    expect(more.now()).toBe('live 2');
    expect(world.last.of('tune').at(-1)).toMatchObject({ paused: true });
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass(1_000);
    expect(quotes.row('k1').snapshot()).toEqual({ n: 1 });
  });
});
