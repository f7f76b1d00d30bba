// Tables with `keep: 'checkpoint'`: served from memory, written every second.

import { type Broker, memoryBroker, type Row } from '@trunkline/broker';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeClock } from './support/fake-clock.js';
import { TableView } from './support/table-view.js';
import { QUOTES, World, type WorldOptions } from './support/world.js';

const START = { epoch: null, offset: 0 };
const quotes = { keep: 'checkpoint' } as const;

/** A process, on a store that may be another one's. */
function start(options: WorldOptions = {}): World {
  return new World({ quotes, ...options });
}

function change(world: World, ...step: Parameters<World['engine']['change']>[2]) {
  return world.engine.change('quotes', ['nyse'], step);
}

const stateOf = (rows: readonly Row[]) =>
  rows.map(({ key, data, expiresAt }) => [key, data, expiresAt] as const).sort(([a], [b]) => (a < b ? -1 : 1));
const inMemory = async (world: World) => stateOf(await world.engine.rows('quotes', ['nyse']));
const inStore = async (store: Broker) => stateOf((await store.readRows(QUOTES, START, { entries: 999 })).rows);

describe('what is written', () => {
  it('are newest values, as one step, a second after the first change and not before', async () => {
    const world = start();
    await change(world, { key: 'A', set: { n: 0 } }, { key: 'B', set: {} });
    for (let n = 1; n <= 50; n++) await change(world, { key: 'A', patch: { n } });
    await change(world, { key: 'B', delete: true });
    world.clock.advanceMs(999);
    await world.settle();
    expect(await inStore(world.store)).toEqual([]);
    world.clock.advanceMs(1);
    await world.settle();
    expect(await inStore(world.store)).toEqual([['A', '{"n":50}', undefined]]);
    expect(world.broker.calls.change).toBe(1);
    await world.passMs(10_000);
    expect(world.broker.calls.change, 'nothing changed since').toBe(1);
  });

  it('comes as often as the channel says', async () => {
    const world = start({ quotes: { ...quotes, checkpointMs: 250 } });
    await change(world, { key: 'A', set: {} });
    world.clock.advanceMs(249);
    await world.settle();
    expect(world.broker.calls.change).toBe(0);
    world.clock.advanceMs(1);
    await world.settle();
    expect(world.broker.calls.change).toBe(1);
  });

  it('has the expiry too, also where nothing else changed, and what has expired', async () => {
    const world = start();
    const atMs = world.clock.nowMs() + 10_000;
    await change(world, { key: 'A', set: {} }, { key: 'B', set: {}, expiresAt: world.clock.nowMs() + 3_000 });
    await world.passMs(1_000);
    await change(world, { key: 'A', set: {}, expiresAt: atMs });
    await world.passMs(1_000);
    expect((await inStore(world.store))[0]).toEqual(['A', '{}', atMs]);
    await world.passMs(4_000);
    expect(await inStore(world.store)).toEqual([['A', '{}', atMs]]);
  });

  it('is never a part of a step, in whatever moment of the step it begins', async () => {
    for (let hops = 0; hops < 40; hops++) {
      const world = start();
      await change(world, { key: 'A', set: { n: 1 } });
      const release = world.broker.hold('change');
      await world.passMs(1_000);
      await change(world, { key: 'A', set: { n: 2 } });
      // One that waits for the one before begins as soon as that is stored, and not with a turn of its own.
      await world.passMs(1_000);
      release();
      for (let hop = 0; hop < hops; hop++) await undefined;
      await change(world, { key: 'A', set: { n: 3 } }, { key: 'B', set: { n: 3 } });
      await world.settle();
      const stored = new Map((await inStore(world.store)).map(([key, data]) => [key, data]));
      expect(stored.get('B'), `after ${hops} hops`).toBe(stored.get('A') === '{"n":3}' ? '{"n":3}' : undefined);
    }
  });

  it('waits while the store fails, is told to the log, and is written when the store is back', async () => {
    const world = start();
    await change(world, { key: 'A', set: { n: 1 } });
    world.broker.faults.set('change', 'before');
    await world.passMs(2_000);
    expect(world.logged.at(-1)).toMatchObject({ level: 'error', message: 'changed rows could not be written' });
    world.broker.faults.clear();
    await world.passMs(1_000);
    expect(await inStore(world.store)).toEqual([['A', '{"n":1}', undefined]]);
  });

  it('is never overtaken by an older value, though the store is slow', async () => {
    const world = start();
    await change(world, { key: 'A', set: { n: 1 } });
    const release = world.broker.hold('change');
    await world.passMs(1_000);
    await change(world, { key: 'A', set: { n: 2 } });
    await world.passMs(3_000);
    expect(world.broker.calls.change, 'the next step waits').toBe(1);
    release();
    await world.settle();
    expect(await inStore(world.store)).toEqual([['A', '{"n":2}', undefined]]);
  });

  it('is all, when the tables are closed; from then on nothing can be changed', async () => {
    const world = start();
    await change(world, { key: 'A', set: {} });
    await world.engine.closeTables();
    expect(await inStore(world.store)).toEqual([['A', '{}', undefined]]);
    await expect(change(world, { key: 'B', set: {} })).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('another process', () => {
  it('begins with what was written, under an epoch of its own, and readers begin anew', async () => {
    const clock = new FakeClock();
    const store = memoryBroker({ nowMs: clock.nowMs });
    const first = start({ clock, store });
    await change(first, { key: 'A', set: { n: 1 } });
    await first.passMs(1_000);
    await change(first, { key: 'A', patch: { n: 2 } }, { key: 'B', set: {} });
    const peer = await first.enter();
    const id = peer.request({ type: 'subscribe', stream: QUOTES });
    await first.settle();
    const view = new TableView().take(peer.connection.fresh(), id);
    expect(view.rows.get('A')).toEqual({ n: 2 });

    // It is killed, before the second change was written.
    let words = 0;
    const second = start({ clock, store, randomId: () => `second-${++words}` });
    const again = await second.enter();
    const after = { epoch: view.epoch as string, offset: view.position };
    const againId = again.request({ type: 'subscribe', stream: QUOTES, after });
    await second.settle();
    view.take(again.connection.fresh(), againId);
    expect(view.sorted).toEqual([['A', { n: 1 }]]);
    expect(view.epoch).toMatch(/^second-/);
  });

  it('that cannot read the store says so, and tries again with the next call', async () => {
    const world = start();
    await world.store.change(QUOTES, [{ key: 'A', set: '{}' }]);
    world.broker.faults.set('readRows', 'before');
    await expect(change(world, { key: 'B', set: {} })).rejects.toMatchObject({ code: 'unavailable' });
    world.broker.faults.clear();
    await change(world, { key: 'B', set: {} });
    expect((await inMemory(world)).map(([key]) => key)).toEqual(['A', 'B']);
  });
});

it('whatever changes and whenever the process is killed, the table steps back to a checkpoint and not further', async () => {
  const key = fc.constantFrom('A', 'B', 'C');
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ key, set: fc.record({ n: fc.nat(3) }) }) },
    { weight: 2, arbitrary: fc.record({ key, patch: fc.record({ m: fc.nat(3) }) }) },
    { weight: 2, arbitrary: fc.record({ key, delete: fc.constant(true as const) }) },
    { weight: 3, arbitrary: fc.record({ passMs: fc.constantFrom(300, 1_000) }) },
    { weight: 1, arbitrary: fc.constant('kill' as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
      const clock = new FakeClock();
      const store = memoryBroker({ nowMs: clock.nowMs });
      let world = start({ clock, store });
      /** What the table was after each change since the newest one that must have been written. */
      let states: { readonly state: unknown; readonly atMs: number }[] = [{ state: [], atMs: 0 }];
      for (const one of actions) {
        if (one === 'kill') {
          const before = states;
          // Its timers are its own: a dead process writes nothing.
          world.broker.error = () => new Error('dead');
          world.broker.faults.set('change', 'before');
          world = start({ clock, store });
          const state = await inMemory(world);
          const found = before.some((known) => JSON.stringify(known.state) === JSON.stringify(state));
          expect(found, JSON.stringify({ state, before })).toBe(true);
          states = [{ state, atMs: 0 }];
        } else if ('passMs' in one) {
          clock.advanceMs(one.passMs);
          await world.settle();
          const due = states.findLastIndex(({ atMs }) => atMs <= clock.nowMs() - 1_000);
          states = states.slice(Math.max(0, due));
        } else {
          await change(world, one);
          states.push({ state: await inMemory(world), atMs: clock.nowMs() });
        }
      }
    }),
    { numRuns: 200 },
  );
});
