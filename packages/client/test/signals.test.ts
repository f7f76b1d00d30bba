// SIG at the client: what is sent how often, what is shown for how long, against the core's own engine.

import { describe, expect, it } from 'vitest';
import { EngineWorld } from './support/engine-world.js';

async function talking() {
  const world = new EngineWorld();
  const [ada, bob] = [world.join('ada'), world.join('bob')];
  const [from, to] = [ada.channel.chat('lobby'), bob.channel.chat('lobby')];
  from.open();
  const typing = to.signals('typing', { filter: ({ on }) => on });
  let calls = 0;
  const leave = typing.subscribe(() => {
    calls += 1;
  });
  await world.pass(100);
  const connection = world.connections.find(({ received }) =>
    received.some((message) => message.type === 'hello' && message.token === 'ada'),
  );
  if (connection === undefined) throw new Error('ada has not connected');
  const shown = () => typing.snapshot().map(({ user }) => user);
  return { world, ada, bob, from, to, typing, leave, shown, calls: () => calls, sent: () => connection.of('signal') };
}

describe('signals', () => {
  it('SIG-3: show who signalled, with the data and when it came, until they are old', async () => {
    const { world, from, typing, shown } = await talking();
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(typing.snapshot()).toEqual([{ user: 'ada', data: { on: true }, at: world.clock.nowMs() - 10 }]);
    await world.pass(4_989);
    expect(shown()).toEqual(['ada']);
    await world.pass(1);
    expect(shown()).toEqual([]);
  });

  it('live on when they are repeated, and go when the filter says so', async () => {
    const { world, from, shown } = await talking();
    from.signal('typing', { on: true });
    await world.pass(4_000);
    from.signal('typing', { on: true });
    await world.pass(4_000);
    expect(shown()).toEqual(['ada']);
    from.signal('typing', { on: false });
    await world.pass(10);
    expect(shown()).toEqual([]);
  });

  it('SIG-4: are sent at once, and then at most once in 1,000 ms, the newest; each name by itself', async () => {
    const { world, from, sent } = await talking();
    for (let n = 0; n < 30; n += 1) {
      from.signal('wave', n);
      if (n === 10) from.signal('typing', { on: true });
      await world.pass(100);
    }
    await world.pass(5_000);
    expect(sent().map(({ name, data }) => [name, data])).toEqual([
      ['wave', 0],
      ['wave', 9],
      ['typing', { on: true }],
      ['wave', 19],
      ['wave', 29],
    ]);
    from.signal('wave', 1, { everyMs: 50 });
    from.signal('wave', 2, { everyMs: 50 });
    await world.pass(50);
    expect(
      sent()
        .slice(-2)
        .map(({ data }) => data),
    ).toEqual([1, 2]);
  });

  it('SIG-3: are not shown to who sent them, on none of their devices', async () => {
    const { world, to, from } = await talking();
    const own = world.join('ada').channel.chat('lobby').signals('typing');
    const others = from.signals('typing');
    own.subscribe(() => {});
    others.subscribe(() => {});
    await world.pass(10);
    from.signal('typing', { on: true });
    to.signal('typing', { on: true });
    await world.pass(10);
    for (const store of [own, others]) expect(store.snapshot().map(({ user }) => user)).toEqual(['bob']);
  });

  it('are forgotten when they cannot be sent, and nothing is sent later', async () => {
    const { world, from, sent, shown } = await talking();
    const before = sent().length;
    for (const connection of [...world.openConnections]) connection.end(1006, false);
    from.signal('typing', { on: true });
    await world.pass(20_000);
    expect(sent().length).toBe(before);
    expect(world.connections.flatMap((one) => one.of('signal'))).toHaveLength(before);
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(shown()).toEqual(['ada']);
  });

  it('are heard while somebody subscribes, and nothing is left after', async () => {
    const { world, from, typing, leave, shown, calls } = await talking();
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(calls()).toBe(1);
    leave();
    leave();
    expect(shown()).toEqual([]);
    await world.pass(2_000);
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(shown()).toEqual([]);
    expect(calls()).toBe(1);
    typing.subscribe(() => {});
    await world.pass(10_000);
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(shown()).toEqual(['ada']);
  });

  it('a refusal is told to onProblem, and the move to another server ends also where nothing is kept', async () => {
    const { world, from, bob, shown } = await talking();
    (from.signal as (name: string, data: unknown) => void)('shout', 1);
    await world.pass(10);
    expect(world.problems.map(({ message }) => message)).toEqual(['there is no signal "shout" here']);
    await world.pass(12_000);
    for (const connection of [...world.openConnections]) {
      connection.send(JSON.stringify({ type: 'drain', withinMs: 60_000, spreadMs: 1_000 }));
    }
    await world.pass(20_000);
    expect(world.openConnections).toHaveLength(2);
    expect(bob.connection.snapshot().state).toBe('live');
    from.signal('typing', { on: true });
    await world.pass(10);
    expect(shown()).toEqual(['ada']);
  });
});
