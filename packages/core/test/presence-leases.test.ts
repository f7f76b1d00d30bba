// Presence without a connection: for so many seconds, then the grace. Both sides of each bound.

import { describe, expect, it } from 'vitest';
import type { Identity } from '../src/index.js';
import { MAX_LEASES } from '../src/presence-leases.js';
import { Rule } from './support/rule.js';
import { LOBBY, World, type WorldOptions } from './support/world.js';

const GRACE_MS = 5_000;

function start(options: WorldOptions = {}) {
  const world = new World({ pingMs: 1e9, ...options, chat: { presence: { graceMs: GRACE_MS }, ...options.chat } });
  const attend = (id: string, seconds: number, log = LOBBY as string, expiresAt?: number) => {
    const identity: Identity = {
      ...{ id, user: { id }, publicUser: id },
      ...(expiresAt === undefined ? {} : { expiresAt }),
    };
    const target = world.engine.requests.find(log);
    return world.engine.besideRequests.attend({ identity, admit: () => {} }, target, id, seconds);
  };
  const here = () => world.engine.presence.of(LOBBY).people.map(({ user }) => user);
  return { world, attend, here };
}

describe('PRS-6: presence without a connection', () => {
  it('lasts so long and the grace, from the last time that it was asked for', async () => {
    const { world, attend, here } = start();
    await attend('ada', 30);
    await world.passMs(20_000);
    await attend('ada', 30);
    await world.passMs(30_000 + GRACE_MS - 1_000);
    expect(here()).toEqual(['ada']);
    // A look a second.
    await world.passMs(2_000);
    expect(here()).toEqual([]);
  });

  it('is one with that of connections: who has one of both is there', async () => {
    const { world, attend, here } = start();
    await attend('ada', 10);
    const ada = await world.enter('ada');
    await ada.subscribe();
    await world.passMs(60_000);
    expect(here()).toEqual(['ada']);
    await attend('ada', 10);
    ada.vanish();
    await world.passMs(9_000 + GRACE_MS);
    expect(here()).toEqual(['ada']);
    await world.passMs(3_000);
    expect(here()).toEqual([]);
  });

  it('ends at once with the right to it, and no later than the token', async () => {
    const rule = new Rule();
    const { world, attend, here } = start({ chat: { authorize: rule.authorize } });
    await attend('ada', 60);
    await attend('bob', 60, LOBBY, world.clock.nowMs() + 2_000);
    expect(here()).toEqual(['ada', 'bob']);
    rule.denied.add('ada lobby');
    await world.engine.revoke('ada', LOBBY);
    expect(here()).toEqual(['bob']);
    await expect(attend('ada', 60)).rejects.toMatchObject({ code: 'forbidden' });
    await world.passMs(3_000 + GRACE_MS);
    expect(here()).toEqual([]);
  });

  it('is for as many logs at a time as there may be', async () => {
    const { world, attend } = start();
    for (let n = 0; n < MAX_LEASES; n += 1) await attend('ada', 60, `chat/r${n}`);
    await expect(attend('ada', 60)).rejects.toMatchObject({ code: 'rate_limited', retry: false });
    await attend('ada', 60, 'chat/r0');
    await attend('bob', 60);
    const { besideRequests, requests } = world.engine;
    const identity = { id: 'ada', user: {}, publicUser: 'ada' };
    await besideRequests.leave({ identity, admit: () => {} }, requests.find('chat/r0'), 'ada');
    await attend('ada', 60);
  });
});
