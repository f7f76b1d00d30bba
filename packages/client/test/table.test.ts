// What a table shows, what it asks the server for, and what a client changes in it, against the core's own engine.

import { describe, expect, it } from 'vitest';
import { filled, type Quote } from './support/engine-world.js';

const plain = (rows: ReadonlyMap<string, Quote>) => Object.fromEntries([...rows].sort());

describe('a table', () => {
  it('opens nothing by itself, and goes from connecting to live in one message each way', async () => {
    const { world, quotes } = await filled(3);
    quotes.view({ keys: ['k1'] }).snapshot();
    quotes.row('k1').snapshot();
    await world.pass(60_000);
    expect(world.connections).toHaveLength(0);
    const states: string[] = [];
    quotes.subscribe(() => states.push(`${quotes.snapshot().state} ${quotes.snapshot().rows.size}`));
    expect(quotes.snapshot()).toMatchObject({ state: 'connecting', error: undefined });
    await world.pass();
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(quotes.snapshot().state).toBe('live');
    expect(plain(quotes.snapshot().rows)).toEqual({ k1: { n: 1 }, k2: { n: 2 }, k3: { n: 3 } });
    // TAB-5: until `synced` nothing of a snapshot is seen.
    expect(new Set(states)).toEqual(
      new Set(['connecting 0', 'catching up 0', 'live 3'].filter((s) => states.includes(s))),
    );
    expect(states.at(-1)).toBe('live 3');
  });

  it('shows changes, and keeps the object of each row that did not change', async () => {
    const { world, quotes } = await filled(3);
    quotes.open();
    await world.pass();
    const before = quotes.snapshot();
    await world.change({ key: 'k1', patch: { bid: 7 } }, { key: 'k2', delete: true }, { key: 'k4', set: { n: 4 } });
    await world.pass();
    const now = quotes.snapshot();
    expect(plain(now.rows)).toEqual({ k1: { n: 1, bid: 7 }, k3: { n: 3 }, k4: { n: 4 } });
    expect(now.rows.get('k3')).toBe(before.rows.get('k3'));
    expect(plain(before.rows)).toEqual({ k1: { n: 1 }, k2: { n: 2 }, k3: { n: 3 } });
    await world.pass(10_000);
    expect(quotes.snapshot()).toBe(now);
  });

  it('removes fields, and takes keys and fields with any name as data', async () => {
    const { world, quotes } = await filled(0);
    quotes.open();
    await world.change({ key: '__proto__', set: JSON.parse('{"n":1,"__proto__":{"x":1},"constructor":2}') });
    await world.pass();
    expect(JSON.stringify(quotes.snapshot().rows.get('__proto__'))).toBe('{"n":1,"__proto__":{"x":1},"constructor":2}');
    await world.change({ key: '__proto__', patch: { n: 2 }, unset: ['__proto__', 'constructor'] });
    await world.pass();
    expect(JSON.stringify(quotes.snapshot().rows.get('__proto__'))).toBe('{"n":2}');
  });

  it('resumes from its position and shows what it had meanwhile (TAB-5)', async () => {
    const { world, quotes } = await filled(3);
    quotes.open();
    await world.pass();
    const before = quotes.snapshot().rows.get('k1');
    world.last.drop();
    expect(quotes.snapshot()).toMatchObject({ state: 'offline' });
    expect(quotes.snapshot().rows.size).toBe(3);
    await world.change({ key: 'k2', patch: { bid: 1 } });
    await world.pass(3_000);
    expect(world.connections).toHaveLength(2);
    expect(world.last.of('subscribe')[0]).toMatchObject({ after: { offset: 1 } });
    expect(world.last.sent.filter(({ type }) => type === 'rows')).toMatchObject([
      { from: 1, to: 2, patch: { k2: { bid: 1 } } },
    ]);
    expect(quotes.snapshot().state).toBe('live');
    expect(quotes.snapshot().rows.get('k1')).toBe(before);
    expect(quotes.snapshot().rows.get('k2')).toEqual({ n: 2, bid: 1 });
  });

  it('swaps another history in at once, and rows that are equal keep their objects', async () => {
    const { world, quotes } = await filled(3);
    quotes.open();
    await world.pass();
    const before = quotes.snapshot().rows.get('k1');
    await world.broker.remove('quotes/nyse' as never);
    await world.change({ key: 'k1', set: { n: 1 } }, { key: 'k9', set: { n: 9 } });
    const sizes = new Set<number>();
    quotes.subscribe(() => sizes.add(quotes.snapshot().rows.size));
    await world.pass(3_000);
    expect(plain(quotes.snapshot().rows)).toEqual({ k1: { n: 1 }, k9: { n: 9 } });
    expect(quotes.snapshot().rows.get('k1')).toBe(before);
    expect([...sizes].filter((size) => size < 2)).toEqual([]);
  });

  it('shows a large table only when all of its parts are here (TAB-4)', async () => {
    const { world, quotes } = await filled(0);
    world.latencyMs = 20;
    const pad = 'x'.repeat(1_000);
    for (let i = 0; i < 300; i++) await world.change({ key: `k${i}`, set: { n: i, pad } });
    const sizes = new Set<number>();
    quotes.subscribe(() => sizes.add(quotes.snapshot().rows.size));
    await world.pass(10_000);
    expect(world.last.sent.filter(({ type }) => type === 'rows').length).toBeGreaterThan(3);
    expect([...sizes].sort()).toEqual([0, 300]);
    expect(quotes.snapshot().state).toBe('live');
  });

  it('asks again from its position when a slice does not join, from scratch when a row is missing', async () => {
    const { world, quotes } = await filled(3);
    quotes.open();
    await world.pass();
    const ch = world.last.sent.flatMap((message) => (message.type === 'rows' ? [message.ch] : []))[0];
    world.last.inject({ type: 'rows', ch, from: 0, to: 1, set: { k1: { n: 99 } } });
    await world.pass();
    expect(world.problems).toEqual([]);
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1 });
    world.last.inject({ type: 'rows', ch, from: 4, to: 5, set: { k1: { n: 99 } } });
    await world.pass();
    expect(world.last.of('subscribe').at(-1)).toMatchObject({ after: { offset: 1 } });
    expect(quotes.snapshot()).toMatchObject({ state: 'live' });
    world.last.inject({ type: 'rows', ch, from: 1, to: 2, patch: { nobody: { n: 1 }, k1: { n: 99 } } });
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1 });
    await world.pass();
    expect(world.last.of('subscribe').at(-1)?.after).toBeUndefined();
    expect(plain(quotes.snapshot().rows)).toEqual({ k1: { n: 1 }, k2: { n: 2 }, k3: { n: 3 } });
    const words = world.problems.map(({ message }) => message).filter((message) => !message.startsWith('seen'));
    expect(words).toEqual(Array(2).fill('quotes/nyse: a slice does not fit'));
  });
});

describe('what is asked for', () => {
  it('is one subscription, and one tune for a thousand who come and go in one turn', async () => {
    const { world, quotes, keys } = await filled(1_000);
    quotes.row('k1').subscribe(() => {});
    await world.pass();
    const leaves = keys.map((key) => quotes.row(key).subscribe(() => {}));
    await world.pass();
    expect(world.last.of('subscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toHaveLength(1);
    expect(world.last.of('tune')[0]?.keys).toHaveLength(1_000);
    expect(quotes.snapshot().rows.size).toBe(1_000);
    for (const leave of leaves.slice(0, 999)) leave();
    await world.pass();
    expect(world.last.of('tune')).toHaveLength(2);
    expect(new Set(world.last.of('tune')[1]?.keys)).toEqual(new Set(['k1', 'k1000']));
    expect([...quotes.snapshot().rows.keys()].sort()).toEqual(['k1', 'k1000']);
  });

  it('is the union of the keys at the highest rate', async () => {
    const { world, quotes } = await filled(5);
    quotes.open({ keys: ['k1', 'k2'], ratePerSecond: 2 });
    const leave = quotes.open({ keys: ['k2', 'k3'], ratePerSecond: 10 });
    await world.pass();
    expect(world.last.of('subscribe')[0]).toMatchObject({ rate: 10 });
    expect(new Set(world.last.of('subscribe')[0]?.keys)).toEqual(new Set(['k1', 'k2', 'k3']));
    leave();
    await world.pass();
    expect(world.last.of('tune')).toMatchObject([{ rate: 2, keys: ['k1', 'k2'] }]);
    quotes.open();
    await world.pass(1_000);
    expect(world.last.of('tune')[1]).toMatchObject({ rate: null, keys: null });
    expect(quotes.snapshot().rows.size).toBe(5);
  });

  it('is all rows where more keys are wanted than the server takes', async () => {
    const { world, quotes } = await filled(5, { limits: { maxKeys: 2 } });
    world.line.open();
    await world.pass();
    const { snapshot, subscribe } = quotes.view({ keys: ['k1', 'k2', 'k3'] });
    subscribe(() => {});
    await world.pass();
    expect(world.last.of('subscribe')[0]?.keys).toBeUndefined();
    expect([...snapshot().rows.keys()]).toEqual(['k1', 'k2', 'k3']);
    expect(quotes.snapshot().rows.size).toBe(5);
  });

  it('is all rows too where the limit was not known when it was asked for', async () => {
    const { world, quotes } = await filled(5, { limits: { maxKeys: 2 } });
    quotes.view({ keys: ['k1', 'k2', 'k3'] }).subscribe(() => {});
    await world.pass();
    expect(world.last.of('subscribe').map(({ keys }) => keys?.length)).toEqual([3, undefined]);
    expect(quotes.snapshot()).toMatchObject({ state: 'live' });
  });

  it.each([
    [999, 999],
    [1_000, 1_000],
    [1_001, undefined],
  ])('of %i keys names %s', async (count, named) => {
    const { world, quotes } = await filled(1);
    quotes.open({ keys: Array.from({ length: count }, (_, i) => `k${i}`) });
    await world.pass();
    expect(world.last.of('subscribe').map(({ keys }) => keys?.length)).toEqual([named]);
    expect(quotes.snapshot()).toMatchObject({ state: 'live' });
  });

  it('is nothing while all are paused, but once what there is', async () => {
    const { world, quotes } = await filled(2);
    const leave = quotes.open({ paused: true });
    await world.pass();
    expect(quotes.snapshot()).toMatchObject({ state: 'live' });
    expect(world.last.of('tune')).toMatchObject([{ paused: true }]);
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass(5_000);
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1 });
    quotes.open();
    leave();
    await world.pass();
    expect(world.last.of('tune')[1]).toMatchObject({ paused: false });
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1, bid: 1 });
  });

  it('names the keys that it held (TAB-6)', async () => {
    const { world, quotes } = await filled(5);
    const leave = quotes.open({ keys: ['k1', 'k2'] });
    await world.pass();
    quotes.open({ keys: ['k2', 'k3'] });
    leave();
    await world.pass();
    world.last.drop();
    await world.change({ key: 'k2', patch: { bid: 2 } }, { key: 'k3', delete: true });
    await world.pass(3_000);
    expect(world.last.of('subscribe')[0]).toMatchObject({ after: { offset: 1 }, held: ['k2', 'k3'] });
    expect(plain(quotes.snapshot().rows)).toEqual({ k2: { n: 2, bid: 2 } });
    const { last } = world;
    last.onDelivered = (message) => {
      if (message.type === 'ok' && message.id === last.of('tune')[0]?.id) last.drop();
    };
    quotes.open({ keys: ['k4'] });
    await world.pass(3_000);
    // Whether there is a k4 was not heard.
    expect(world.last.of('subscribe')[0]).toMatchObject({
      after: { offset: 2 },
      keys: ['k2', 'k3', 'k4'],
      held: ['k2', 'k3'],
    });
    expect(plain(quotes.snapshot().rows)).toEqual({ k2: { n: 2, bid: 2 }, k4: { n: 4 } });
  });

  it('begins anew after a watch list began or ended', async () => {
    const { world, quotes } = await filled(5);
    world.latencyMs = 10;
    quotes.open({ keys: ['k1'] });
    await world.pass(100);
    quotes.open();
    await world.pass(10);
    world.last.drop();
    await world.pass(3_000);
    expect(world.last.of('subscribe')[0]).not.toHaveProperty('keys');
    expect(world.last.of('subscribe')[0]).not.toHaveProperty('after');
    expect(quotes.snapshot().rows.size).toBe(5);
  });

  it('begins anew too if the line is lost between the answer and the snapshot', async () => {
    const { world, quotes } = await filled(5);
    const leave = quotes.open({ keys: ['k1'] });
    await world.pass();
    const { last } = world;
    last.onDelivered = (message) => {
      if (message.type === 'ok' && message.id === last.of('tune')[0]?.id) last.drop();
    };
    quotes.open();
    leave();
    await world.pass(3_000);
    expect(last.of('tune')).toMatchObject([{ keys: null }]);
    expect(world.last.of('subscribe')[0]).not.toHaveProperty('after');
    expect(quotes.snapshot().rows.size).toBe(5);
  });

  it('keeps no row that left the list unseen (TAB-6)', async () => {
    const { world, quotes } = await filled(3);
    const leave = quotes.open({ keys: ['k1'] });
    await world.pass();
    const { last } = world;
    last.onDelivered = (message) => {
      if (message.type === 'ok' && message.id === last.of('tune')[0]?.id) last.drop();
    };
    quotes.open({ keys: ['k2'] });
    leave();
    await world.pass();
    await world.change({ key: 'k1', delete: true });
    await world.pass(3_000);
    expect(plain(quotes.snapshot().rows)).toEqual({ k2: { n: 2 } });
    quotes.open({ keys: ['k1'] });
    await world.pass(1_000);
    expect(plain(quotes.snapshot().rows)).toEqual({ k2: { n: 2 } });
  });

  it('tells what changed while a tune was on its way with the next one', async () => {
    const { world, quotes } = await filled(1);
    world.latencyMs = 20;
    quotes.open({ keys: ['k1'] });
    await world.pass(200);
    quotes.open({ keys: ['x'] });
    await world.pass(5);
    quotes.open({ keys: ['y'] });
    quotes.open({ keys: ['z'] });
    await world.pass(200);
    expect(world.last.of('tune').map(({ keys }) => keys)).toEqual([
      ['k1', 'x'],
      ['k1', 'x', 'y', 'z'],
    ]);
    await world.change({ key: 'z', set: { n: 9 } });
    await world.pass(100);
    expect(quotes.row('z').snapshot()).toEqual({ n: 9 });
    // An answer that no slice follows.
    world.last.received.length = 0;
    const leave = quotes.open({ keys: ['x'], paused: true });
    world.network.say('hidden');
    await world.pass(5);
    world.network.say('wake');
    leave();
    await world.pass(200);
    expect(world.last.of('tune')).toMatchObject([{ rate: 1 }, { rate: null }]);
  });

  it('is paused only when what there is has come', async () => {
    const { world, quotes } = await filled(0);
    const pad = 'x'.repeat(1_000);
    for (let i = 0; i < 300; i++) await world.change({ key: `k${i}`, set: { n: i, pad } });
    world.latencyMs = 20;
    quotes.open({ paused: true });
    await world.pass(10_000);
    expect(quotes.snapshot()).toMatchObject({ state: 'live' });
    expect(quotes.snapshot().rows.size).toBe(300);
    expect(world.last.of('tune')).toMatchObject([{ paused: true }]);
  });

  it('is asked for anew when a tune is refused', async () => {
    const { world, quotes } = await filled(3);
    quotes.open({ keys: ['k1'] });
    await world.pass();
    const { last } = world;
    last.intercept = (message) => {
      if (message.type !== 'tune') return false;
      last.inject({ type: 'error', id: message.id, code: 'internal', message: 'no', retry: true, outcome: 'refused' });
      return true;
    };
    quotes.open({ keys: ['k2'] });
    await world.pass(1_000);
    expect(last.of('unsubscribe')).toHaveLength(1);
    expect(last.of('subscribe')[1]).toMatchObject({ keys: ['k1', 'k2'], held: ['k1'] });
    expect(plain(quotes.snapshot().rows)).toEqual({ k1: { n: 1 }, k2: { n: 2 } });
  });

  it('that was refused is asked for again by whoever comes, with what they want', async () => {
    const { world, quotes } = await filled(3);
    world.line.open();
    await world.pass();
    const { last } = world;
    last.intercept = (message) => {
      if (message.type !== 'subscribe') return false;
      last.inject({
        type: 'error',
        id: message.id,
        code: 'forbidden',
        message: 'no',
        retry: false,
        outcome: 'refused',
      });
      return true;
    };
    const leave = quotes.open();
    await world.pass();
    expect(quotes.snapshot().state).toBe('refused');
    leave();
    last.intercept = () => false;
    const shown: string[] = [];
    quotes.subscribe(() => shown.push(`${quotes.snapshot().state} ${quotes.snapshot().rows.size}`));
    await world.pass();
    expect(last.of('subscribe').map(({ keys }) => keys)).toEqual([undefined]);
    expect(last.of('tune')).toEqual([]);
    expect(shown.filter((state) => state.startsWith('live'))).toContain('live 3');
    expect(shown).not.toContain('live 0');
  });

  it('ignores keys that no row can have, and refuses rates that are none', async () => {
    const { world, quotes } = await filled(1);
    const leave = quotes.open({ keys: ['', 'ä'.repeat(129), 'ä'.repeat(128), 'k1'] });
    await world.pass();
    expect(world.last.of('subscribe')[0]?.keys).toEqual(['ä'.repeat(128), 'k1']);
    expect(quotes.snapshot().state).toBe('live');
    let calls = 0;
    for (const ratePerSecond of [0, -1, Number.NaN]) {
      expect(() => quotes.open({ ratePerSecond })).toThrow(RangeError);
      expect(() => quotes.subscribe(() => calls++, { ratePerSecond })).toThrow(RangeError);
      expect(() => quotes.view({ ratePerSecond }).subscribe(() => calls++)).toThrow(RangeError);
      expect(() => quotes.row('k1', { ratePerSecond }).subscribe(() => calls++)).toThrow(RangeError);
    }
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass();
    expect(calls).toBe(0);
    quotes.open({ ratePerSecond: 1_000 });
    leave();
    await world.pass(1_000);
    expect(world.last.of('tune').at(-1)).toMatchObject({ rate: 100 });
  });

  it('goes on over a reconnect with what was wanted last, while it lingers', async () => {
    const { world, quotes } = await filled(3);
    // Something else needs the connection.
    const keep = world.line.open();
    const leave = quotes.open();
    await world.pass();
    leave();
    world.last.drop();
    await world.pass(600);
    expect(world.connections).toHaveLength(2);
    expect(world.last.of('subscribe')).toMatchObject([{ after: { offset: 1 } }]);
    expect(world.last.of('subscribe')[0]).not.toHaveProperty('keys');
    const shown: string[] = [];
    quotes.subscribe(() => shown.push(`${quotes.snapshot().state} ${quotes.snapshot().rows.size}`));
    shown.push(`${quotes.snapshot().state} ${quotes.snapshot().rows.size}`);
    await world.pass();
    expect(new Set(shown)).toEqual(new Set(['live 3']));
    keep();
  });

  it('ends lingerMs after the last one left', async () => {
    const { world, quotes } = await filled(1);
    world.line.open();
    const leave = quotes.view().subscribe(() => {});
    await world.pass();
    leave();
    leave();
    await world.pass(999);
    expect(world.last.of('unsubscribe')).toEqual([]);
    await world.pass(1);
    expect(world.last.of('unsubscribe')).toHaveLength(1);
    expect(world.last.of('tune')).toEqual([]);
  });
});

describe('views and rows', () => {
  it('are told only of what is theirs', async () => {
    const { world, quotes } = await filled(10);
    const calls = { row: 0, view: 0, all: 0 };
    const row = quotes.row('k1');
    const view = quotes.view({ keys: ['k2', 'k3'] });
    row.subscribe(() => calls.row++);
    view.subscribe(() => calls.view++);
    quotes.view().subscribe(() => calls.all++);
    await world.pass();
    expect(row.snapshot()).toEqual({ n: 1 });
    Object.assign(calls, { row: 0, view: 0, all: 0 });
    const before = view.snapshot();
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass();
    expect(calls).toEqual({ row: 1, view: 0, all: 1 });
    expect(row.snapshot()).toEqual({ n: 1, bid: 1 });
    expect(view.snapshot()).toBe(before);
    await world.change({ key: 'k3', delete: true }, { key: 'k9', patch: { bid: 1 } });
    await world.pass();
    expect(calls).toEqual({ row: 1, view: 1, all: 2 });
    expect([...view.snapshot().rows.keys()]).toEqual(['k2']);
    expect(view.snapshot().rows.get('k2')).toBe(before.rows.get('k2'));
    world.last.drop();
    await world.pass();
    expect(calls).toEqual({ row: 1, view: 2, all: 3 });
    expect(view.snapshot().state).toBe('offline');
  });

  it('are told at most as often as they want, and of the newest', async () => {
    const { world, quotes } = await filled(1);
    const view = quotes.view({ ratePerSecond: 2 });
    const told: (number | undefined)[] = [];
    quotes.open();
    view.subscribe(() => told.push(view.snapshot().rows.get('k1')?.bid));
    await world.pass(2_000);
    told.length = 0;
    for (let i = 1; i <= 40; i++) {
      await world.change({ key: 'k1', patch: { bid: i } });
      await world.pass(50);
      expect(quotes.row('k1').snapshot()?.bid).toBe(i);
    }
    await world.pass(500);
    expect(told).toEqual([1, 10, 20, 30, 40]);
  });

  it('are told once of all rows of a slice, and of the next slice when it comes, if their interval is over', async () => {
    const { world, quotes } = await filled(2);
    const view = quotes.view({ keys: ['k1', 'k2'], ratePerSecond: 2 });
    const told: string[] = [];
    quotes.open();
    view.subscribe(() => told.push([...view.snapshot().rows.values()].map(({ bid }) => bid).join()));
    await world.pass(2_000);
    told.length = 0;
    await world.change({ key: 'k1', patch: { bid: 1 } }, { key: 'k2', patch: { bid: 2 } });
    await world.pass(600);
    expect(told).toEqual(['1,2']);
    await world.change({ key: 'k1', patch: { bid: 3 } }, { key: 'k2', patch: { bid: 4 } });
    await world.pass(50);
    expect(told).toEqual(['1,2', '3,4']);
  });

  it('show what is known now, to who does not listen, and the same object while it is the same', async () => {
    const { world, quotes } = await filled(2);
    quotes.open();
    const view = quotes.view({ keys: ['k1'] });
    await world.pass();
    const before = view.snapshot();
    expect(before).toMatchObject({ state: 'live' });
    await world.change({ key: 'k2', patch: { bid: 1 } });
    await world.pass();
    expect(view.snapshot()).toBe(before);
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass();
    expect(view.snapshot().rows.get('k1')).toEqual({ n: 1, bid: 1 });
    expect(view.serverSnapshot()).toEqual({ state: 'connecting', rows: new Map(), error: undefined });
    expect(quotes.row('k1').serverSnapshot()).toBeUndefined();
  });

  it('cost as much as what changed, not as what is shown', async () => {
    const { world, quotes, keys } = await filled(1_000);
    const row = quotes.row.bind(quotes);
    let calls = 0;
    for (const key of keys) row(key).subscribe(() => calls++);
    await world.pass();
    calls = 0;
    await world.change(...keys.slice(0, 200).map((key) => ({ key, patch: { bid: 1 } })));
    await world.pass();
    expect(calls).toBe(200);
  });
});

describe('staleMs', () => {
  it('says how old what is shown may be', async () => {
    const { world, quotes } = await filled(1);
    expect(quotes.staleMs()).toBeUndefined();
    quotes.open({ ratePerSecond: 2 });
    await world.pass();
    expect(quotes.staleMs()).toBe(500);
    await world.pass(10_000);
    expect(quotes.staleMs()).toBe(10_500);
    // The server's ping is a sign that it had nothing newer.
    await world.pass(16_000);
    expect(quotes.staleMs()).toBeLessThanOrEqual(1_500 + 500);
    const then = quotes.staleMs() ?? 0;
    world.accepts = false;
    world.last.drop();
    await world.pass(60_000);
    expect(quotes.staleMs()).toBe(then + 60_000);
    world.accepts = true;
    await world.pass(31_000);
    expect(quotes.snapshot().state).toBe('live');
    expect(quotes.staleMs()).toBeLessThan(31_500);
  });

  it('grows while the table is paused, though the connection is heard', async () => {
    const { world, quotes } = await filled(1);
    const leave = quotes.open();
    await world.pass();
    quotes.open({ paused: true });
    leave();
    await world.pass(100_000);
    expect(quotes.staleMs()).toBe(100_000);
    quotes.open();
    await world.pass();
    expect(quotes.staleMs()).toBe(0);
  });
});

describe('a hidden page', () => {
  it('gets news once a second, after a minute none, and all at once when it is shown', async () => {
    const { world, quotes } = await filled(1);
    quotes.open();
    await world.pass();
    world.network.say('hidden');
    await world.pass();
    expect(world.last.of('tune')).toMatchObject([{ rate: 1 }]);
    await world.pass(59_999);
    expect(world.last.of('tune')).toHaveLength(1);
    await world.pass(1);
    expect(world.last.of('tune')[1]).toMatchObject({ paused: true });
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass(10_000);
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1 });
    world.network.say('wake');
    await world.pass();
    expect(world.last.of('tune')[2]).toMatchObject({ rate: null, paused: false });
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1, bid: 1 });
  });

  it('keeps a rate that is lower, and connects again hidden', async () => {
    const { world, quotes } = await filled(1);
    quotes.open({ ratePerSecond: 0.5 });
    await world.pass();
    world.network.say('hidden');
    await world.pass(61_000);
    expect(world.last.of('tune')).toMatchObject([{ paused: true }]);
    world.last.drop();
    await world.change({ key: 'k1', patch: { bid: 1 } });
    await world.pass(5_000);
    expect(world.connections).toHaveLength(2);
    // Once what there is, then nothing again.
    expect(quotes.snapshot().rows.get('k1')).toEqual({ n: 1, bid: 1 });
    expect(world.last.of('tune')).toMatchObject([{ paused: true }]);
  });
});

describe('changes by this client', () => {
  it('are sent as they are made, and resolve with the offset', async () => {
    const { world, quotes } = await filled(1);
    quotes.open();
    const results = [
      quotes.set('k2', { n: 2 }),
      quotes.patch('k1', { bid: 1 }, { unset: ['ask'] }),
      quotes.delete('k2', { if: 2 }),
      quotes.change([
        { key: 'k3', set: { n: 3 }, if: 0 },
        { key: 'k1', patch: { ask: 2 } },
        { key: 'k9', delete: true },
      ]),
    ];
    await world.pass();
    expect(await Promise.all(results)).toEqual([{ offset: 2 }, { offset: 3 }, { offset: 4 }, { offset: 5 }]);
    expect(plain(quotes.snapshot().rows)).toEqual({ k1: { n: 1, bid: 1, ask: 2 }, k3: { n: 3 } });
    expect(world.last.of('change').map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  });

  it('need no interest, and go again over reconnects under the same number, once', async () => {
    const { world, quotes } = await filled(1);
    world.latencyMs = 10;
    const results = [quotes.set('a', { n: 1 }), quotes.set('b', { n: 2 })];
    await world.pass(35);
    // Stored, and the answers are lost.
    expect(world.last.of('change')).toHaveLength(2);
    world.last.drop();
    await world.pass(5_000);
    expect(await Promise.all(results)).toEqual([{ offset: 2 }, { offset: 3 }]);
    expect(world.last.of('change').map(({ seq }) => seq)).toEqual([1, 2]);
    await world.pass(5_000);
    expect(world.openConnections).toHaveLength(0);
  });

  it('fail with the reason', async () => {
    const { world, quotes } = await filled(1);
    quotes.open();
    await world.pass();
    const failures = [
      quotes.set('k1', { n: 2 }, { if: 0 }),
      quotes.set('', { n: 2 }),
      quotes.set('big', { n: 'x'.repeat(65_536) } as never),
      quotes.change([]),
      quotes.set('k1', 7 as never),
      quotes.change([
        { key: 'k1', delete: true },
        { key: 'k1', set: { n: 1 } },
      ]),
    ].map((promise) =>
      promise.then(
        () => 'done',
        (error) => error.code,
      ),
    );
    await world.pass();
    expect(await Promise.all(failures)).toEqual(['conflict', 'invalid', 'too_large', 'invalid', 'invalid', 'invalid']);
    // Neither holds up what follows.
    const last = quotes.set('k1', { n: 3 });
    await world.pass();
    await expect(last).resolves.toEqual({ offset: 2 });
  });

  it.each([
    [999, 'stored'],
    [1_000, 'stored'],
    [1_001, 'too_large'],
  ])('of %i rows: %s', async (count, result) => {
    const { world, quotes } = await filled(0);
    const step = quotes.change(Array.from({ length: count }, (_, i) => ({ key: `k${i}`, set: { n: i } })));
    const outcome = step.then(
      () => 'stored',
      (error) => error.code,
    );
    await world.pass();
    expect(await outcome).toBe(result);
  });

  it.each([
    [64, []],
    [65, [64]],
  ])('wait, at most 64: of %i fail %j', async (count, failed) => {
    const { world, quotes } = await filled(0);
    world.accepts = false;
    const lost: number[] = [];
    for (let i = 0; i < count; i++) {
      quotes.set(`k${i}`, { n: i }).catch((error) => {
        expect(error.code).toBe('rate_limited');
        lost.push(i);
      });
    }
    await world.pass();
    expect(lost).toEqual(failed.map(() => 0));
    world.accepts = true;
    await world.pass(10_000);
    expect((await world.rows()).size).toBe(64);
  });
});

describe('a move to another server (CON-8, TAB-9)', () => {
  it.each([
    ['that hears of changes at once', 0],
    ['that hears of changes late', 120],
  ])('%s shows nothing of it: no state, no older row', async (_name, lagMs) => {
    const { world, quotes } = await filled(3, { nodes: 2, lagMs });
    quotes.open({ keys: ['k1', 'k2'] });
    await world.pass(12_000);
    const shown = new Set<string>();
    quotes.subscribe(() => shown.add(quotes.snapshot().state), { keys: ['k2'] });
    const row = quotes.snapshot().rows.get('k2');
    // The way to the next one is longer: what is told there may be older.
    world.latencyMs = 60;
    world.node = 1;
    const bids: number[] = [];
    const k1 = quotes.row('k1');
    k1.subscribe(() => bids.push(k1.snapshot()?.bid ?? 0));
    void world.engines[0]?.drain(20_000, 500);
    for (let i = 1; i <= 40; i++) {
      await world.change({ key: 'k1', patch: { bid: i } });
      await world.pass(50);
      // As late as the next server at most: nothing waits for it to overtake this one.
      expect(bids.at(-1)).toBeGreaterThanOrEqual(i - 1 - Math.ceil((lagMs + 60) / 50));
    }
    expect(world.openConnections).toHaveLength(1);
    await world.pass(1_000);
    expect(world.connections).toHaveLength(2);
    expect(world.openConnections).toHaveLength(1);
    expect(shown).toEqual(new Set(['live']));
    expect(bids).toEqual([...bids].sort((a, b) => a - b));
    expect(bids.at(-1)).toBe(40);
    expect(quotes.snapshot().rows.get('k2')).toBe(row);
    expect(world.problems).toEqual([]);
  });
});
