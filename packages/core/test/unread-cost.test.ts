// What a publish costs where 10,000 users follow a log, and a join where 10,000 are present: counted in calls, steps and bytes. The
// time that it takes is printed beside that of telling an entry to as many subscribers, and not judged: machines differ.

import type { StreamName } from '@trunkline/protocol';
import { utf8Bytes } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { LOBBY, MARKERS, type Peer, World } from './support/world.js';

const CROWD = 10_000;
const UNREAD_MS = 1_050;

async function crowd(world: World, stream: (n: number) => string): Promise<Peer[]> {
  const peers = Array.from({ length: CROWD }, (_, n) => {
    const peer = world.connect();
    peer.say({ type: 'hello', version: 1, token: `u${n}` }, { type: 'subscribe', id: 1, stream: stream(n) });
    return peer;
  });
  await world.settle();
  return peers;
}

const bytesOf = (peers: readonly Peer[]) =>
  peers.reduce((sum, { connection }) => sum + connection.texts.reduce((bytes, text) => bytes + utf8Bytes(text), 0), 0);

async function cpuMs(run: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

describe('a publish to a log that 10,000 users follow', () => {
  it('costs one small slice each a second at most, and nothing to those with more than 99', {
    timeout: 120_000,
  }, async () => {
    const world = new World({ chat: { markers: MARKERS } });
    for (let n = 0; n < CROWD; n += 1) {
      const row = { key: LOBBY, set: '{"mark":0,"epoch":null}' };
      await world.store.change(`:follows/u${n}` as StreamName, [row]);
    }
    const peers = await crowd(world, () => ':unread');
    const { watch, readBack, readRows } = world.broker.calls;
    const round = async (entries: number) => {
      await world.fill(entries);
      await world.settle();
      await world.passMs(UNREAD_MS);
    };
    await round(1);
    let before = bytesOf(peers);
    const one = await cpuMs(() => round(1));
    const each = (bytesOf(peers) - before) / CROWD;
    before = bytesOf(peers);
    // Fifty publishes within a second are one slice each.
    await round(50);
    const eachOfFifty = (bytesOf(peers) - before) / CROWD;
    expect(eachOfFifty).toBeLessThan(each + 4);
    expect(each).toBeLessThan(100);
    await round(60);
    before = bytesOf(peers);
    const full = await cpuMs(() => round(1));
    // The server's pings apart, nobody is told that there are more than 99 once more.
    expect(bytesOf(peers) - before).toBe(0);
    // One watch of the log for all of them, and no question to the broker for a publish.
    expect(world.broker.calls).toMatchObject({ watch, readBack, readRows });

    const plain = new World();
    await crowd(plain, () => LOBBY);
    const told = await cpuMs(async () => {
      await plain.fill(1);
      await plain.settle();
    });
    console.info(
      `10,000 followers: ${each} bytes each; CPU of a round ${(one / told).toFixed(1)} times, where all have more than 99 ${(full / told).toFixed(2)} times that of an entry to 10,000 subscribers`,
    );
  });
});

describe('a log with 10,000 members', () => {
  it('tells a join as one number, and a crowd that comes at once as one step', { timeout: 120_000 }, async () => {
    const world = new World({ chat: { presence: { graceMs: 5_000 } } });
    const watcher = await world.enter('watcher');
    watcher.request({ type: 'subscribe', stream: `${LOBBY}:presence` });
    await world.settle();
    watcher.connection.fresh();
    await crowd(world, () => LOBBY);
    await world.passMs(50);
    const first = watcher.connection.fresh().filter(({ type }) => type === 'rows');
    expect(first).toHaveLength(1);
    const before = bytesOf([watcher]);
    const late = await world.enter('late');
    await late.subscribe();
    await world.passMs(50);
    const joined = bytesOf([watcher]) - before;
    expect(watcher.connection.fresh()).toMatchObject([{ patch: { summary: { count: CROWD + 1 } } }]);
    expect(joined).toBeLessThan(100);
    console.info(`10,000 members: one more is ${joined} bytes for each who looks`);
  });
});
