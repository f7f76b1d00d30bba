// AMD-8: records that say nothing any more are not kept between others. Who comes late, stands among them, or has missed notifications gets
// what is kept, and ends with the same.

import type { Advance, Broker } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { Entries, Item } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { Mirror } from './support/mirror.js';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const TOGGLES = 500;

function start(options: WorldOptions = {}) {
  return new World({ pingMs: 1e9, limits: { publishBurst: 10_000 }, chat: { amend: ['react'] }, ...options });
}

/** Two messages, so many changes of one reaction to the first, and one more message. Offsets 1, 2, then 3 … TOGGLES + 2, and the last. */
async function toggled(world: World): Promise<Peer> {
  const ada = await world.enter('ada');
  await ada.publish(1, 'one');
  await ada.publish(2, 'two');
  for (let n = 0; n < TOGGLES; n += 1) {
    const change = n % 2 === 0 ? { react: 'x' } : { unreact: 'x' };
    await ada.do({ type: 'amend', stream: LOBBY, producer: 'p', seq: n + 3, offset: 1, ...change });
    world.clock.advanceMs(1_000);
  }
  await ada.publish(TOGGLES + 3, 'three');
  await world.settle();
  return ada;
}

const itemsOf = (peer: Peer) =>
  peer.connection.messages
    .filter((message): message is Entries => message.type === 'entries')
    .flatMap(({ items }) => items.map((item) => (item as Item).offset));
const LAST = TOGGLES + 2;
const HEAD = TOGGLES + 3;

describe('AMD-8', () => {
  it('whoever comes late is sent the entries, and the first and the newest record', async () => {
    // A ring that holds a few items: the store is asked.
    const world = start({ ringBytes: 400 });
    await toggled(world);
    const bob = await world.enter('bob');
    const view = await bob.subscribe({ last: 50 }, LOBBY);
    expect(itemsOf(bob)).toEqual([1, 2, 3, LAST, HEAD]);
    expect([view.cursor, view.synced, view.gaps]).toEqual([HEAD, 1, []]);
    const page = await bob.do<never>({ type: 'read', stream: LOBBY, after: 0, limit: 50 } as never);
    expect((page as { items: Item[] }).items.map(({ offset }) => offset)).toEqual([1, 2, 3, LAST, HEAD]);
  });

  it.each([3, 4, 250, LAST - 1, LAST])('whoever stood at %i goes on from there without a gap', async (offset) => {
    const world = start();
    const began = world.clock.nowMs();
    await toggled(world);
    // As after a restart: nothing is at hand.
    const after = start({ store: world.store, clock: world.clock });
    const bob = await after.enter('bob');
    const at = began + (offset - 3) * 1_000;
    const view = await bob.subscribe({ after: { epoch: 'epoch-1', offset, at } }, LOBBY);
    expect(view.gaps).toEqual([]);
    expect(itemsOf(bob)).toEqual(offset < LAST ? [LAST, HEAD] : [HEAD]);
    expect(view.cursor).toBe(HEAD);
  });

  it('a server that missed what was told goes on with what is kept, and so do its readers', async () => {
    const world = start();
    // Of what is announced while it does not hear, it hears the last.
    let isDeaf = false;
    let last = () => {};
    const wrap = (broker: Broker): Broker => ({
      ...forwards(broker),
      watch: (stream, onAdvance) =>
        broker.watch(stream, (advance: Advance) => {
          last = () => onAdvance(advance);
          if (!isDeaf) last();
        }),
    });
    const other = start({ store: world.store, clock: world.clock, wrap });
    const bob = await other.enter('bob');
    const id = bob.request({ type: 'subscribe', stream: LOBBY, last: 50 });
    await other.settle();
    const mirror = new Mirror().take(bob.connection.fresh(), id);
    isDeaf = true;
    await toggled(world);
    expect(itemsOf(bob)).toEqual([]);
    isDeaf = false;
    last();
    await other.settle();
    await other.passMs(2_000);
    mirror.take(bob.connection.fresh(), id);
    const ends = await world.enter('eve');
    const eve = ends.request({ type: 'subscribe', stream: LOBBY, last: 50 });
    await world.settle();
    expect(mirror.list()).toEqual(new Mirror().take(ends.connection.fresh(), eve).list());
    expect(mirror.cursor).toBe(HEAD);
    expect(itemsOf(bob)).toEqual([1, 2, 3, LAST, HEAD]);
  });
});
