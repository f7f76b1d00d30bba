// MRK: how far users have read, and what they have not. Seen from outside: what a subscriber of `:unread` and `…:markers` is told.

import { type Broker, BrokerUnavailableError, memoryBroker } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { StreamName } from '@trunkline/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_UNREAD } from '../src/unread-count.js';
import { Rule } from './support/rule.js';
import { TableView } from './support/table-view.js';
import { LOBBY, MARKERS, type Peer, World, type WorldOptions } from './support/world.js';

const OTHER = 'chat/other' as StreamName;
const MARKS = `${LOBBY}:markers` as StreamName;
let producers = 0;

function markedWorld(options: WorldOptions = {}) {
  const limits = { publishRatePerSecond: 100_000, publishBurst: 100_000, ...options.limits };
  return new World({ ...options, limits, chat: { markers: MARKERS, ...options.chat } });
}

/** A user who looks at what they have not read. */
async function reader(world: World, user = 'ada') {
  const peer = await world.enter(user);
  const view = new TableView();
  const subscribe = async () => {
    const id = peer.request({ type: 'subscribe', stream: ':unread' });
    await world.settle();
    view.take(peer.connection.fresh(), id);
  };
  await subscribe();
  const look = () => {
    view.take(peer.connection.fresh());
    return Object.fromEntries(view.sorted);
  };
  return { peer, view, look, count: (log: string = LOBBY) => look()[log] as unknown };
}

/** Somebody who sees how far others have read: the rows, as they are now. */
async function onlooker(world: World, user = 'bob') {
  const peer = await world.enter(user);
  const id = peer.request({ type: 'subscribe', stream: MARKS });
  await world.settle();
  const view = new TableView().take(peer.connection.fresh(), id);
  return () => view.take(peer.connection.fresh()).sorted;
}

/** So many entries of a user, or of the server. */
async function publish(world: World, user: string | null, count: number, stream = LOBBY): Promise<void> {
  const entries = Array.from({ length: count }, (_, seq) => ({
    at: world.clock.nowMs(),
    data: '{}',
    user: user === null ? null : JSON.stringify(user),
    ...(user === null ? {} : { owner: user, source: { producer: `${user}/p${producers}`, seq: seq + 1 } }),
  }));
  producers += 1;
  await world.store.append(stream, entries);
  await world.settle();
}

const row = (unread: number, mark = 0, more = false) => ({ unread, more, mark });
const mark = (peer: Peer, offset: number, stream: string = LOBBY) => peer.do({ type: 'mark', stream, offset });

describe('MRK-1: marks', () => {
  it('move forward only, are seen by others, and outlive the server (MRK-2)', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 5);
    const ada = await world.enter('ada');
    const seen = await onlooker(world);
    await mark(ada, 3);
    await world.passMs(1_000);
    await mark(ada, 2);
    await world.settle();
    expect(seen()).toEqual([['ada', { offset: 3, user: 'ada', epoch: 'epoch-1' }]]);
    await world.passMs(1_000);
    await mark(ada, 5);
    const after = markedWorld({ store: world.store });
    const again = await onlooker(after, 'eve');
    expect(again()).toMatchObject([['ada', { offset: 5 }]]);
  });

  it('at the head, not beyond it', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 5);
    const ada = await world.enter();
    expect(await ada.fail({ type: 'mark', stream: LOBBY, offset: 6 })).toMatchObject({ code: 'conflict' });
    await world.passMs(1_000);
    await mark(ada, 5);
  });

  it('of another epoch than the log’s change nothing, wherever they stand', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 5);
    const ada = await world.enter('ada');
    const seen = await onlooker(world);
    for (const offset of [3, 6]) {
      await ada.do({ type: 'mark', stream: LOBBY, offset, epoch: 'epoch-0' });
      await world.passMs(1_000);
    }
    expect(seen()).toEqual([]);
    await ada.do({ type: 'mark', stream: LOBBY, offset: 2, epoch: 'epoch-1' });
    await world.settle();
    expect(seen()).toEqual([['ada', { offset: 2, user: 'ada', epoch: 'epoch-1' }]]);
  });

  it('one a second for each user and log, to the millisecond', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 5);
    await publish(world, 'bob', 5, OTHER);
    const [ada, tab, bob] = [await world.enter(), await world.enter(), await world.enter('bob')];
    await mark(ada, 1);
    await mark(bob, 1);
    await mark(ada, 1, OTHER);
    world.clock.advanceMs(999);
    const refused = await tab.fail({ type: 'mark', stream: LOBBY, offset: 2 });
    expect(refused).toMatchObject({ code: 'rate_limited', afterMs: 1, retry: true });
    world.clock.advanceMs(1);
    await mark(tab, 2);
  });

  it('need a log that has them, the right to (MRK-2), and names that make keys', async () => {
    const rule = new Rule();
    rule.denied.add('eve mark');
    const world = markedWorld({ chat: { authorize: rule.authorize } });
    const eve = await world.enter('eve');
    expect(await eve.fail({ type: 'mark', stream: LOBBY, offset: 0 })).toMatchObject({ code: 'forbidden' });
    expect(await eve.fail({ type: 'mark', stream: 'quotes/nyse', offset: 0 })).toMatchObject({ code: 'invalid' });
    const [fits, not] = [await world.enter('x'.repeat(256)), await world.enter('x'.repeat(257))];
    await mark(fits, 0);
    expect(await not.fail({ type: 'mark', stream: LOBBY, offset: 0 })).toMatchObject({ code: 'too_large' });
    const [name, longer] = [`chat/${'r'.repeat(251)}`, `chat/${'r'.repeat(252)}`];
    await mark(await world.enter(), 0, name);
    expect(await eve.fail({ type: 'follow', stream: longer })).toMatchObject({ code: 'too_large' });
    const plain = await new World().enter();
    expect(await plain.fail({ type: 'mark', stream: LOBBY, offset: 0 })).toMatchObject({ code: 'invalid' });
  });
});

describe('MRK-3: following', () => {
  it('begins with the first mark or a follow, and ends with an unfollow, which marks do not change', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 10);
    const ada = await reader(world);
    expect(ada.look()).toEqual({});
    await mark(ada.peer, 4);
    await world.settle();
    expect(ada.count()).toEqual(row(6, 4));
    await ada.peer.do({ type: 'unfollow', stream: LOBBY });
    await world.passMs(1_000);
    expect(ada.look()).toEqual({});
    await mark(ada.peer, 5);
    await world.settle();
    expect(ada.look()).toEqual({});
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await world.settle();
    expect(ada.count()).toEqual(row(0, 10));
    await publish(world, 'bob', 1);
    await world.passMs(1_000);
    expect(ada.count()).toEqual(row(1, 10));
  });

  it('is the same on all of a user’s connections, and after a restart', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 3);
    const [phone, laptop] = [await reader(world), await reader(world)];
    await mark(phone.peer, 1);
    await world.settle();
    expect([phone.count(), laptop.count()]).toEqual([row(2, 1), row(2, 1)]);
    const later = await reader(markedWorld({ store: world.store }));
    expect(later.count()).toEqual(row(2, 1));
  });

  it('of 1,000 logs is fine, of one more too large', async () => {
    const world = markedWorld();
    const store = world.store.change(':follows/ada' as StreamName, [
      ...Array.from({ length: 999 }, (_, n) => ({ key: `chat/r${n}`, set: '{"mark":0,"epoch":null}' })),
    ]);
    await store;
    const ada = await world.enter();
    await ada.do({ type: 'follow', stream: 'chat/last' });
    expect(await ada.fail({ type: 'follow', stream: 'chat/more' })).toMatchObject({ code: 'too_large' });
  });
});

describe('MRK-4: unread counts', () => {
  it('are exact up to 99, then say that there are more', async () => {
    const world = markedWorld();
    const ada = await reader(world);
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await publish(world, 'bob', 99);
    await world.passMs(1_000);
    expect(ada.count()).toEqual(row(99));
    await publish(world, 'bob', 1);
    await world.passMs(1_000);
    expect(ada.count()).toEqual(row(99, 0, true));
    await publish(world, 'bob', 500);
    await world.passMs(1_000);
    await mark(ada.peer, 501);
    await world.settle();
    expect(ada.count()).toEqual(row(99, 501));
    await world.passMs(1_000);
    await mark(ada.peer, 600);
    await world.settle();
    expect(ada.count()).toEqual(row(0, 600));
  });

  it('do not count what is one’s own, however much it is, nor records of amendments', async () => {
    const world = markedWorld();
    await publish(world, 'bob', 7);
    await publish(world, 'ada', 1_500);
    const ada = await reader(world);
    await mark(ada.peer, 2);
    await world.settle();
    expect(ada.count()).toEqual(row(5, 2));
    await publish(world, 'ada', 600);
    await publish(world, null, 2);
    await world.passMs(1_000);
    expect(ada.count()).toEqual(row(7, 2));
    await world.store.amend(LOBBY, {
      offset: 3,
      expects: 0,
      data: '{"edited":true}',
      state: '{}',
      at: world.clock.nowMs(),
      user: '"bob"',
      owner: 'bob',
    });
    await publish(world, 'bob', 1);
    await world.passMs(2_000);
    expect(ada.count()).toEqual(row(8, 2));
  });

  it('come without a subscription to any log: many logs are one table, of one watch each', async () => {
    const world = markedWorld();
    const ada = await reader(world);
    for (let n = 0; n < 50; n += 1) await ada.peer.do({ type: 'follow', stream: `chat/r${n}` });
    const bob = await reader(world, 'bob');
    for (let n = 0; n < 50; n += 1) await bob.peer.do({ type: 'follow', stream: `chat/r${n}` });
    await world.settle();
    // One for each log, and one for what each of the two follows.
    expect(world.broker.watches).toBe(52);
    for (let n = 0; n < 50; n += 1) await publish(world, 'eve', n % 3, `chat/r${n}` as StreamName);
    await world.passMs(2_000);
    const counts = ada.look();
    for (let n = 0; n < 50; n += 1) expect(counts[`chat/r${n}`]).toEqual(row(n % 3));
    expect(world.engine.hub.activeStreams).toBe(2);
    ada.peer.vanish();
    bob.peer.vanish();
    await world.passMs(40_000);
    expect(world.broker.watches).toBe(0);
  });

  it('are told at most once a second, however much is published', async () => {
    const world = markedWorld();
    const ada = await reader(world);
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await world.settle();
    ada.look();
    const before = ada.view.slices.length;
    for (let n = 0; n < 50; n += 1) {
      await publish(world, 'bob', 1);
      world.clock.advanceMs(100);
      await world.settle();
    }
    ada.look();
    expect(ada.view.slices.length - before).toBeLessThanOrEqual(6);
    await world.passMs(1_000);
    expect(ada.count()).toEqual(row(50));
  });

  it('follow what is no longer kept', async () => {
    const world = markedWorld({ chat: { retain: { entries: 10 } } });
    const ada = await reader(world);
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await publish(world, 'bob', 30);
    await world.store.append(LOBBY, [], { retain: { entries: 10 } });
    await world.passMs(35_000);
    expect(ada.count()).toEqual(row(10));
  });

  it('begin anew where the log has another history', async () => {
    const world = markedWorld();
    const ada = await reader(world);
    await publish(world, 'bob', 5);
    await mark(ada.peer, 5);
    await world.settle();
    await world.store.remove(LOBBY);
    await publish(world, 'bob', 2);
    await world.passMs(2_000);
    expect(ada.count()).toEqual(row(2, 0));
    await mark(ada.peer, 1);
    await world.settle();
    expect(ada.count()).toEqual(row(1, 1));
  });
});

describe('what is stored while it is read', () => {
  it('is counted: the answer of before does not undo what was told since', async () => {
    const store = memoryBroker();
    let answer = () => {};
    const slow: Broker = {
      ...forwards(store),
      readRows: async (...given) => {
        const page = await store.readRows(...given);
        if (String(given[0]).startsWith(':follows/')) await new Promise<void>((resolve) => (answer = resolve));
        return page;
      },
    };
    const world = markedWorld({ store: slow });
    await publish(world, 'bob', 5);
    const ada = await world.enter();
    const id = ada.request({ type: 'subscribe', stream: ':unread' });
    await world.settle();
    await mark(ada, 2);
    // The first answer is of a table without a row; it is asked once more, as something came meanwhile.
    for (let times = 3; times > 0; times--) {
      answer();
      await world.settle();
    }
    const view = new TableView().take(ada.connection.fresh(), id);
    expect(Object.fromEntries(view.sorted)).toEqual({ [LOBBY]: row(3, 2) });
  });

  it('and where the broker failed meanwhile, within 30 s', async () => {
    const store = memoryBroker();
    let isBroken = false;
    const failing: Broker = {
      ...forwards(store),
      readRows: async (...given) => {
        if (isBroken) throw new BrokerUnavailableError('not now');
        return store.readRows(...given);
      },
      // What changed is not said, so that it has to be read.
      watch: (stream, onAdvance) =>
        store.watch(stream, ({ rows, gone, ...advance }) => onAdvance(rows === undefined ? { ...advance } : advance)),
    };
    const world = markedWorld({ store: failing });
    await publish(world, 'bob', 5);
    const ada = await reader(world);
    isBroken = true;
    await mark(ada.peer, 2);
    expect(ada.count()).toBeUndefined();
    isBroken = false;
    await world.passMs(31_000);
    expect(ada.count()).toEqual(row(3, 2));
  });
});

describe('MRK-5: whose they are', () => {
  it('only the user’s own: by name too, and nobody else’s', async () => {
    const world = markedWorld();
    const ada = await world.enter('ada/ü');
    await ada.do({ type: 'subscribe', stream: ':unread/ada%2F%C3%BC' });
    expect(await ada.fail({ type: 'subscribe', stream: ':unread' })).toMatchObject({ code: 'conflict' });
    await ada.do({ type: 'unsubscribe', stream: ':unread' });
    expect(await ada.fail({ type: 'subscribe', stream: ':unread/bob' })).toMatchObject({ code: 'forbidden' });
    for (const stream of [':follows/ada', ':unread/a/b', ':unread/', ':', ':x']) {
      expect(await ada.fail({ type: 'subscribe', stream })).toMatchObject({ code: 'unknown_channel' });
    }
  });

  it('a log that the user may no longer read shows no count, and shows it again when they may', async () => {
    const rule = new Rule();
    const world = markedWorld({ chat: { authorize: rule.authorize } });
    const ada = await reader(world);
    await ada.peer.do({ type: 'follow', stream: LOBBY });
    await ada.peer.do({ type: 'follow', stream: OTHER });
    await publish(world, 'bob', 2);
    await publish(world, 'bob', 3, OTHER);
    await world.passMs(1_000);
    expect(ada.look()).toEqual({ [LOBBY]: row(2), [OTHER]: row(3) });
    rule.denied.add('ada lobby');
    const open = rule.hold();
    void world.engine.revoke('ada', LOBBY);
    await publish(world, 'bob', 1);
    await world.passMs(2_000);
    // In doubt: nothing new is told.
    expect(ada.count()).toEqual(row(2));
    open();
    await world.settle();
    expect(ada.look()).toEqual({ [OTHER]: row(3) });
    await publish(world, 'bob', 1);
    await world.passMs(2_000);
    expect(ada.look()).toEqual({ [OTHER]: row(3) });
    rule.denied.clear();
    await world.engine.revoke('ada');
    await world.settle();
    expect(ada.look()).toEqual({ [LOBBY]: row(4), [OTHER]: row(3) });
    // Who comes later is judged at once.
    rule.denied.add('bob');
    const bob = await world.enter('bob');
    await world.store.change(':follows/bob' as StreamName, [{ key: LOBBY, set: '{"mark":0,"epoch":"epoch-1"}' }]);
    const id = bob.request({ type: 'subscribe', stream: ':unread' });
    await world.settle();
    expect(new TableView().take(bob.connection.fresh(), id).sorted).toEqual([]);
  });

  it('a broker that fails refuses for now, and is asked again', async () => {
    const world = markedWorld();
    await world.store.change(':follows/ada' as StreamName, [{ key: LOBBY, set: '{"mark":0,"epoch":null}' }]);
    const ada = await world.enter();
    world.broker.faults.set('readRows', 'before');
    expect(await ada.fail({ type: 'subscribe', stream: ':unread' })).toMatchObject({ code: 'unavailable' });
    world.broker.faults.clear();
    await ada.do({ type: 'subscribe', stream: ':unread' });
  });
});

describe('for any sequence of publishes, marks, trims and reconnects', () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        user: fc.constantFrom('ada', 'bob', null),
        count: fc.constantFrom(1, 3, 40, 130, 600),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('mark' as const), back: fc.nat(300) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('trim' as const), keep: fc.constantFrom(1, 50, 120, 1_000) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('amend' as const), back: fc.nat(100) }) },
    { weight: 1, arbitrary: fc.constant({ do: 'reconnect' as const }) },
    { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(10, 300, 1_000, 3_000) }),
    },
  );

  /** min(99, true count), by the store alone. */
  async function truth(store: Broker, mark: number) {
    const page = await store.readBack(LOBBY, undefined, { entries: 100_000 });
    const count = page.entries.filter(
      ({ offset, owner, amends }) => offset > mark && owner !== 'ada' && amends === undefined,
    ).length;
    return { unread: Math.min(count, MAX_UNREAD), more: count > MAX_UNREAD };
  }

  it('the shown count is min(99, true count)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        let world = markedWorld();
        let ada = await reader(world);
        await ada.peer.do({ type: 'follow', stream: LOBBY });
        let marked = 0;
        for (const one of steps) {
          const { offset: head, floor } = await world.store.readBack(LOBBY, undefined, { entries: 1 });
          if (one.do === 'publish') await publish(world, one.user, one.count);
          else if (one.do === 'mark') {
            const offset = Math.max(0, head - one.back);
            await world.passMs(1_000);
            await mark(ada.peer, offset);
            marked = Math.max(marked, offset);
          } else if (one.do === 'trim') await world.store.append(LOBBY, [], { retain: { entries: one.keep } });
          else if (one.do === 'amend') {
            const offset = Math.max(floor + 1, head - one.back);
            const known = (await world.store.readBack(LOBBY, offset + 1, { entries: 1 })).entries.at(-1);
            if (known?.offset !== offset || known.amends !== undefined) continue;
            const expects = known.amended?.offset ?? 0;
            const change = { offset, expects, data: '{"e":1}', state: `{"n":${head}}`, at: 1, user: null };
            await world.store.amend(LOBBY, change);
          } else if (one.do === 'reconnect') {
            ada.peer.vanish();
            ada = await reader(world);
          } else if (one.do === 'restart') {
            world = markedWorld({ store: world.store, clock: world.clock });
            ada = await reader(world);
          } else await world.passMs(one.ms);
          await world.settle();
        }
        // A look for what is no longer kept comes twice a minute.
        await world.passMs(32_000);
        expect(ada.count()).toEqual({ ...(await truth(world.store, marked)), mark: marked });
      }),
      { numRuns: 40 },
    );
  });
});
