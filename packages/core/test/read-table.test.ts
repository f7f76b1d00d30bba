// Tables that are too large for one page of the broker: read by server code, and loaded for readers.

import { forwards } from '@trunkline/broker/contract';
import { expect, it } from 'vitest';
import { TableView } from './support/table-view.js';
import { QUOTES, World } from './support/world.js';

const PER_STEP = 1_000;
/** One more step than fits into a page. */
const STEPS = 6;

const key = (n: number) => `k${n}`;

/** A table of two pages, whose store remembers one deletion. */
async function large(): Promise<World> {
  const world = new World();
  await fill(world);
  return world;
}

async function fill(world: World): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    const rows = Array.from({ length: PER_STEP }, (_, n) => ({ key: key(step * PER_STEP + n), set: '{"n":1}' }));
    await world.store.change(QUOTES, rows, { tombstones: { count: 1 } });
  }
}

async function deleteRows(world: World, ...numbers: number[]): Promise<void> {
  for (const n of numbers) await world.store.change(QUOTES, [{ key: key(n), delete: true }]);
}

/** What a new reader has when it has all. */
async function seenBy(world: World): Promise<string[]> {
  const peer = await world.enter();
  const id = peer.request({ type: 'subscribe', stream: QUOTES });
  await world.settle();
  const view = new TableView().take(peer.connection.fresh(), id);
  expect(view.synced).toBe(1);
  return [...view.rows.keys()];
}

const keysOf = async (world: World) => (await world.engine.rows('quotes', ['nyse'])).map((row) => row.key);

it('a table of several pages is read though deletions beyond the first of them are forgotten', async () => {
  const world = await large();
  await deleteRows(world, 5_500, 5_501, 5_502);
  const first = await world.store.readRows(QUOTES, { epoch: null, offset: 0 }, { entries: 5_000 });
  expect(first.to).toBeLessThan(first.floor);
  const keys = await keysOf(world);
  expect([keys.length, keys.includes(key(5_500)), keys.includes(key(0))]).toEqual([5_997, false, true]);
  expect((await seenBy(world)).length).toBe(5_997);
  expect(world.logged).toEqual([]);
});

it('a row that is deleted while the table is read is not there, though its deletion is forgotten', async () => {
  for (const read of [keysOf, seenBy]) {
    const world = await large();
    const release = world.broker.hold('readRows', 1);
    const reading = read(world);
    await world.settle();
    expect(world.broker.calls.readRows, 'the second page waits').toBe(2);
    await deleteRows(world, 0, 1, 2);
    release();
    // `seenBy` settles the world only once: what waited goes on here.
    await world.settle();
    const keys = await reading;
    expect([keys.length, keys.includes(key(0)), keys.includes(key(3))]).toEqual([5_997, false, true]);
    expect(world.logged).toEqual([]);
  }
});

it('a store in which no reading ever comes to its end is a failure, not an endless loop', async () => {
  const world = new World({
    wrap: (broker) => ({ ...forwards(broker), readRows: (name, after, limit) => broker.readRows(name, after, limit) }),
  });
  await fill(world);
  await deleteRows(world, 5_500, 5_501);
  await expect(keysOf(world)).rejects.toMatchObject({ code: 'internal' });
  expect(world.logged).toMatchObject([{ level: 'error', message: 'the broker failed' }]);
});

it('a row that changes while the table is read comes once, as it is now, and last', async () => {
  const world = await large();
  const release = world.broker.hold('readRows', 1);
  const reading = world.engine.rows('quotes', ['nyse']);
  await world.settle();
  await world.store.change(QUOTES, [{ key: key(0), patch: '{"n":2}' }]);
  release();
  const rows = await reading;
  expect([rows.length, rows.filter((row) => row.key === key(0)).length]).toEqual([6_000, 1]);
  expect(rows.at(-1)).toMatchObject({ key: key(0), data: '{"n":2}' });
});
