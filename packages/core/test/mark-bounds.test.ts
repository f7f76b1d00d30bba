// MRK-2: what others see of read marks ends after a while, and is bounded in number. Both sides of each bound.

import type { Offset, StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { MarkBounds } from '../src/index.js';
import { TableView } from './support/table-view.js';
import { LOBBY, World, type WorldOptions } from './support/world.js';

const MARKS = `${LOBBY}:markers` as StreamName;
const HOUR_MS = 3_600_000;

function boundedWorld(markers: Partial<MarkBounds>, options: WorldOptions = {}) {
  return new World({
    pingMs: 1_000 * HOUR_MS,
    ...options,
    chat: { markers: { expireMs: HOUR_MS, maxReaders: 100, ...markers } },
  });
}

/** Somebody who sees how far others have read. */
async function onlooker(world: World) {
  const peer = await world.enter('onlooker');
  const id = peer.request({ type: 'subscribe', stream: MARKS });
  await world.settle();
  const view = new TableView().take(peer.connection.fresh(), id);
  return () => {
    view.take(peer.connection.fresh());
    return Object.fromEntries(view.sorted.map(([user, row]) => [user, row.offset]));
  };
}

/** As the server itself, to whom the rate does not apply. */
const mark = (world: World, user: string, offset: Offset) =>
  world.engine.mark({ type: 'mark', stream: LOBBY, offset }, user);

describe('MRK-2: a mark that has not moved', () => {
  it('is seen until its time is over, to the millisecond, and that the app has no table does not matter', async () => {
    const world = boundedWorld({}, { quotes: { keep: 'memory' } });
    await world.fill(5);
    const seen = await onlooker(world);
    await mark(world, 'ada', 3);
    await world.settle();
    world.clock.advanceMs(HOUR_MS - 1);
    await world.store.expire();
    await world.settle();
    expect(seen()).toEqual({ ada: 3 });
    // The rest by the server's own looks, once a second.
    await world.passMs(1_001);
    expect(seen()).toEqual({});
    expect(await world.store.readRow(MARKS, 'ada')).toBeNull();
  });

  it('is seen as long again when it moves, and not when it does not', async () => {
    const world = boundedWorld({});
    await world.fill(5);
    const seen = await onlooker(world);
    await mark(world, 'ada', 3);
    await mark(world, 'bob', 3);
    world.clock.advanceMs(HOUR_MS / 2);
    await world.settle();
    await mark(world, 'ada', 4);
    await mark(world, 'bob', 2);
    world.clock.advanceMs(HOUR_MS / 2);
    await world.passMs(1_001);
    expect(seen()).toEqual({ ada: 4 });
    world.clock.advanceMs(HOUR_MS / 2);
    await world.passMs(1_001);
    expect(seen()).toEqual({});
  });

  it('still counts for its user, who is seen again no further back than before', async () => {
    const world = boundedWorld({});
    await world.fill(9);
    const seen = await onlooker(world);
    await mark(world, 'ada', 6);
    world.clock.advanceMs(HOUR_MS);
    await world.passMs(1_001);
    expect(seen()).toEqual({});
    const ada = await world.enter('ada');
    const counts = async () => [...(await world.engine.unread.of('ada', null))];
    expect(await counts()).toEqual([[LOBBY, { unread: 3, more: false, mark: 6 }]]);
    await ada.do({ type: 'mark', stream: LOBBY, offset: 2 });
    await world.settle();
    expect(seen()).toEqual({ ada: 6 });
    await world.passMs(1_000);
    await ada.do({ type: 'mark', stream: LOBBY, offset: 7 });
    await world.settle();
    expect(seen()).toEqual({ ada: 7 });
    expect(await counts()).toEqual([[LOBBY, { unread: 2, more: false, mark: 7 }]]);
  });

  it('of another history is none, also where its user is seen no more', async () => {
    const world = boundedWorld({});
    await world.fill(9);
    await mark(world, 'ada', 6);
    world.clock.advanceMs(HOUR_MS);
    await world.passMs(1_001);
    await world.store.remove(LOBBY);
    await world.fill(4);
    const seen = await onlooker(world);
    await mark(world, 'ada', 2);
    await world.settle();
    expect(seen()).toEqual({ ada: 2 });
  });
});

describe('MRK-2: of one mark more than are kept', () => {
  it('the one that moved longest ago goes, and its user’s count stays', async () => {
    const world = boundedWorld({ maxReaders: 3 });
    await world.fill(9);
    const seen = await onlooker(world);
    for (const user of ['ada', 'bob', 'eve']) await mark(world, user, 1);
    await mark(world, 'ada', 2);
    await world.settle();
    expect(seen()).toEqual({ ada: 2, bob: 1, eve: 1 });
    await mark(world, 'zoe', 1);
    await world.settle();
    expect(seen()).toEqual({ ada: 2, eve: 1, zoe: 1 });
    expect([...(await world.engine.unread.of('bob', null))]).toEqual([[LOBBY, { unread: 8, more: false, mark: 1 }]]);
    // Who is there already needs no room.
    await mark(world, 'eve', 2);
    await mark(world, 'bob', 2);
    await world.settle();
    expect(seen()).toEqual({ bob: 2, eve: 2, zoe: 1 });
  });

  it('those that are too many go at once where more were kept before', async () => {
    const before = boundedWorld({ maxReaders: 1_500 });
    await before.fill(2);
    for (let n = 0; n < 1_200; n += 1) await mark(before, `user-${n}`, 1);
    const world = boundedWorld({ maxReaders: 10 }, { store: before.store });
    const seen = await onlooker(world);
    expect(Object.keys(seen())).toHaveLength(1_200);
    // They may move as before; there is no room for one more.
    await mark(world, 'user-7', 2);
    await mark(world, 'ada', 1);
    await world.settle();
    const left = ['user-7', ...Array.from({ length: 8 }, (_, n) => `user-${1_192 + n}`), 'ada'];
    expect(Object.keys(seen()).sort()).toEqual(left.sort());
  });

  it('many who come at once have room, the last of them as many as are kept', async () => {
    const world = boundedWorld({ maxReaders: 10 });
    await world.fill(2);
    const seen = await onlooker(world);
    const all = Array.from({ length: 100 }, (_, n) => mark(world, `user-${n}`, 1));
    await world.settle();
    await Promise.all(all);
    await world.settle();
    expect(Object.keys(seen())).toHaveLength(10);
  });

  it('a mark that moves while it is chosen to go stays', async () => {
    const world = boundedWorld({ maxReaders: 2 });
    await world.fill(9);
    const seen = await onlooker(world);
    await mark(world, 'ada', 1);
    await mark(world, 'bob', 1);
    // What passes: what the user follows, and the step that finds no room.
    const held = world.broker.hold('change', 2);
    const zoe = mark(world, 'zoe', 1);
    await world.settle();
    await world.store.change(MARKS, [{ key: 'ada', set: '{"offset":2,"user":"ada","epoch":"epoch-1"}' }]);
    held();
    await world.settle();
    await zoe;
    await world.settle();
    expect(seen()).toEqual({ ada: 2, zoe: 1 });
  });
});
