// After hours of sleep the token has expired, timers are late and the clock has jumped: it ends in `live`, or in `refused` with the
// server's words, after a number of dials that is known.

import type { TokenSource } from '@trunkline/client';
import { describe, expect, it } from 'vitest';
import { settled } from './support/fake-clock.js';
import { makeWorld } from './support/world.js';

const HOUR_MS = 3_600_000;

/** Live with a token of an hour. The server takes only tokens that have not expired, and closes when one does (CON-9). */
async function awake(given: (count: number) => string | Promise<string>, makeSource?: () => TokenSource) {
  let asked = 0;
  const expiries = new Map<string | undefined, number>();
  const token = async () => {
    asked += 1;
    const text = await given(asked);
    if (!expiries.has(text)) expiries.set(text, clock.nowMs() + HOUR_MS);
    return { token: text, expiresAt: expiries.get(text) ?? 0 };
  };
  const world = makeWorld({ token: makeSource?.() ?? token });
  const { clock, server, line } = world;
  server.authenticate = (text) => {
    if (makeSource && !expiries.has(text)) expiries.set(text, clock.nowMs() + HOUR_MS);
    return (expiries.get(text) ?? 0) > clock.nowMs() ? { id: 'ada' } : null;
  };
  line.open();
  await clock.advanceAsync(20_000);
  expect(line.connection.snapshot().state).toBe('live');
  return {
    ...world,
    first: server.last,
    asked: () => asked,
    snapshot: line.connection.snapshot,
    expire: () => {
      const message = 'the token expired';
      server.last.send({ type: 'error', code: 'unauthorized', message, retry: false, outcome: 'refused' });
      server.last.close(4501, message);
    },
  };
}

const fresh = (count: number) => `t${count}`;

describe('a wake-up after the token expired', () => {
  it('refreshes at once, together with the probe', async () => {
    const { clock, network, server, first, asked, snapshot } = await awake(fresh);
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    expect(asked()).toBe(2);
    network.say('online');
    await clock.advanceAsync(0);
    expect(first.sent('refresh')).toMatchObject([{ token: 't2' }]);
    await clock.advanceAsync(50 * 60_000);
    expect(snapshot()).toMatchObject({ state: 'live', reason: undefined });
    expect([asked(), server.connections.length]).toEqual([2, 1]);
    // The new one is refreshed a minute before its end, as any other.
    await clock.advanceAsync(9 * 60_000);
    expect(asked()).toBe(3);
  });

  it('asks for nothing while the token is good', async () => {
    const { clock, network, asked } = await awake(fresh);
    clock.jump(HOUR_MS / 2);
    network.say('wake');
    await clock.advanceAsync(0);
    expect(asked()).toBe(1);
    await clock.advanceAsync(HOUR_MS / 2 - 61_000);
    expect(asked()).toBe(2);
  });

  it('to a server that has closed with 4501: one more token, one more dial, live', async () => {
    const { clock, server, expire, asked, snapshot } = await awake(fresh);
    clock.jump(8 * HOUR_MS);
    expire();
    await clock.advanceAsync(HOUR_MS / 2);
    expect(snapshot().state).toBe('live');
    expect([asked(), server.connections.length]).toEqual([2, 2]);
  });

  it('the same, when its close comes while the token is asked for', async () => {
    let answer = (_text: string) => {};
    const { clock, network, server, expire, asked, snapshot } = await awake((count) =>
      count === 1 ? 't1' : new Promise((resolve) => (answer = resolve)),
    );
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    expire();
    await clock.advanceAsync(1_000);
    expect(snapshot().state).toBe('connecting');
    answer('t2');
    await clock.advanceAsync(HOUR_MS / 2);
    expect(snapshot().state).toBe('live');
    expect([asked(), server.connections.length]).toEqual([2, 2]);
  });

  it('the same, when its close comes before the answer to the refresh', async () => {
    const { clock, network, server, first, expire, asked, snapshot } = await awake(fresh);
    server.intercept = (connection, message) => connection === first && message.type === 'refresh';
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    await settled();
    expire();
    await clock.advanceAsync(HOUR_MS / 2);
    expect(snapshot().state).toBe('live');
    expect(server.last.sent('hello')).toMatchObject([{ token: 't2' }]);
    expect([asked(), server.connections.length]).toEqual([2, 2]);
  });

  it('with a function that gives the same token: refused, with the words of the server', async () => {
    const { clock, network, server, expire, asked, snapshot } = await awake(() => 't1');
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    expire();
    await clock.advanceAsync(24 * HOUR_MS);
    expect(snapshot()).toMatchObject({ state: 'refused', reason: 'the token expired', lastClose: { code: 4501 } });
    expect([asked(), server.connections.length]).toEqual([2, 1]);
  });

  it('with a function that fails once, and then gives the same token: the words are those of the server all the same', async () => {
    const { clock, expire, asked, snapshot } = await awake((count) =>
      count === 2 ? Promise.reject(new Error('the network is not back yet')) : 't1',
    );
    expire();
    await clock.advanceAsync(0);
    expect(snapshot()).toMatchObject({ state: 'waiting', reason: 'there is no token' });
    await clock.advanceAsync(24 * HOUR_MS);
    expect(snapshot()).toMatchObject({ state: 'refused', reason: 'the token expired' });
    expect(asked()).toBe(3);
  });

  it('to a server that refuses the new token too: refused, with its words', async () => {
    const { clock, server, expire, asked, snapshot } = await awake(fresh);
    clock.jump(8 * HOUR_MS);
    server.authenticate = () => null;
    expire();
    await clock.advanceAsync(24 * HOUR_MS);
    expect(snapshot()).toMatchObject({ state: 'refused', reason: 'the token is not valid' });
    expect([asked(), server.connections.length]).toEqual([2, 2]);
  });

  it('with a text for a token: refused, with the words of the server', async () => {
    const { clock, network, server, expire, snapshot } = await awake(fresh, () => 'fixed');
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    expire();
    await clock.advanceAsync(24 * HOUR_MS);
    expect(snapshot()).toMatchObject({ state: 'refused', reason: 'the token expired' });
    expect(server.connections).toHaveLength(1);
  });

  it('on a dead link: the probe ends it, and it is dialled with a new token', async () => {
    const { clock, network, server, first, asked, snapshot } = await awake(fresh);
    first.silent = true;
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    await clock.advanceAsync(4_000);
    expect(snapshot().state).toBe('live');
    await clock.advanceAsync(HOUR_MS / 2);
    expect(asked()).toBeLessThanOrEqual(3);
    expect(server.connections).toHaveLength(2);
  });

  it('without a token while the network comes up: waits, and is live with the first one', async () => {
    let fails = true;
    const { clock, network, server, expire, asked, snapshot } = await awake((count) =>
      count > 1 && fails ? Promise.reject(new Error('no route')) : `t${count}`,
    );
    clock.jump(8 * HOUR_MS);
    network.say('wake');
    expire();
    await clock.advanceAsync(10_000);
    expect(snapshot()).toMatchObject({ state: 'waiting', reason: 'there is no token' });
    expect(asked()).toBeLessThan(20);
    fails = false;
    await clock.advanceAsync(HOUR_MS / 2);
    expect(snapshot().state).toBe('live');
    expect(server.connections).toHaveLength(2);
  });
});

describe('clocks', () => {
  it.each([-1, 0, 1, 2 ** 31])(
    'a refresh that is due 2^31 - 1 and %i ms from now is neither early nor lost',
    async (more) => {
      const delayMs = 2 ** 31 - 1 + more;
      let asked = 0;
      const { line, clock, server } = makeWorld({
        token: () => ({ token: `t${++asked}`, expiresAt: clock.nowMs() + delayMs + 60_000 }),
      });
      server.pingMs = 2 ** 31 - 1;
      line.open();
      await clock.advanceAsync(delayMs - 1);
      expect(asked).toBe(1);
      await clock.advanceAsync(1);
      expect(asked).toBe(2);
    },
  );

  it('one that is put back by hours keeps a dead link no longer', async () => {
    const { clock, server, first, snapshot } = await awake(fresh);
    clock.jump(-5 * HOUR_MS);
    first.silent = true;
    await clock.advanceAsync(101_000);
    expect(first.closedByClient?.code).toBe(4001);
    expect(snapshot().state).toBe('live');
    expect(server.connections).toHaveLength(2);
  });
});
