// Telling the back end, on a clock that is moved by hand: order, retries, dead letters, what is noted.

import { type Broker, type Entry, memoryBroker, type Outbox } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { describe, expect, it } from 'vitest';
import { FakeClock, microtasks } from '../../core/test/support/fake-clock.js';
import { BackendDownError } from '../src/backend/backend-down.js';
import { Delivery, type DeliveryOptions, type Told } from '../src/backend/delivery.js';
import { listeningLog } from './support/app.js';

const LOBBY = 'chat/lobby' as StreamName;
const HALL = 'chat/hall' as StreamName;
const failed = (reachedIt = true, afterMs = 0): Told => ({
  later: new BackendDownError('the back end answered 500', afterMs, reachedIt),
});

interface World {
  readonly broker: Broker & Outbox;
  readonly clock: FakeClock;
  readonly delivery: Delivery;
  /** What was sent: `lobby 1`. */
  readonly sent: string[];
  readonly log: ReturnType<typeof listeningLog>['lines'];
  say(stream: StreamName, count?: number): Promise<void>;
  /** How far the store knows that somebody was told. */
  noted(stream: StreamName): Promise<number>;
}

type Tell = (stream: StreamName, offset: number, tries: number) => Told | Promise<Told> | null;

async function start(
  tell: Tell = () => 'told',
  options: Partial<DeliveryOptions['options']> = {},
  broker: Broker & Outbox = memoryBroker(),
): Promise<World> {
  const clock = new FakeClock();
  const sent: string[] = [];
  const log = listeningLog();
  const tries = new Map<string, number>();
  const delivery = new Delivery({
    broker,
    clock,
    log,
    random: () => 0.999_999,
    options: { maxDeliveries: 16, maxAttempts: 3, retryMs: 1_000, retryMsMax: 10_000, maxDeadLetters: 10, ...options },
    tell: (stream: StreamName, _epoch: string, { offset }: Entry) => {
      const name = `${stream.slice(5)} ${offset}`;
      tries.set(name, (tries.get(name) ?? 0) + 1);
      const told = tell(stream, offset, tries.get(name) ?? 0);
      if (told === null) return null;
      sent.push(name);
      return Promise.resolve(told);
    },
  });
  await delivery.start();
  return {
    broker,
    clock,
    delivery,
    sent,
    log: log.lines,
    say: async (stream, count = 1) => {
      for (let index = 0; index < count; index++) {
        await broker.append(stream, [{ at: clock.nowMs(), data: '1', user: null }], { outbox: true });
      }
      await microtasks();
    },
    noted: async (stream) => {
      const waiting = await broker.waiting(null, 10);
      const head = (await broker.readBack(stream, undefined, { entries: 1 })).offset;
      return waiting.find((one) => one.stream === stream)?.done ?? head;
    },
  };
}

describe('telling', () => {
  it('is in the order of offsets, each once, and noted', async () => {
    const { say, sent, noted, delivery } = await start();
    await say(LOBBY, 120);
    expect(sent).toEqual(Array.from({ length: 120 }, (_, index) => `lobby ${index + 1}`));
    expect(await noted(LOBBY)).toBe(120);
    expect(delivery.waiting).toEqual({ count: 0, oldestAt: null });
  });

  it('begins with what the store says waits, in as many logs as there are', async () => {
    const broker = memoryBroker();
    const names = Array.from({ length: 1_001 }, (_, index) => `chat/${String(index).padStart(4, '0')}` as StreamName);
    for (const name of names) {
      await broker.append(name, [{ at: 1, data: '1', user: null }], { outbox: true });
    }
    const { sent } = await start(() => 'told', {}, broker);
    while (sent.length < names.length) await microtasks();
    expect(sent.toSorted()).toEqual(names.map((name) => `${name.slice(5)} 1`));
  });

  it('does one of a log at a time, and so many logs at a time', async () => {
    const answers: (() => void)[] = [];
    const slow = () => new Promise<Told>((resolve) => answers.push(() => resolve('told')));
    const { say, sent } = await start(slow, { maxDeliveries: 2 });
    for (const room of ['a', 'b', 'c']) await say(`chat/${room}` as StreamName, 2);
    expect(sent).toEqual(['a 1', 'b 1']);
    answers.shift()?.();
    await microtasks();
    // Who had a turn is last in line.
    expect(sent).toEqual(['a 1', 'b 1', 'c 1']);
    answers.shift()?.();
    await microtasks();
    expect(sent).toEqual(['a 1', 'b 1', 'c 1', 'a 2']);
  });

  it('skips logs of which nobody is to be told any more', async () => {
    const { say, sent, noted } = await start(() => null);
    await say(LOBBY, 3);
    expect([sent, await noted(LOBBY)]).toEqual([[], 3]);
  });

  it('forgets a log that was removed, and goes on with the next history', async () => {
    const { say, sent, clock, broker } = await start((_stream, _offset, tries) => (tries === 1 ? failed() : 'told'));
    await say(LOBBY, 3);
    await broker.remove(LOBBY);
    await say(LOBBY, 1);
    clock.advanceMs(1_000);
    await microtasks();
    expect(sent).toEqual(['lobby 1', 'lobby 1']);
  });
});

describe('what fails', () => {
  it('holds up its log alone, and comes again later and later, with jitter', async () => {
    const { say, sent, clock, delivery } = await start(
      (stream, offset, tries) => (stream === LOBBY && offset === 2 && tries < 4 ? failed() : 'told'),
      { maxAttempts: 9 },
    );
    await say(LOBBY, 3);
    await say(HALL, 2);
    expect(sent).toEqual(['lobby 1', 'lobby 2', 'hall 1', 'hall 2']);
    const since = clock.nowMs();
    for (const waitMs of [1_000, 2_000, 4_000]) {
      const before = sent.length;
      clock.advanceMs(waitMs - 1);
      await microtasks();
      expect(sent).toHaveLength(before);
      expect(delivery.waiting).toEqual({ count: 2, oldestAt: since });
      clock.advanceMs(1);
      await microtasks();
    }
    expect(sent.slice(4)).toEqual(['lobby 2', 'lobby 2', 'lobby 2', 'lobby 3']);
  });

  it('waits as long as the back end says', async () => {
    const { say, sent, clock } = await start((_stream, _offset, tries) =>
      tries === 1 ? failed(true, 60_000) : 'told',
    );
    await say(LOBBY);
    clock.advanceMs(59_999);
    await microtasks();
    expect(sent).toHaveLength(1);
    clock.advanceMs(1);
    await microtasks();
    expect(sent).toHaveLength(2);
  });

  it('becomes a dead letter after so many answers, and what follows goes on', async () => {
    const { say, sent, clock, broker, delivery, log, noted } = await start((_stream, offset) =>
      offset === 2 ? failed() : 'told',
    );
    await say(LOBBY, 3);
    for (let round = 0; round < 2; round++) {
      expect(await broker.countDeadLetters()).toBe(0);
      clock.advanceMs(10_000);
      await microtasks();
    }
    expect(sent).toEqual(['lobby 1', 'lobby 2', 'lobby 2', 'lobby 2', 'lobby 3']);
    expect(await broker.deadLetters(0, 10)).toMatchObject([
      { stream: LOBBY, attempts: 3, reason: 'the back end answered 500', entry: { offset: 2 } },
    ]);
    expect([delivery.deadLetters, await noted(LOBBY)]).toEqual([1, 3]);
    expect(log.some(({ level, message }) => level === 'error' && message.includes('does not take'))).toBe(true);
  });

  it('is a dead letter at once if the back end will never take it', async () => {
    const { say, sent, broker } = await start((_stream, offset) =>
      offset === 1 ? { dead: 'the back end answered 422' } : 'told',
    );
    await say(LOBBY, 2);
    expect(sent).toEqual(['lobby 1', 'lobby 2']);
    expect(await broker.deadLetters(0, 10)).toMatchObject([{ attempts: 1, reason: 'the back end answered 422' }]);
  });

  it('counts nothing while the back end cannot be reached', async () => {
    const { say, clock, broker, sent } = await start(() => failed(false));
    await say(LOBBY);
    for (let round = 0; round < 20; round++) {
      clock.advanceMs(10_000);
      await microtasks();
    }
    expect(sent.length).toBeGreaterThan(20);
    expect(await broker.countDeadLetters()).toBe(0);
  });

  it('is held, not forgotten, while there are as many dead letters as may be', async () => {
    const { say, clock, broker, delivery, sent } = await start(() => ({ dead: 'no' }), { maxDeadLetters: 2 });
    await say(LOBBY, 4);
    expect([sent.length, await broker.countDeadLetters()]).toEqual([3, 2]);
    clock.advanceMs(10_000);
    await microtasks();
    expect([sent.length, await broker.countDeadLetters(), delivery.waiting.count]).toEqual([4, 2, 2]);
  });

  it('of the store is told to the log, and tried again', async () => {
    const store = memoryBroker();
    let isBroken = true;
    const broker = new Proxy(store, {
      get: (target, name) => {
        if (isBroken && (name === 'read' || name === 'settle')) return () => Promise.reject(new Error('a full disk'));
        const member = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
    const { say, clock, sent, log, noted } = await start(() => 'told', {}, broker);
    await say(LOBBY);
    expect([sent, log.length]).toEqual([[], 1]);
    isBroken = false;
    clock.advanceMs(1_000);
    await microtasks();
    expect([sent, await noted(LOBBY)]).toEqual([['lobby 1'], 1]);
  });
});

describe('the end', () => {
  it('waits for what is under way, notes it, and begins nothing more', async () => {
    let answer = () => {};
    const { say, delivery, sent, noted } = await start(
      () =>
        new Promise<Told>((resolve) => {
          answer = () => resolve('told');
        }),
    );
    await say(LOBBY, 3);
    const closed = delivery.close(new Promise(() => {}), () => {});
    answer();
    await closed;
    expect([sent, await noted(LOBBY)]).toEqual([['lobby 1'], 1]);
    await say(HALL);
    expect(sent).toEqual(['lobby 1']);
  });

  it('cuts what takes too long, which stays in the outbox', async () => {
    let cut = () => {};
    const { say, delivery, noted } = await start(
      () =>
        new Promise<Told>((resolve) => {
          cut = () => resolve(failed(false));
        }),
    );
    await say(LOBBY, 2);
    await delivery.close(Promise.resolve(), () => cut());
    expect(await noted(LOBBY)).toBe(0);
    expect(delivery.waiting.count).toBe(2);
  });
});
