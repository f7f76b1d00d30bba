// CON-9: a token's end, also for a process that slept over it.

import { CLOSE } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import type { Identity } from '../src/index.js';
import { LOBBY, World, type WorldOptions } from './support/world.js';

const HOUR_MS = 3_600_000;

/** A token is `user`, or `user+ms` where it expires that many milliseconds after the world began. */
function expiringWorld(options: WorldOptions = {}) {
  let verify = async (identity: Identity): Promise<Identity> => identity;
  const world: World = new World({
    pingMs: 1_000 * HOUR_MS,
    authenticate: async (token = '') => {
      const [id = '', ms] = token.split('+');
      return verify({
        id,
        user: { id },
        publicUser: token,
        ...(ms === undefined ? {} : { expiresAt: beganMs + Number(ms) }),
      });
    },
    ...options,
  });
  const beganMs = world.clock.nowMs();
  return {
    world,
    /** What verifying a token waits for. */
    verifyBy: (change: (identity: Identity) => Promise<Identity>) => {
      verify = change;
    },
  };
}

const unauthorized = { type: 'error', code: 'unauthorized', retry: false, outcome: 'refused' } as const;

describe('CON-9: a token that expires', () => {
  it('closes the connection with 4501, after an error, within a second', async () => {
    const { world } = expiringWorld();
    const peer = await world.enter('ada+90000');
    await peer.subscribe();
    await world.passMs(89_999);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(1_001);
    expect(peer.connection.closedWith).toEqual({ code: CLOSE.unauthorized, reason: 'the token expired' });
    expect(peer.connection.messages.at(-1)).toEqual({ ...unauthorized, message: 'the token expired' });
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
    const sent = peer.connection.texts.length;
    await world.fill(3);
    await world.passMs(2_000);
    expect(peer.connection.texts).toHaveLength(sent);
  });

  it.each([
    [-1, true],
    [0, false],
    [1, false],
  ])('at %i ms from its end: a request is worked on: %s', async (ms, isServed) => {
    const { world } = expiringWorld();
    const peer = await world.enter('ada+500');
    world.clock.jumpMs(500 + ms);
    peer.say(
      { type: 'ping', id: 1 },
      { type: 'publish', id: 2, stream: LOBBY, producer: 'p', seq: 1, data: 1 },
      { type: 'refresh', id: 3, token: 'ada+999999' },
    );
    await world.settle();
    expect(world.broker.calls.append).toBe(isServed ? 1 : 0);
    expect(peer.connection.closedWith?.code).toBe(isServed ? undefined : CLOSE.unauthorized);
    if (isServed) expect(peer.answerTo(3).type).toBe('ok');
    else expect(peer.connection.fresh()).toMatchObject([unauthorized]);
  });

  it('is of no account once it was refreshed; the new end counts, whether later, sooner or never', async () => {
    const { world } = expiringWorld();
    const peers = { later: '+200000', sooner: '+50000', never: '' };
    const [later, sooner, never] = await Promise.all(
      Object.values(peers).map(async (end) => {
        const peer = await world.enter('ada+100000');
        await peer.do({ type: 'refresh', token: `ada${end}` });
        return peer;
      }),
    );
    const open = () => [later, sooner, never].map((peer) => peer?.connection.closedWith === null);
    await world.passMs(52_000);
    expect(open()).toEqual([true, false, true]);
    await world.passMs(147_000);
    expect(open()).toEqual([true, false, true]);
    await world.passMs(3_000);
    expect(open()).toEqual([false, false, true]);
    await world.passMs(200_000);
    expect(open()).toEqual([false, false, true]);
  });

  it.each([
    ['never', ''],
    ['in 25 days', `+${2 ** 31 + 1}`],
    ['in the year 275760', `+${8.64e15 - 1_763_650_000_000}`],
  ])('%s, leaves the connection alone', async (_, end) => {
    const { world } = expiringWorld();
    const peer = await world.enter(`ada${end}`);
    await world.passMs(5_000);
    world.clock.jumpMs(2 ** 31 - 10_000);
    await world.passMs(2_000);
    expect(peer.connection.closedWith).toBeNull();
  });

  it.each(['+0', '+-1', '+-9000000000000'])('before hello (%s) lets nobody in', async (end) => {
    const { world } = expiringWorld();
    const peer = world.connect();
    peer.say({ type: 'hello', version: 1, token: `ada${end}` }, { type: 'ping', id: 1 });
    await world.settle();
    expect(peer.connection.messages).toMatchObject([unauthorized]);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.unauthorized);
  });

  it('before it comes with a refresh is refused and changes nothing (CON-4)', async () => {
    const { world } = expiringWorld();
    const peer = await world.enter('ada+100000');
    await world.passMs(10_000);
    expect(await peer.fail({ type: 'refresh', token: 'ada+9999' })).toMatchObject(unauthorized);
    expect(peer.session.identity?.publicUser).toBe('ada+100000');
    await world.passMs(89_000);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(2_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.unauthorized);
  });

  it('while the process sleeps ends the connection before anything is worked on', async () => {
    const { world } = expiringWorld();
    const [talking, silent] = [await world.enter('ada+60000'), await world.enter('bob+60000')];
    await silent.subscribe();
    world.clock.jumpMs(8 * HOUR_MS);
    talking.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 });
    await world.settle();
    expect(talking.connection.closedWith?.code).toBe(CLOSE.unauthorized);
    expect(world.broker.calls.append).toBe(0);
    expect(silent.connection.closedWith).toBeNull();
    world.clock.advanceMs(0);
    expect(silent.connection.closedWith?.code).toBe(CLOSE.unauthorized);
  });

  it('lives longer if the clock is set back: it is the clock that counts', async () => {
    const { world } = expiringWorld();
    const peer = await world.enter('ada+60000');
    world.clock.jumpMs(-HOUR_MS);
    await world.passMs(HOUR_MS);
    expect(peer.connection.closedWith).toBeNull();
    await world.passMs(61_000);
    expect(peer.connection.closedWith?.code).toBe(CLOSE.unauthorized);
  });
});

describe('CON-9: what is in work when the token expires', () => {
  it.each([
    ['read', 'readBack', { type: 'read', stream: LOBBY, before: 9, limit: 1 }],
    ['subscribe', 'watch', { type: 'subscribe', stream: LOBBY, last: 1 }],
    ['publish', 'append', { type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 }],
  ] as const)('%s: is not answered any more', async (_, method, request) => {
    const { world } = expiringWorld();
    await world.fill(3);
    const peer = await world.enter('ada+500');
    const release = world.broker.hold(method);
    peer.request(request);
    await world.settle();
    world.clock.jumpMs(500);
    release();
    await world.settle();
    expect(peer.connection.fresh()).toMatchObject([unauthorized]);
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });

  it.each([499, 500])('a publish whose hook took %i ms of 500', async (ms) => {
    let release = () => {};
    const { world } = expiringWorld({
      chat: {
        onPublish: async () => {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
          return { store: undefined };
        },
      },
    });
    const peer = await world.enter('ada+500');
    const id = peer.request({ type: 'publish', stream: LOBBY, producer: 'p', seq: 1, data: 1 });
    await world.settle();
    world.clock.jumpMs(ms);
    release();
    await world.settle();
    expect(world.broker.calls.append).toBe(ms < 500 ? 1 : 0);
    if (ms < 500) expect(peer.answerTo(id).type).toBe('ok');
    else expect(peer.connection.fresh()).toMatchObject([unauthorized]);
  });
});

describe('CON-4: two refreshes under way', () => {
  it('the one sent last counts, though an older token is verified after it', async () => {
    const { world, verifyBy } = expiringWorld();
    const peer = await world.enter('ada+100000');
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    verifyBy(async (identity) => {
      if (identity.publicUser === 'ada+110000') await gate;
      return identity;
    });
    const older = peer.request({ type: 'refresh', token: 'ada+110000' });
    await peer.do({ type: 'refresh', token: 'ada+500000' });
    release();
    await world.settle();
    expect(peer.answerTo(older)).toMatchObject({ type: 'ok', user: 'ada+500000' });
    await world.passMs(300_000);
    expect(peer.connection.closedWith).toBeNull();
  });

  it('the older one counts if the newer is refused', async () => {
    const { world, verifyBy } = expiringWorld();
    const peer = await world.enter('ada+100000');
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    verifyBy(async (identity) => {
      if (identity.id === 'ada') await gate;
      return identity;
    });
    const older = peer.request({ type: 'refresh', token: 'ada+500000' });
    expect(await peer.fail({ type: 'refresh', token: 'bob+500000' })).toMatchObject({ code: 'conflict' });
    release();
    await world.settle();
    expect(peer.answerTo(older)).toMatchObject({ type: 'ok', user: 'ada+500000' });
  });
});
