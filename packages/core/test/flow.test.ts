// Flow control by the receiver, from outside: sessions whose peers report what they have processed.

import { MAX_SLICE_BYTES, SEEN_LEAST_BYTES, type ServerPing } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { append, enterReporting, Receiver, report, sentBytes, subscribed } from './support/receiver.js';
import { LOBBY, type Peer, World, type WorldOptions } from './support/world.js';

const MIN_WINDOW = 65_536;
const REQUEST_WINDOW = 262_144;
const WAITING = 262_144;

describe('FLO-1: seen', () => {
  it('is offered to everyone, and taken from those who named it', async () => {
    const world = new World();
    const [plain, reporting] = [await world.enter(), await enterReporting(world, 'bob')];
    for (const { connection } of [plain, reporting]) {
      expect(connection.messages[0]).toMatchObject({ type: 'welcome', features: expect.arrayContaining(['seen']) });
    }
    for (const peer of [plain, reporting]) report(peer);
    expect(plain.connection.fresh()).toMatchObject([{ type: 'error', code: 'invalid', retry: false }]);
    expect(reporting.connection.fresh()).toEqual([]);
  });

  it('counts the payloads of all messages since the connection opened, in bytes of UTF-8', async () => {
    const { world, peer } = await subscribed({ ringBytes: 1_000 });
    await world.fill(20, 1, LOBBY, 'ä€😀'.repeat(300));
    await world.settle();
    await peer.do({ type: 'read', stream: LOBBY, before: 9, limit: 3 });
    await peer.do({ type: 'unsubscribe', stream: LOBBY });
    const view = await peer.subscribe({ after: { epoch: 'another', offset: 3 } });
    peer.say({ type: 'ping', id: 99 });
    expect(view.gaps).toHaveLength(1);
    peer.connection.fresh();
    const bytes = sentBytes(peer);
    expect(bytes).toBeGreaterThan(50_000);
    report(peer, bytes);
    expect(peer.connection.fresh()).toEqual([]);
    expect(peer.session.outflow.onTheirWayBytes).toBe(0);
  });
});

describe('FLO-2: the window', () => {
  it.each([
    [MIN_WINDOW - 1, 1],
    [MIN_WINDOW, 0],
    [MIN_WINDOW + 1, 0],
  ])('with %i bytes on their way a slice is put: %i', async (bytes, slices) => {
    const { world, peer } = await subscribed();
    await append(world, 1, 60_000);
    await append(world, 2, 60_000);
    expect(peer.view().cursor).toBe(2);
    report(peer, sentBytes(peer) - bytes);
    // What was processed just now would widen the window.
    world.clock.jumpMs(500);
    const before = peer.connection.shared.length;
    await append(world, 3);
    expect(peer.connection.shared.length - before).toBe(slices);
    report(peer);
    await world.settle();
    expect(peer.view()).toMatchObject({ cursor: 3, synced: 1 });
  });

  it('holds a peer whose kernel and proxies take everything, and opens at once by a report', async () => {
    const { world, peer } = await subscribed();
    for (let n = 1; n <= 50; n++) await append(world, n, 10_000);
    expect(peer.connection.bufferedBytes).toBe(0);
    const held = sentBytes(peer);
    expect(held).toBeGreaterThanOrEqual(MIN_WINDOW);
    expect(held).toBeLessThan(MIN_WINDOW + MAX_SLICE_BYTES);
    // No time passes, and nothing else is appended.
    for (let rounds = 0; peer.view().cursor < 50; rounds++) {
      expect(rounds).toBeLessThan(20);
      report(peer);
      await world.settle();
    }
    expect(peer.view()).toMatchObject({ cursor: 50, gaps: [], synced: 1 });
    // Back in the head group.
    report(peer);
    await append(world, 51);
    expect(peer.view().cursor).toBe(51);
  });

  it('a peer that does not report is held by its socket alone', async () => {
    const world = new World();
    const peer = await world.enter();
    await peer.subscribe();
    for (let n = 1; n <= 50; n++) await append(world, n, 10_000);
    expect(peer.view().cursor).toBe(50);
    await world.passMs(49_000);
    expect(peer.connection.closedWith).toBeNull();
  });

  it('its reports do not hide a socket that takes nothing: both rules hold', async () => {
    const { world, peer } = await subscribed();
    peer.connection.isSlow = true;
    for (let n = 1; n <= 100; n++) {
      await append(world, n, 10_000);
      report(peer);
      await world.settle();
    }
    expect(peer.connection.mostBuffered).toBeLessThan(262_144 + MAX_SLICE_BYTES + 1_000);
    peer.connection.isSlow = false;
    peer.drain();
    for (let rounds = 0; rounds < 10; rounds++) {
      report(peer);
      await world.settle();
    }
    expect(peer.view().cursor).toBe(100);
  });

  it.each([4_000_000, 1_000])(
    'is shared by streams that are always behind, with rings of %i bytes',
    async (ringBytes) => {
      const { world, peer } = await subscribed({ ringBytes });
      const rooms = ['chat/1', 'chat/2', 'chat/3'];
      for (const room of rooms) peer.request({ type: 'subscribe', stream: room });
      await world.settle();
      for (let round = 1; round <= 60; round++) {
        for (const room of rooms) await world.fill(20, 20 * round - 19, room as typeof LOBBY, 'x'.repeat(5_000));
        await world.settle();
        // Less than comes in a round.
        report(peer, Math.min(sentBytes(peer), 60_000 * round));
        world.clock.jumpMs(1_000);
        await world.settle();
      }
      const cursors = rooms.map((_, index) => peer.view(index + 2).cursor);
      // Each is behind, and none of them is left alone.
      expect(Math.max(...cursors)).toBeLessThan(1_200);
      expect(Math.min(...cursors)).toBeGreaterThan(0.5 * Math.max(...cursors));
    },
  );

  it('others in the same stream do not notice', async () => {
    const { world, peer } = await subscribed();
    const other = await world.enter('bob');
    await other.subscribe();
    for (let n = 1; n <= 50; n++) {
      await append(world, n, 10_000);
      expect(other.view().cursor).toBe(n);
    }
    expect(peer.view().cursor).toBeLessThan(15);
  });
});

describe('FLO-2: requests', () => {
  /** With so many bytes on their way, by pages that were read. */
  async function behindBy(bytes: number, options: WorldOptions = {}) {
    const world = new World(options);
    await world.fill(2, 1, LOBBY, 'x'.repeat(60_000));
    const peer = await enterReporting(world);
    for (let id = 101; id <= 108; id++) peer.say({ type: 'read', id, stream: LOBBY, before: 2, limit: 1 });
    await world.settle();
    report(peer, sentBytes(peer) - bytes);
    world.clock.jumpMs(500);
    peer.connection.fresh();
    return { world, peer };
  }
  const types = ({ connection }: Peer) => connection.fresh().map(({ type }) => type);

  it.each([
    [REQUEST_WINDOW - 1, ['pong']],
    [REQUEST_WINDOW, []],
    [REQUEST_WINDOW + 1, []],
  ])('with %i bytes on their way a further one is worked on: %j', async (bytes, answers) => {
    const { world, peer } = await behindBy(bytes);
    peer.say({ type: 'ping', id: 1 });
    expect(types(peer)).toEqual(answers);
    // The connection is read on: else the report could not come.
    expect(peer.connection.isPaused).toBe(false);
    report(peer, sentBytes(peer) - 1_000);
    await world.settle();
    expect([...answers, ...types(peer)]).toEqual(['pong']);
  });

  it('a report passes those that wait, also in their own message', async () => {
    const { peer } = await behindBy(REQUEST_WINDOW);
    peer.say({ type: 'ping', id: 1 }, { type: 'seen', bytes: sentBytes(peer) }, { type: 'ping', id: 2 });
    expect(peer.connection.fresh()).toMatchObject([{ id: 1 }, { id: 2 }]);
  });

  it('a pong is heard at once, so that the round trip is the right one', async () => {
    const { world, peer } = await behindBy(REQUEST_WINDOW);
    await world.passMs(25_000);
    const [ping] = peer.connection.fresh() as [ServerPing];
    expect(ping.type).toBe('ping');
    peer.say({ type: 'ping', id: 1 });
    world.clock.advanceMs(40);
    peer.say({ type: 'pong' });
    const rttMs = world.clock.nowMs() - ping.now;
    world.clock.advanceMs(900);
    report(peer);
    await world.passMs(25_000);
    expect(peer.connection.fresh()).toMatchObject([{ type: 'pong' }, { type: 'ping', rttMs }]);
  });

  it.each([
    [WAITING - 1, 0],
    [WAITING, 0],
    // Until no more than that wait.
    [WAITING + 1, 1],
  ])('with %i characters of requests waiting, as many are answered without a report: %i', async (chars, answers) => {
    const { world, peer } = await behindBy(REQUEST_WINDOW, { limits: { maxEntryBytes: 1_000_000 } });
    const pings = [1, 2, 3, 4].map((id) => JSON.stringify({ type: 'ping', id }));
    for (const ping of pings) peer.say(ping);
    const last = JSON.stringify({ type: 'ping', id: 5 });
    // Unknown fields are ignored, blanks too.
    peer.say(last + ' '.repeat(chars - pings.join('').length - last.length));
    await world.settle();
    expect(types(peer)).toHaveLength(answers);
    report(peer);
    expect(types(peer)).toHaveLength(5 - answers);
    expect(peer.connection.isPaused).toBe(false);
  });

  it('reports that stand behind many requests are reached: nobody waits for each other', async () => {
    const { world, peer } = await behindBy(REQUEST_WINDOW, { limits: { publishBurst: 1_000 } });
    const before = sentBytes(peer);
    // 3 MB of publishes, and only then the report.
    for (let seq = 1; seq <= 60; seq++) {
      const data = 'x'.repeat(50_000);
      peer.say({ type: 'publish', id: seq, stream: LOBBY, producer: 'p', seq, data });
      await world.settle();
    }
    report(peer, before);
    await world.settle();
    const answers = peer.connection.fresh().filter((message) => message.type === 'ok');
    expect(answers).toHaveLength(60);
  });

  it('and then only its socket holds a peer that reports nothing and asks on', async () => {
    const { world, peer } = await behindBy(REQUEST_WINDOW);
    peer.connection.isSlow = true;
    let sent = 0;
    for (let id = 1_000; !peer.connection.isPaused; id++) {
      const text = JSON.stringify({ type: 'read', id, stream: LOBBY, before: 2, limit: 1 });
      sent += text.length;
      peer.say(text);
      await world.settle();
    }
    // It is read until so much waits, then worked for until a full buffer waits for it, and the pages in work.
    expect(sent).toBeGreaterThan(WAITING);
    expect(sent).toBeLessThan(WAITING + 10_000);
    expect(peer.connection.mostBuffered).toBeLessThan(262_144 + 8 * 66_000);
  });

  it('who publishes over a slow link does not wait behind what it reads', async () => {
    const { world, peer } = await subscribed();
    for (let n = 1; n <= 50; n++) await append(world, n, 10_000);
    expect(peer.view().cursor).toBeLessThan(50);
    expect(await peer.publish(1)).toMatchObject({ type: 'ok' });
  });

  it('come before slices when the window opens', async () => {
    const { world, peer } = await subscribed({ ringBytes: 4_000_000 });
    await append(world, 1, 60_000);
    for (let id = 101; id <= 108; id++) peer.say({ type: 'read', id, stream: LOBBY, before: 2, limit: 1 });
    await world.settle();
    for (let n = 2; n <= 30; n++) await append(world, n, 60_000);
    world.clock.jumpMs(500);
    peer.say({ type: 'ping', id: 1 });
    peer.connection.fresh();
    report(peer);
    await world.settle();
    expect(peer.connection.fresh()[0]).toMatchObject({ type: 'pong', id: 1 });
  });
});

describe('FLO-2: how fast the window follows', () => {
  const TOTAL = 24;
  const MEGABYTE = 1_000_000;

  /** How many bytes the receiver has processed after each tenth of a second, until it has all. */
  async function course(world: World, receiver: Receiver, until: () => boolean): Promise<number[]> {
    const tenths: number[] = [];
    while (!until()) {
      expect(tenths.length).toBeLessThan(1_000);
      for (let ms = 0; ms < 100; ms += 5) {
        world.clock.advanceMs(5);
        await world.settle();
      }
      tenths.push(receiver.processedBytes);
    }
    return tenths;
  }

  it('over a round trip of 200 ms it lets several MB a second pass within a second, from standing start and after a pause', async () => {
    const world = new World();
    const peer = await enterReporting(world);
    const receiver = new Receiver(world, peer, { roundTripMs: 200 });
    await peer.subscribe();
    for (let round = 0; round < 2; round++) {
      // It was idle: its window must not have become one of a slow receiver.
      world.clock.advanceMs(10_000);
      peer.say({ type: 'pong' });
      await world.settle();
      const before = receiver.processedBytes;
      await world.fill((TOTAL * MEGABYTE) / 60_000, 1, LOBBY, 'x'.repeat(60_000));
      const tenths = await course(world, receiver, () => receiver.processedBytes - before > TOTAL * MEGABYTE * 0.9);
      const inSecond = (n: number) => (tenths[10 * n + 9] ?? 0) - (tenths[10 * n - 1] ?? before);
      expect(inSecond(0)).toBeGreaterThan(1.5 * MEGABYTE);
      expect(inSecond(1)).toBeGreaterThan(4.5 * MEGABYTE);
      expect(receiver.mostBehindBytes).toBeLessThan(2 ** 20 + 2 * MAX_SLICE_BYTES);
      await course(world, receiver, () => peer.session.outflow.onTheirWayBytes <= SEEN_LEAST_BYTES);
    }
  });

  it('a receiver of 8 KB a second has never more before it than the smallest window and a slice', async () => {
    const world = new World();
    const peer = await enterReporting(world);
    const receiver = new Receiver(world, peer, { roundTripMs: 60, bytesPerSecond: 8_192 });
    await peer.subscribe();
    await world.fill(20, 1, LOBBY, 'x'.repeat(30_000));
    const tenths = await course(world, receiver, () => peer.view().cursor === 20);
    expect(tenths.length).toBeGreaterThan(400);
    // What it has not processed, and what of that it has not reported.
    expect(receiver.mostBehindBytes).toBeLessThan(MIN_WINDOW + MAX_SLICE_BYTES);
    expect(peer.connection.closedWith).toBeNull();
  });
});
