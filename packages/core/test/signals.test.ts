// SIG: what is told to those who listen now, and kept for nobody.

import type { ErrorMessage, ServerMessage, StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { MAX_WAITING_SIGNALS } from '../src/active-signals.js';
import type { Validated } from '../src/index.js';
import { enterReporting } from './support/receiver.js';
import { Rule } from './support/rule.js';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const SIGNALS = `${LOBBY}:signals` as StreamName;
const any = (value: unknown) => ({ value });

function signalWorld(options: WorldOptions = {}) {
  const signals = new Map<string, (value: unknown) => Validated>([
    ['typing', any],
    ['wave', (value: unknown) => (typeof value === 'number' ? { value: value * 2 } : { problem: 'not a number' })],
  ]);
  return new World({ ...options, chat: { signals, ...options.chat } });
}

async function listen(world: World, user: string): Promise<Peer> {
  const peer = await world.enter(user);
  peer.request({ type: 'subscribe', stream: SIGNALS });
  await world.settle();
  return peer;
}

/** Several signals of one flush are one message. */
function heard(peer: Peer): ServerMessage[] {
  return peer.connection.texts
    .flatMap((text) => text.split('\n'))
    .map((line) => JSON.parse(line) as ServerMessage)
    .filter(({ type }) => type === 'signal');
}

const said = (peer: Peer) => heard(peer).map((message) => ('data' in message ? message.data : null));
const errors = (peer: Peer) => peer.connection.fresh().filter((one): one is ErrorMessage => one.type === 'error');
const say = (peer: Peer, data: unknown, name = 'typing') =>
  peer.say(JSON.stringify({ type: 'signal', stream: LOBBY, name, data }));

describe('SIG-1: listening', () => {
  it('is answered with a stream without a history, and gives what comes from then on', async () => {
    const world = signalWorld();
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    const [ok] = bob.connection.fresh();
    expect(ok).toEqual({ type: 'ok', id: 1, ch: 1, kind: 'signals', epoch: null, head: 0, floor: 0, from: 0 });
    say(ada, { on: true });
    await world.settle();
    expect(bob.connection.fresh()).toEqual([
      { type: 'signal', ch: 1, name: 'typing', user: 'ada', data: { on: true } },
    ]);
    const late = await listen(world, 'eve');
    expect(heard(late)).toEqual([]);
    // The log itself knows nothing of it.
    expect(await world.store.readBack(LOBBY, undefined, { entries: 1 })).toMatchObject({ epoch: null, offset: 0 });
  });

  it('ends with the unsubscribe, and leaves nothing', async () => {
    const world = signalWorld();
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    await bob.do({ type: 'unsubscribe', stream: SIGNALS });
    bob.connection.fresh();
    say(ada, 1);
    await world.settle();
    expect(bob.connection.fresh()).toEqual([]);
    bob.vanish();
    ada.vanish();
    expect(world.leftovers).toEqual({ sessions: 0, subscriptions: 0 });
  });

  it('one text serves all who listen, and several signals of one turn are one message', async () => {
    const world = signalWorld();
    const [ada, bob, eve] = [await world.enter('ada'), await listen(world, 'bob'), await listen(world, 'eve')];
    say(ada, 1);
    say(ada, 2, 'wave');
    await world.settle();
    expect(bob.connection.shared).toHaveLength(1);
    expect(bob.connection.shared[0]).toBe(eve.connection.shared[0]);
    expect(said(bob)).toEqual([1, 4]);
  });

  it('is for logs that have signals, and is no stream to publish to, read or tune', async () => {
    const plain = await new World().enter();
    expect(await plain.fail({ type: 'subscribe', stream: SIGNALS })).toMatchObject({ code: 'unknown_channel' });
    const ada = await signalWorld().enter();
    expect(await ada.fail({ type: 'read', stream: SIGNALS, before: 1, limit: 1 })).toMatchObject({ code: 'invalid' });
    const publish = { type: 'publish' as const, stream: SIGNALS, producer: 'p', seq: 1, data: 1 };
    expect(await ada.fail(publish)).toMatchObject({ code: 'invalid' });
    await ada.do({ type: 'subscribe', stream: SIGNALS });
    expect(await ada.fail({ type: 'tune', stream: SIGNALS, paused: true })).toMatchObject({ code: 'invalid' });
  });
});

describe('SIG-2: what is sent is checked', () => {
  it('its name, its shape, its size on both sides of the limit, and what the schema makes is what goes out', async () => {
    const world = signalWorld({ limits: { maxSignalBytes: 10 } });
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    const refused = async (data: unknown, name?: string) => {
      say(ada, data, name);
      await world.settle();
      await world.passMs(1_000);
      return errors(ada).map(({ code, id }) => [code, id]);
    };
    expect(await refused(1, 'shout')).toEqual([['invalid', undefined]]);
    expect(await refused('x', 'wave')).toEqual([['invalid', undefined]]);
    expect(await refused('x'.repeat(9))).toEqual([['too_large', undefined]]);
    expect(await refused('x'.repeat(8))).toEqual([]);
    expect(await refused(21, 'wave')).toEqual([]);
    say(ada, 1, 'n'.repeat(65));
    await world.settle();
    expect(errors(ada)).toMatchObject([{ code: 'invalid' }]);
    expect(said(bob)).toEqual(['x'.repeat(8), 42]);
    ada.say(JSON.stringify({ type: 'signal', stream: 'quotes/nyse', name: 'typing', data: 1 }));
    await world.settle();
    expect(errors(ada)).toMatchObject([{ code: 'invalid' }]);
  });

  it('asks who may: `signal`; a refusal is told at most once a second', async () => {
    const rule = new Rule();
    rule.denied.add('ada signal');
    const world = signalWorld({ chat: { authorize: rule.authorize } });
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    for (let n = 0; n < 5; n += 1) say(ada, n);
    await world.settle();
    await world.passMs(999);
    say(ada, 5);
    await world.settle();
    expect(errors(ada)).toMatchObject([{ code: 'forbidden', message: 'you may not signal here', retry: false }]);
    await world.passMs(1);
    say(ada, 6);
    await world.settle();
    expect(errors(ada)).toMatchObject([{ code: 'forbidden' }]);
    expect(said(bob)).toEqual([]);
  });

  it('a rule that takes its time holds at most 20 of a connection, and a revocation meanwhile reaches them', async () => {
    const rule = new Rule();
    const world = signalWorld({ chat: { authorize: rule.authorize }, limits: { signalBurst: 100 } });
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    const open = rule.hold();
    rule.asked.length = 0;
    for (let n = 0; n < 30; n += 1) say(ada, n);
    await world.settle();
    expect(rule.asked).toHaveLength(20);
    rule.denied.add('ada signal');
    void world.engine.revoke('ada', LOBBY);
    open();
    await world.settle();
    expect(said(bob)).toEqual([]);
  });
});

describe('SIG-5: the server limits what one connection sends', () => {
  it('20 at once, then 10 a second; the 21st is refused with when to come back', async () => {
    const world = signalWorld();
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    for (let n = 1; n <= 21; n += 1) {
      say(ada, n);
      await world.settle();
    }
    expect(said(bob)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(errors(ada)).toMatchObject([{ code: 'rate_limited', afterMs: 100, retry: true }]);
    world.clock.advanceMs(99);
    say(ada, 22);
    world.clock.advanceMs(1);
    say(ada, 23);
    await world.settle();
    expect(said(bob).slice(20)).toEqual([23]);
  });
});

describe('SIG-6: who is behind', () => {
  it('gets none, is held no memory for, and delays nobody; who catches up gets the next', async () => {
    const world = signalWorld({ limits: { signalRatePerSecond: 1_000, signalBurst: 1_000 } });
    const [ada, fast] = [await world.enter('ada'), await listen(world, 'fast')];
    const slow = await enterReporting(world, 'slow');
    slow.request({ type: 'subscribe', stream: SIGNALS });
    await world.settle();
    slow.connection.isSlow = true;
    const pad = 'x'.repeat(1_000);
    for (let n = 0; n < 500; n += 1) {
      say(ada, { n, pad });
      await world.settle();
    }
    expect(said(fast)).toHaveLength(500);
    // A window of 4,096 bytes, and the one that was put when there was room.
    expect(slow.connection.mostBuffered).toBeLessThan(4_096 + 1_200);
    expect(said(slow).length).toBeLessThan(6);
    slow.connection.isSlow = false;
    slow.connection.take();
    const sentBytes = slow.connection.texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    slow.say({ type: 'seen', bytes: Math.min(sentBytes, slow.session.outflow.onTheirWayBytes) });
    say(ada, 'now');
    await world.settle();
    expect(said(slow).at(-1)).toBe('now');
  });

  it('of one sender and name the newest of a turn counts; a crowd of senders in one turn is cut', async () => {
    const world = signalWorld();
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    for (let n = 0; n < 10; n += 1) say(ada, n);
    await world.settle();
    expect(said(bob).at(-1)).toBe(9);
    expect(said(bob).length).toBeLessThan(10);
    const before = said(bob).length;
    for (let n = 0; n < MAX_WAITING_SIGNALS + 1; n += 1) {
      world.engine.sendSignal(LOBBY, { id: `u${n}`, user: null, publicUser: n }, 'typing', String(n));
    }
    await world.settle();
    expect(said(bob).slice(before)).toEqual(Array.from({ length: MAX_WAITING_SIGNALS }, (_, n) => n));
  });

  it('who leaves in the middle of a flush takes nobody with them, and nobody gets a signal twice', async () => {
    const world = signalWorld();
    const ada = await world.enter('ada');
    const peers: Peer[] = [];
    for (let n = 0; n < 100; n += 1) peers.push(await listen(world, `u${n}`));
    // Each fifth connection ends while it is given the signal, and one that was served with it.
    peers.forEach((peer, n) => {
      if (n % 5 !== 0) return;
      peer.connection.onSend = () => {
        peer.vanish();
        peers[n + 1]?.vanish();
      };
    });
    world.clock.costMs = 1;
    say(ada, 1);
    await world.settle();
    peers.forEach((peer, n) => {
      const count = said(peer).length;
      expect(count, `u${n}`).toBeLessThanOrEqual(1);
      if (n % 5 > 1) expect(count, `u${n}`).toBe(1);
    });
  });
});

describe('SIG-7: rights', () => {
  it('who may no longer subscribe hears nothing from the call on, and listening ends', async () => {
    const rule = new Rule();
    const world = signalWorld({ chat: { authorize: rule.authorize } });
    const [ada, bob] = [await world.enter('ada'), await listen(world, 'bob')];
    bob.connection.fresh();
    rule.denied.add('bob');
    const open = rule.hold();
    void world.engine.revoke('bob', LOBBY);
    say(ada, 1);
    open();
    await world.settle();
    expect(bob.connection.fresh()).toMatchObject([{ type: 'ended', code: 'forbidden' }]);
  });

  it('the server signals as nobody, in the stored form, and is told of what makes no sense', async () => {
    const world = signalWorld({ limits: { maxSignalBytes: 10 } });
    const bob = await listen(world, 'bob');
    bob.connection.fresh();
    world.engine.signal('chat', ['lobby'], 'wave', 7);
    await world.settle();
    expect(bob.connection.fresh()).toEqual([{ type: 'signal', ch: 1, name: 'wave', data: 7 }]);
    expect(() => world.engine.signal('chat', ['lobby'], 'shout', 7)).toThrow('no signal');
    expect(() => world.engine.signal('quotes', ['nyse'], 'wave', 7)).toThrow('no signal');
    expect(() => world.engine.signal('chat', ['lobby'], 'wave', undefined)).toThrow('JSON');
    expect(() => world.engine.signal('chat', ['lobby'], 'wave', 'x'.repeat(9))).toThrow('11 bytes');
  });
});
