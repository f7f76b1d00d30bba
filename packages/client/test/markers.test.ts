// MRK at the client: who has read what, badges, and how often marks are sent, against the core's own engine.

import type { StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { EngineWorld } from './support/engine-world.js';

async function rooms() {
  const world = new EngineWorld();
  const [ada, bob] = [world.join('ada'), world.join('bob')];
  const [mine, theirs] = [ada.channel.chat('lobby'), bob.channel.chat('lobby')];
  const say = async (count: number) => {
    for (let n = 0; n < count; n += 1) void theirs.publish({ text: `m${n}` });
    await world.pass(3_000);
  };
  const marks = () => world.connections.flatMap((one) => one.of('mark')).map(({ offset }) => offset);
  return { world, ada, bob, mine, theirs, say, marks };
}

describe('marks', () => {
  it('are sent at once and then at most once a second, the highest; never a lower one', async () => {
    const { world, mine, say, marks } = await rooms();
    await say(20);
    for (let n = 1; n <= 20; n += 1) {
      mine.mark(n);
      await world.pass(100);
    }
    await world.pass(5_000);
    mine.mark(3);
    await world.pass(5_000);
    expect(marks()).toEqual([1, 10, 20]);
    expect(world.problems).toEqual([]);
  });

  it('are seen by others, with who has read what', async () => {
    const { world, mine, theirs, say } = await rooms();
    await say(5);
    theirs.readers.subscribe(() => {});
    mine.mark(3);
    theirs.mark(5);
    await world.pass(1_000);
    const { readers, seenBy, state } = theirs.readers.snapshot();
    expect(state).toBe('live');
    expect(readers.toSorted((a, b) => a.offset - b.offset)).toEqual([
      { user: 'ada', offset: 3 },
      { user: 'bob', offset: 5 },
    ]);
    expect([1, 3, 4, 5, 6].map((offset) => seenBy(offset).length)).toEqual([2, 2, 1, 1, 0]);
    expect(theirs.readers.snapshot()).toBe(theirs.readers.snapshot());
  });

  it('wait for the line, are sent again over a lost one, and keep it open until then', async () => {
    const { world, mine, theirs, say } = await rooms();
    await say(5);
    await world.pass(5_000);
    world.accepts = false;
    mine.mark(4);
    await world.pass(5_000);
    world.accepts = true;
    await world.pass(60_000);
    theirs.readers.subscribe(() => {});
    await world.pass(100);
    expect(theirs.readers.snapshot().readers).toEqual([{ user: 'ada', offset: 4 }]);
  });

  it('that were made while the line was down are one when it is back, and what comes then waits its second', async () => {
    const { world, mine, say, marks } = await rooms();
    await say(20);
    world.accepts = false;
    for (const connection of [...world.openConnections]) connection.end(1006, false);
    for (let n = 1; n <= 10; n += 1) {
      mine.mark(n);
      await world.pass(2_000);
    }
    world.accepts = true;
    await world.pass(60_000);
    expect(marks()).toEqual([1, 10]);
    expect(world.problems).toEqual([]);
  });

  it('begin anew with the history of the log', async () => {
    const { world, mine, theirs, say } = await rooms();
    mine.open();
    theirs.readers.subscribe(() => {});
    await say(20);
    mine.mark(20);
    await world.pass(2_000);
    await world.broker.remove('chat/lobby' as StreamName);
    mine.readers.subscribe(() => {});
    await say(5);
    expect(mine.snapshot().entries.at(-1)?.offset).toBe(5);
    // The row of before is still there; where the log is not open nobody knows that it says nothing any more.
    expect(mine.readers.snapshot()).toMatchObject({ state: 'live', readers: [] });
    expect(mine.readers.snapshot()).toBe(mine.readers.snapshot());
    mine.mark(4);
    await world.pass(2_000);
    expect(theirs.readers.snapshot().readers).toEqual([{ user: 'ada', offset: 4 }]);
  });

  it('that wait for the line are none of the history that began meanwhile', async () => {
    const { world, mine, theirs, say } = await rooms();
    mine.open();
    await say(20);
    world.accepts = false;
    for (const connection of [...world.openConnections]) connection.end(1006, false);
    mine.mark(4);
    await world.broker.remove('chat/lobby' as StreamName);
    await world.pass(1_000);
    for (let n = 0; n < 5; n += 1) void theirs.publish({ text: `n${n}` });
    world.accepts = true;
    await world.pass(60_000);
    theirs.readers.subscribe(() => {});
    await world.pass(2_000);
    expect([mine.snapshot().entries.length, theirs.readers.snapshot().readers]).toEqual([5, []]);
    expect(world.problems).toEqual([]);
  });

  it('two tabs of a user that mark together are told to wait, and come to the same', async () => {
    const { world, mine, theirs, say } = await rooms();
    const tab = world.join('ada').channel.chat('lobby');
    await say(5);
    mine.mark(3);
    tab.mark(5);
    theirs.readers.subscribe(() => {});
    await world.pass(5_000);
    expect(theirs.readers.snapshot().readers).toEqual([{ user: 'ada', offset: 5 }]);
    expect(world.problems).toEqual([]);
  });

  it('that are refused are told to onProblem; a follow rejects', async () => {
    const { world, mine } = await rooms();
    mine.mark(7);
    await world.pass(1_000);
    expect(world.problems).toMatchObject([{ source: 'server', cause: { code: 'conflict' } }]);
    const refused = new EngineWorld({ chat: { authorize: () => false } });
    const promise = refused.join('ada').channel.chat('lobby').follow();
    const seen = promise.catch((error: unknown) => error);
    await refused.pass(1_000);
    expect(await seen).toMatchObject({ code: 'forbidden' });
  });

  it('that were refused are not sent again, but for who marks once more', async () => {
    let isAllowed = false;
    const world = new EngineWorld({ chat: { authorize: (_user, _params, action) => action !== 'mark' || isAllowed } });
    const mine = world.join('ada').channel.chat('lobby');
    const marks = () => world.connections.flatMap((one) => one.of('mark')).map(({ offset }) => offset);
    for (let n = 0; n < 3; n += 1) void mine.publish({ text: `m${n}` });
    mine.readers.subscribe(() => {});
    await world.pass(2_000);
    mine.mark(2);
    await world.pass(10_000);
    expect([marks(), world.problems]).toMatchObject([[2], [{ cause: { code: 'forbidden' } }]]);
    isAllowed = true;
    mine.mark(2);
    await world.pass(2_000);
    expect(mine.readers.snapshot().readers).toEqual([{ user: 'ada', offset: 2 }]);
    mine.mark(2);
    await world.pass(2_000);
    expect(marks()).toEqual([2, 2]);
  });
});

describe('unread', () => {
  it('is a badge for each log, over one subscription to none of them', async () => {
    const { world, ada, bob, mine, say } = await rooms();
    const badges = ['lobby', 'kitchen', 'attic'].map((room) => ada.channel.chat(room).unread);
    for (const badge of badges) badge.subscribe(() => {});
    ada.unread.subscribe(() => {});
    void mine.follow();
    void ada.channel.chat('attic').follow();
    await world.pass(100);
    await say(3);
    for (let n = 0; n < 2; n += 1) void bob.channel.chat('attic').publish({ text: 'hi' });
    await world.pass(3_000);
    expect(badges.map((badge) => badge.snapshot())).toEqual([
      { unread: 3, more: false, mark: 0, isFollowing: true },
      { unread: 0, more: false, mark: 0, isFollowing: false },
      { unread: 2, more: false, mark: 0, isFollowing: true },
    ]);
    expect([...ada.unread.snapshot().logs].sort()).toEqual([
      ['chat/attic', { unread: 2, more: false, mark: 0 }],
      ['chat/lobby', { unread: 3, more: false, mark: 0 }],
    ]);
    const asked = world.connections.flatMap((one) => one.of('subscribe')).map(({ stream }) => stream);
    expect(asked).toEqual([':unread']);
  });

  it('falls with a mark on any device, and ends with an unfollow', async () => {
    const { world, ada, mine, say } = await rooms();
    mine.unread.subscribe(() => {});
    void mine.follow();
    await world.pass(100);
    await say(3);
    world.join('ada').channel.chat('lobby').mark(2);
    await world.pass(1_000);
    expect(mine.unread.snapshot()).toEqual({ unread: 1, more: false, mark: 2, isFollowing: true });
    void mine.unfollow();
    await world.pass(1_000);
    expect(mine.unread.snapshot()).toEqual({ unread: 0, more: false, mark: 0, isFollowing: false });
    expect(ada.unread).toBe(ada.unread);
    expect(mine.unread.serverSnapshot()).toEqual({ unread: 0, more: false, mark: 0, isFollowing: false });
  });

  it('is the same after a lost line', async () => {
    const { world, mine, say } = await rooms();
    mine.unread.subscribe(() => {});
    void mine.follow();
    await world.pass(100);
    for (const connection of [...world.openConnections]) connection.end(1006, false);
    await say(4);
    await world.pass(30_000);
    expect(mine.unread.snapshot()).toMatchObject({ unread: 4, isFollowing: true });
  });
});
