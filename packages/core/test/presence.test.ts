// PRS: who is subscribed to a log is present. Seen from outside: what a subscriber of `…:presence` is told.

import type { StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { Rule } from './support/rule.js';
import { TableView } from './support/table-view.js';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const PRESENCE = `${LOBBY}:presence` as StreamName;
const GRACE_MS = 5_000;

function presenceWorld(options: WorldOptions = {}) {
  return new World({ ...options, chat: { presence: { graceMs: GRACE_MS }, ...options.chat } });
}

/** Somebody who only looks, and what they see. */
async function watcher(world: World) {
  const peer = await world.enter('watcher');
  const view = new TableView();
  const id = peer.request({ type: 'subscribe', stream: PRESENCE });
  await world.settle();
  view.take(peer.connection.fresh(), id);
  return {
    peer,
    view,
    look() {
      view.take(peer.connection.fresh());
      const rows = new Map(view.rows);
      const count = rows.get('summary')?.count ?? 0;
      rows.delete('summary');
      return { count, keys: [...rows.keys()].sort() };
    },
  };
}

async function come(world: World, user: string, options = {}): Promise<Peer> {
  const peer = await world.enter(user);
  await peer.subscribe(options);
  return peer;
}

describe('PRS-1: a row for each user, and how many', () => {
  it('shows who is subscribed, as others see them, and since when', async () => {
    const world = presenceWorld({
      authenticate: async (token) => ({ id: String(token), user: token, publicUser: { id: String(token), name: 'N' } }),
    });
    const seen = await watcher(world);
    expect(seen.look()).toEqual({ count: 0, keys: [] });
    const since = world.clock.nowMs();
    await come(world, 'ada');
    await world.passMs(50);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/ada'] });
    expect(seen.view.rows.get('user/ada')).toEqual({ user: { id: 'ada', name: 'N' }, since });
    expect(world.engine.presence.of(LOBBY)).toEqual({ people: [{ user: { id: 'ada', name: 'N' }, since }], count: 1 });
  });

  it('counts a user once, however many connections there are, until the last one is gone', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    const tabs = [await come(world, 'ada'), await come(world, 'ada'), await come(world, 'ada')];
    await world.passMs(50);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/ada'] });
    const [first, second, third] = tabs as [Peer, Peer, Peer];
    first.vanish();
    await second.do({ type: 'unsubscribe', stream: LOBBY });
    await world.passMs(2 * GRACE_MS);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/ada'] });
    third.vanish();
    await world.passMs(GRACE_MS + 50);
    expect(seen.look()).toEqual({ count: 0, keys: [] });
  });

  it('tells the joins and leaves of 50 ms as one step', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    const from = seen.view.position;
    await come(world, 'ada');
    await world.passMs(49);
    await come(world, 'bob');
    expect(seen.look()).toEqual({ count: 0, keys: [] });
    await world.passMs(1);
    expect(seen.look()).toEqual({ count: 2, keys: ['user/ada', 'user/bob'] });
    expect(seen.view.position).toBe(from + 1);
  });

  it('keeps away from who has no such channel, and from who may not see it', async () => {
    const rule = new Rule();
    rule.denied.add('eve presence');
    const world = presenceWorld({ chat: { authorize: rule.authorize } });
    const eve = await world.enter('eve');
    expect(await eve.fail({ type: 'subscribe', stream: PRESENCE })).toMatchObject({ code: 'forbidden' });
    expect(await eve.fail({ type: 'subscribe', stream: 'quotes/nyse:presence' })).toMatchObject({
      code: 'unknown_channel',
    });
    expect(await eve.fail({ type: 'subscribe', stream: 'chat/lobby:presenc' })).toMatchObject({
      code: 'unknown_channel',
    });
    const plain = new World();
    const ada = await plain.enter();
    expect(await ada.fail({ type: 'subscribe', stream: PRESENCE })).toMatchObject({ code: 'unknown_channel' });
    // Nobody writes it but the server.
    const change = { type: 'change' as const, stream: PRESENCE, producer: 'p', seq: 1, delete: ['user/ada'] };
    expect(await eve.fail(change)).toMatchObject({ code: 'forbidden' });
  });

  it('shows another name after a refresh', async () => {
    let name = 'A';
    const world = presenceWorld({
      authenticate: async (token) => ({ id: String(token), user: { id: token }, publicUser: name }),
    });
    const seen = await watcher(world);
    const ada = await come(world, 'ada');
    await world.passMs(50);
    name = 'B';
    await ada.do({ type: 'refresh', token: 'ada' });
    await world.passMs(50);
    seen.look();
    expect(seen.view.rows.get('user/ada')?.user).toBe('B');
  });

  it('counts users whose ids make no key, and shows them not; both sides of 251 bytes', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    await come(world, 'x'.repeat(251));
    await come(world, 'y'.repeat(252));
    await world.passMs(50);
    expect(seen.look()).toEqual({ count: 2, keys: [`user/${'x'.repeat(251)}`] });
  });
});

describe('PRS-2: a leave counts after the grace', () => {
  it('to the millisecond, and a reconnect before that shows nothing', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    const since = world.clock.nowMs();
    const ada = await come(world, 'ada');
    await world.passMs(50);
    seen.look();
    const at = seen.view.position;
    ada.vanish();
    await world.passMs(GRACE_MS - 1);
    const again = await come(world, 'ada');
    await world.passMs(3 * GRACE_MS);
    seen.look();
    expect(seen.view.position).toBe(at);
    expect(seen.view.rows.get('user/ada')).toEqual({ user: 'ada', since });
    again.vanish();
    await world.passMs(GRACE_MS);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/ada'] });
    await world.passMs(50);
    expect(seen.look()).toEqual({ count: 0, keys: [] });
  });

  it('a connection that is half open is gone with its death, and the grace', async () => {
    const world = presenceWorld({ pingMs: 1_000 });
    const seen = await watcher(world);
    await come(world, 'ada');
    await world.passMs(50);
    // Ada says nothing any more; the watcher does.
    for (let second = 0; second < 9; second += 1) {
      seen.peer.say({ type: 'pong' });
      await world.passMs(1_000);
    }
    expect(seen.look()).toEqual({ count: 0, keys: [] });
  });

  it('who comes back in the step in which they would be gone stays, with a new beginning', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    const ada = await come(world, 'ada');
    await world.passMs(50);
    ada.vanish();
    world.clock.advanceMs(GRACE_MS);
    await come(world, 'ada');
    const since = world.clock.nowMs();
    await world.passMs(100);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/ada'] });
    expect(seen.view.rows.get('user/ada')?.since).toBe(since);
  });

  it('a restart leaves nobody behind: the table has another epoch', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    await come(world, 'ada');
    await world.passMs(50);
    seen.look();
    const after = presenceWorld({ store: world.store, randomId: () => 'next' });
    const bob = await after.enter('bob');
    await come(after, 'bob');
    await after.passMs(50);
    const id = bob.request({
      type: 'subscribe',
      stream: PRESENCE,
      after: { epoch: String(seen.view.epoch), offset: seen.view.position },
    });
    await after.settle();
    const view = new TableView().take(bob.connection.fresh(), id);
    expect([view.resets, [...view.rows.keys()].sort()]).toEqual([1, ['summary', 'user/bob']]);
  });
});

describe('PRS-3: who looks elsewhere', () => {
  it('is not present while it is away, and is again when it looks', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    const ada = await world.enter('ada');
    const ok = await ada.do({ type: 'subscribe', stream: LOBBY, away: true });
    expect(ok).toMatchObject({ kind: 'log', presence: true });
    await world.passMs(50);
    expect(seen.look().count).toBe(0);
    await ada.do({ type: 'tune', stream: LOBBY, away: false });
    await ada.do({ type: 'tune', stream: LOBBY, away: false });
    await world.passMs(50);
    expect(seen.look().count).toBe(1);
    await ada.do({ type: 'tune', stream: LOBBY, away: true });
    await world.passMs(GRACE_MS + 50);
    expect(seen.look().count).toBe(0);
    ada.vanish();
    await world.passMs(GRACE_MS + 50);
    expect(seen.look().count).toBe(0);
  });

  it('means nothing where there is no presence, and other things of a log cannot be tuned', async () => {
    const world = new World();
    const ada = await world.enter();
    const id = ada.request({ type: 'subscribe', stream: LOBBY, away: true });
    await world.settle();
    expect(ada.answerTo(id)).not.toHaveProperty('presence');
    await ada.do({ type: 'tune', stream: LOBBY, away: false });
    expect(await ada.fail({ type: 'tune', stream: LOBBY, paused: true })).toMatchObject({ code: 'invalid' });
  });
});

describe('PRS-4: rights', () => {
  it('who may no longer subscribe is gone at once, without a grace', async () => {
    const rule = new Rule();
    const world = presenceWorld({ chat: { authorize: rule.authorize } });
    const seen = await watcher(world);
    await come(world, 'ada');
    await come(world, 'bob');
    await world.passMs(50);
    rule.denied.add('ada');
    await world.engine.revoke('ada', LOBBY);
    await world.passMs(50);
    expect(seen.look()).toEqual({ count: 1, keys: ['user/bob'] });
  });

  it('so is who has no connection at that moment', async () => {
    const rule = new Rule();
    const world = presenceWorld({ chat: { authorize: rule.authorize } });
    const seen = await watcher(world);
    const ada = await come(world, 'ada');
    await world.passMs(50);
    ada.vanish();
    await world.engine.revoke('ada');
    await world.passMs(50);
    expect(seen.look().count).toBe(0);
  });

  it('who may no longer see who is there is told no more: a revocation of the log reaches what stands beside it', async () => {
    const rule = new Rule();
    const world = presenceWorld({ chat: { authorize: rule.authorize } });
    const seen = await watcher(world);
    rule.denied.add('watcher presence');
    expect(await world.engine.revoke('watcher', LOBBY)).toEqual({ ended: 1 });
    await come(world, 'ada');
    await world.passMs(50);
    expect(seen.peer.connection.fresh().map(({ type }) => type)).toEqual(['ended']);
  });
});

describe('PRS-5: large crowds', () => {
  async function crowd(count: number) {
    const world = presenceWorld();
    const seen = await watcher(world);
    const peers: Peer[] = [];
    for (let n = 0; n < count; n += 1) {
      const peer = world.connect();
      peer.say({ type: 'hello', version: 1, token: `u${n}` }, { type: 'subscribe', id: 1, stream: LOBBY });
      peers.push(peer);
    }
    await world.settle();
    await world.passMs(50);
    return { world, seen, peers };
  }

  it('1,000 members have a row each', async () => {
    const { seen } = await crowd(1_000);
    const { count, keys } = seen.look();
    expect([count, keys.length]).toEqual([1_000, 1_000]);
  });

  it('of 1,001 it is 1,000 that have one, the count is of all, and who leaves makes room', async () => {
    const { world, seen, peers } = await crowd(1_001);
    const first = seen.look();
    expect([first.count, first.keys.length, first.keys.includes('user/u1000')]).toEqual([1_001, 1_000, false]);
    expect(world.engine.presence.of(LOBBY).people).toHaveLength(1_000);
    peers[3]?.vanish();
    await world.passMs(GRACE_MS + 50);
    const then = seen.look();
    expect([then.count, then.keys.length, then.keys.includes('user/u3')]).toEqual([1_000, 1_000, false]);
    expect(then.keys.includes('user/u1000')).toBe(true);
  });
});

describe('what is left', () => {
  it('is nothing when nobody is there and nobody looks', async () => {
    const world = presenceWorld();
    const ada = await come(world, 'ada');
    await world.passMs(50);
    ada.vanish();
    await world.passMs(GRACE_MS + 2_000);
    expect(await world.engine.memory.readRow(PRESENCE, 'summary')).toBeNull();
    const timers = world.clock.timers;
    await come(world, 'bob');
    await world.passMs(50);
    expect(await world.engine.memory.readRow(PRESENCE, 'user/bob')).not.toBeNull();
    expect(world.clock.timers).toBe(timers);
  });

  it('random comings and goings: what is shown is who is there or was there within the grace', async () => {
    const world = presenceWorld();
    const seen = await watcher(world);
    let state = 12_345;
    const random = (below: number) => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state % below;
    };
    const peers = new Map<string, Peer[]>();
    const leftMs = new Map<string, number>();
    for (let step = 0; step < 400; step += 1) {
      const user = `u${random(6)}`;
      const tabs = peers.get(user) ?? [];
      peers.set(user, tabs);
      if (random(2) === 0) tabs.push(await come(world, user));
      else if (tabs.length > 0) {
        tabs.splice(random(tabs.length), 1)[0]?.vanish();
        if (tabs.length === 0) leftMs.set(user, world.clock.nowMs());
      }
      await world.passMs([10, 60, 700, 6_000][random(4)] as number);
      // A step may still be on its way.
      const now = world.clock.nowMs();
      if (random(3) > 0) continue;
      await world.passMs(50);
      const { count, keys } = seen.look();
      const sure = [...peers].filter(([, open]) => open.length > 0).map(([name]) => `user/${name}`);
      const maybe = [...leftMs].filter(([, at]) => at + GRACE_MS + 50 >= now).map(([name]) => `user/${name}`);
      expect(keys).toEqual(expect.arrayContaining(sure));
      expect([...sure, ...maybe]).toEqual(expect.arrayContaining(keys));
      expect(count).toBe(keys.length);
    }
  });
});
