// The short way of a publish that has nothing to wait for: it must not differ from the long one but in time.

import type { JsonValue } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, type Peer, World } from './support/world.js';

const stored = async (world: World): Promise<unknown[]> =>
  (await world.store.readBack(LOBBY, undefined, { entries: 1_000 })).entries.map(({ data }) => JSON.parse(data));

const send = (peer: Peer, seq: number, data: JsonValue = seq) =>
  peer.request({ type: 'publish', stream: LOBBY, producer: 'p1', seq, data });

/** A peer whose producer is known by now: its first publish has been looked up. */
async function known(world: World): Promise<Peer> {
  const peer = await world.enter();
  send(peer, 1);
  await world.settle();
  return peer;
}

describe('a publish that waits for nothing', () => {
  it('is stored in the order of seq with those that take the long way', async () => {
    const world = new World({
      chat: { validate: (value) => (value === 3 ? Promise.resolve({ value }) : { value }) },
    });
    const peer = await known(world);
    for (let seq = 2; seq <= 6; seq += 1) send(peer, seq);
    await world.settle();
    expect(await stored(world)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('whose schema turns out to be slow is admitted once: the rate is not charged twice', async () => {
    let isSlow = false;
    const world = new World({
      limits: { publishRatePerSecond: 1, publishBurst: 3 },
      chat: { validate: (value) => (isSlow ? Promise.resolve({ value }) : { value }) },
    });
    const peer = await known(world);
    isSlow = true;
    const second = send(peer, 2);
    await world.settle();
    const third = send(peer, 3);
    const fourth = send(peer, 4);
    await world.settle();
    expect(peer.answerTo(second)).toMatchObject({ type: 'ok' });
    expect(peer.answerTo(third)).toMatchObject({ type: 'ok' });
    expect(peer.answerTo(fourth)).toMatchObject({ type: 'error', code: 'rate_limited' });
  });

  it('that is refused for now holds up what follows it in the same turn', async () => {
    const world = new World({ limits: { publishRatePerSecond: 1, publishBurst: 1 } });
    const peer = await known(world);
    const ids = [send(peer, 2), send(peer, 3)];
    await world.settle();
    for (const id of ids) expect(peer.answerTo(id)).toMatchObject({ type: 'error', code: 'rate_limited' });
    expect(await stored(world)).toEqual([1]);
  });

  it('whose schema throws is the app’s failure, and the next one passes', async () => {
    const world = new World({
      chat: {
        validate: (value) => {
          if (value === 2) throw new Error('a bug');
          return { value };
        },
      },
    });
    const peer = await known(world);
    const second = send(peer, 2);
    const third = send(peer, 3);
    await world.settle();
    expect(peer.answerTo(second)).toMatchObject({ type: 'error', code: 'internal' });
    expect(peer.answerTo(third)).toMatchObject({ type: 'ok' });
    expect(await stored(world)).toEqual([1, 3]);
  });

  it('whose storing fails is asked about: sent again, it is stored once', async () => {
    const world = new World();
    const peer = await known(world);
    world.broker.faults.set('append', 'before');
    const failed = send(peer, 2);
    await world.settle();
    expect(peer.answerTo(failed)).toMatchObject({ type: 'error', code: 'unavailable', outcome: 'unknown' });
    world.broker.faults.clear();
    const again = send(peer, 2);
    await world.settle();
    expect(peer.answerTo(again)).toMatchObject({ type: 'ok', offset: 2 });
    expect(await stored(world)).toEqual([1, 2]);
  });
});
