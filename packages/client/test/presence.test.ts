// PRS at the client: who is present as a list, against the core's own engine.

import type { ServerMessage } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { EngineWorld } from './support/engine-world.js';
import { FakeNetwork } from './support/world.js';

const names = (people: readonly { readonly user: string }[]) => people.map(({ user }) => user);

/** Somebody who looks, and everything that they ever saw. */
async function watcher(world: EngineWorld) {
  const line = world.join('watcher');
  const { presence } = line.channel.chat('lobby');
  const seen: string[] = [];
  presence.subscribe(() => {
    const { people, count } = presence.snapshot();
    seen.push(`${count} ${names(people).join(' ')}`.trim());
  });
  await world.pass(100);
  return { line, presence, seen };
}

describe('presence', () => {
  it('is empty and connecting before anything is known, also where a server renders', () => {
    const { presence } = new EngineWorld().join('ada').channel.chat('lobby');
    const nothing = { state: 'connecting', people: [], count: 0, error: undefined };
    expect(presence.snapshot()).toEqual(nothing);
    expect(presence.serverSnapshot()).toEqual(nothing);
    expect(presence.serverSnapshot()).toBe(presence.serverSnapshot());
  });

  it('opens nothing until somebody subscribes, and is the same object for the same handle', async () => {
    const world = new EngineWorld();
    const chat = world.join('ada').channel.chat('lobby');
    chat.presence.snapshot();
    await world.pass(10_000);
    expect(world.connections).toHaveLength(0);
    expect(chat.presence).toBe(chat.presence);
  });

  it('shows who came first first, each user once; looking makes nobody present', async () => {
    const world = new EngineWorld();
    const { presence } = await watcher(world);
    expect(presence.snapshot()).toMatchObject({ state: 'live', people: [], count: 0 });
    for (const user of ['zoe', 'ada', 'ada']) {
      world.join(user).channel.chat('lobby').open();
      await world.pass(100);
    }
    expect(names(presence.snapshot().people)).toEqual(['zoe', 'ada']);
    expect(presence.snapshot().count).toBe(2);
    expect(presence.snapshot()).toBe(presence.snapshot());
  });

  it('PRS-2: a lost link, and a move (CON-8), show nothing to others', async () => {
    const world = new EngineWorld();
    const { seen } = await watcher(world);
    const line = world.join('ada');
    line.channel.chat('lobby').open();
    await world.pass(12_000);
    expect(seen.at(-1)).toBe('1 ada');
    const before = seen.length;
    const ada = world.connections.at(-1);
    ada?.end(1006, false);
    await world.pass(20_000);
    expect(line.connection.snapshot().state).toBe('live');
    const drain: ServerMessage = { type: 'drain', withinMs: 60_000, spreadMs: 1_000 };
    world.last.send(JSON.stringify(drain));
    const count = world.connections.length;
    await world.pass(20_000);
    expect(world.connections.length).toBe(count + 1);
    expect(world.openConnections).toHaveLength(2);
    expect(seen.slice(before)).toEqual([]);
  });

  it('a page that is closed is gone after the grace', async () => {
    const world = new EngineWorld();
    const { presence } = await watcher(world);
    const line = world.join('ada');
    line.channel.chat('lobby').open();
    await world.pass(100);
    void line.close();
    await world.pass(4_000);
    expect(presence.snapshot().count).toBe(1);
    await world.pass(1_100);
    expect(presence.snapshot()).toMatchObject({ count: 0, people: [] });
  });

  it('PRS-3: a page that nobody has seen for 60 s is not present, keeps its log, and is back when it is shown', async () => {
    const world = new EngineWorld();
    const { presence } = await watcher(world);
    const network = new FakeNetwork();
    const line = world.join('ada', { network });
    const chat = line.channel.chat('lobby');
    chat.open();
    await world.pass(100);
    network.say('hidden');
    await world.pass(59_900);
    expect(presence.snapshot().count).toBe(1);
    await world.pass(5_200);
    expect(presence.snapshot().count).toBe(0);
    void chat.publish({ text: 'from a hidden page' });
    await world.pass(2_000);
    expect(chat.snapshot().entries).toHaveLength(1);
    // A connection that begins while nobody looks says so at once.
    world.last.end(1006, false);
    await world.pass(30_000);
    expect([line.connection.snapshot().state, presence.snapshot().count]).toEqual(['live', 0]);
    network.say('wake');
    await world.pass(100);
    expect(presence.snapshot().count).toBe(1);
  });

  it('says why it is refused', async () => {
    const world = new EngineWorld({ chat: { authorize: (_user, _params, action) => action !== 'presence' } });
    const { presence } = await watcher(world);
    expect(presence.snapshot()).toMatchObject({ state: 'refused', error: { code: 'forbidden' } });
  });
});
