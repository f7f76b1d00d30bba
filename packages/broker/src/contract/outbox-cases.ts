// Who is still to be told of what a log got: cursors that are set with the append, and what nobody could be told of.

import type { StreamName } from '@trunkline/protocol';
import type { Broker } from '../broker.js';
import { hasOutbox, type Outbox, type OutboxNews, type Waiting } from '../outbox.js';
import { rejection, same } from './assert.js';
import {
  ALL,
  AT,
  type BrokerWorld,
  type Case,
  entries,
  entry,
  named,
  need,
  offsetsOf,
  ROOM,
  range,
  readAll,
} from './world.js';

const TOLD = { outbox: true } as const;
const DEATH = { diedAt: AT + 7, attempts: 3, reason: 'said "no" 🦊' };

function withOutbox(broker: Broker): Broker & Outbox {
  return need(hasOutbox(broker) ? broker : undefined, 'keep an outbox');
}

async function allWaiting(broker: Outbox): Promise<Map<StreamName, Waiting>> {
  const found = await broker.waiting(null, 1_000);
  return new Map(found.map((one) => [one.stream, one]));
}

/** Collects news until there are so many. */
function listen(broker: Outbox): { heard: OutboxNews[]; until: (count: number) => Promise<void>; stop: () => void } {
  const heard: OutboxNews[] = [];
  let wake = () => {};
  const stop = broker.watchOutbox((news) => {
    heard.push(news);
    wake();
  });
  return {
    heard,
    stop,
    until: async (count) => {
      while (heard.length < count) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}

export const OUTBOX_CASES: readonly Case[] = [
  {
    name: 'what is appended for the outbox waits until it is settled',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      await broker.append(named('other'), entries(3));
      const { epoch } = await broker.append(ROOM, entries(3), TOLD);
      const waits = { stream: ROOM, epoch, done: 0, head: 3, oldestAt: AT };
      same([...(await allWaiting(broker)).values()], [waits], 'three wait');
      await broker.settle(ROOM, { epoch, offset: 2 });
      same((await allWaiting(broker)).get(ROOM), { ...waits, done: 2 }, 'one waits');
      await broker.settle(ROOM, { epoch, offset: 3 });
      same(await broker.waiting(null, 10), [], 'none waits');
      await broker.append(ROOM, [{ ...entry('4'), at: AT + 4 }], TOLD);
      same((await allWaiting(broker)).get(ROOM), { ...waits, done: 3, head: 4, oldestAt: AT + 4 }, 'the next one');
    },
  },
  {
    name: 'a log is in the outbox with what is appended from then on, whatever later appends say',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const { epoch } = await broker.append(ROOM, entries(2));
      same(await broker.waiting(null, 10), [], 'before');
      await broker.append(ROOM, entries(1, 3), TOLD);
      await broker.append(ROOM, entries(2, 4));
      same((await allWaiting(broker)).get(ROOM), { stream: ROOM, epoch, done: 2, head: 5, oldestAt: AT }, 'after');
      await broker.append(ROOM, [], TOLD);
      same((await allWaiting(broker)).get(ROOM)?.done, 2, 'said again');
    },
  },
  {
    name: 'an append that is refused puts nothing into the outbox, a repeat neither',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const { epoch } = await broker.append(ROOM, [entry('b', 'p', 2)], TOLD);
      await broker.settle(ROOM, { epoch, offset: 1 });
      await rejection(broker.append(ROOM, [entry('a', 'p', 1)], TOLD), Error, 'out of order');
      await broker.append(ROOM, [entry('b', 'p', 2)], TOLD);
      same(await broker.waiting(null, 10), [], 'waiting');
    },
  },
  {
    name: 'settling never moves back, nor beyond the head, nor in another epoch or a log that is not in the outbox',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const { epoch } = await broker.append(ROOM, entries(4), TOLD);
      await broker.settle(ROOM, { epoch, offset: 3 });
      await broker.settle(ROOM, { epoch, offset: 1 });
      await broker.settle(ROOM, { epoch: 'another', offset: 4 });
      same((await allWaiting(broker)).get(ROOM)?.done, 3, 'done');
      await broker.settle(ROOM, { epoch, offset: 99 });
      await broker.append(ROOM, entries(1, 5), TOLD);
      same((await allWaiting(broker)).get(ROOM)?.done, 4, 'done, after 99');
      const other = await broker.append(named('plain'), entries(2));
      await broker.settle(named('plain'), { epoch: other.epoch, offset: 1 });
      await broker.settle(named('unknown'), { epoch, offset: 1 });
      same([...(await allWaiting(broker)).keys()], [ROOM], 'logs');
    },
  },
  {
    name: 'listeners to the outbox hear of each append that stores something, in order',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const ear = listen(broker);
      const deaf = listen(broker);
      deaf.stop();
      await broker.append(named('silent'), entries(1));
      const { epoch } = await broker.append(ROOM, entries(2, 1, 'p'), TOLD);
      await broker.append(ROOM, [entry('again', 'p', 2)], TOLD);
      await Promise.all(range(3, 12).map((n) => broker.append(ROOM, [entry(`${n}`, 'p', n)], TOLD)));
      await ear.until(11);
      const one = (from: number, to: number) => ({ stream: ROOM, epoch, from, to, at: AT });
      same(ear.heard, [one(0, 2), ...range(3, 12).map((n) => one(n - 1, n))], 'heard');
      same(deaf.heard, [], 'heard after stop');
      ear.stop();
      ear.stop();
    },
  },
  {
    name: 'what waits is kept, whatever the retention says, and trimmed once it is settled',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const retain = { entries: 2, ageMs: 1_000 };
      const { epoch } = await broker.append(ROOM, entries(5), { ...TOLD, retain });
      await broker.append(ROOM, entries(5, 6), TOLD);
      advanceMs(5_000);
      await world.settle?.();
      same(offsetsOf(await readAll(broker, ROOM)), range(1, 10), 'while it waits');
      await broker.settle(ROOM, { epoch, offset: 4 });
      await world.settle?.();
      same(offsetsOf(await broker.read(ROOM, { epoch, offset: 4 }, ALL)), range(5, 10), 'what still waits');
      same((await broker.readBack(ROOM, undefined, ALL)).floor, 4, 'floor');
      await broker.settle(ROOM, { epoch, offset: 10 });
      await world.settle?.();
      same((await broker.readBack(ROOM, undefined, ALL)).floor, 10, 'floor, when all is settled');
    },
  },
  {
    name: 'what nobody could be told of becomes a dead letter with a copy, in its turn only',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const odd = { ...entry('naïve 🦊 \u2028'), source: { producer: 'p\0', seq: 9 } };
      const { epoch } = await broker.append(ROOM, [odd, { ...entry('b'), user: null }], {
        ...TOLD,
        retain: { entries: 1 },
      });
      await broker.bury(ROOM, { epoch, offset: 2 }, DEATH);
      await broker.bury(ROOM, { epoch: 'another', offset: 1 }, DEATH);
      await broker.bury(named('unknown'), { epoch, offset: 1 }, DEATH);
      same([await broker.countDeadLetters(), (await allWaiting(broker)).get(ROOM)?.done], [0, 0], 'not in turn');
      await broker.bury(ROOM, { epoch, offset: 1 }, DEATH);
      await broker.bury(ROOM, { epoch, offset: 1 }, DEATH);
      same((await allWaiting(broker)).get(ROOM)?.done, 1, 'done');
      await world.settle?.();
      const [first, ...more] = await broker.deadLetters(0, 10);
      const id = first?.id ?? 0;
      same(first, { id, stream: ROOM, epoch, entry: { offset: 1, ...odd }, ...DEATH }, 'the dead letter');
      same(more, [], 'others');
      await broker.bury(ROOM, { epoch, offset: 2 }, { ...DEATH, attempts: 0, reason: '' });
      same(
        (await broker.deadLetters(id, 10)).map(({ entry }) => [entry.offset, entry.user]),
        [[2, null]],
        'the second',
      );
      same((await broker.deadLetters(0, 1)).length, 1, 'a page of one');
      same(await broker.forgetDeadLetter(id), true, 'forgotten');
      same(await broker.forgetDeadLetter(id), false, 'twice');
      same(await broker.countDeadLetters(), 1, 'left');
    },
  },
  {
    name: 'an amendment waits as an append does, and its record can become a dead letter',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const ear = listen(broker);
      const { epoch } = await broker.append(ROOM, entries(1), TOLD);
      const amendment = { offset: 1, expects: 0, data: '"new"', state: '{"editedAt":1}', at: AT + 1, user: null };
      await broker.amend(ROOM, amendment, TOLD);
      await broker.amend(ROOM, { ...amendment, expects: 2 }, TOLD);
      await ear.until(2);
      const heard = ear.heard.map(({ from, to }) => [from, to]);
      same(
        heard,
        [
          [0, 1],
          [1, 2],
        ],
        'heard',
      );
      same((await allWaiting(broker)).get(ROOM)?.head, 2, 'waiting');
      await broker.settle(ROOM, { epoch, offset: 1 });
      await broker.bury(ROOM, { epoch, offset: 2 }, DEATH);
      const [letter] = await broker.deadLetters(0, 1);
      same([letter?.entry.offset, letter?.entry.amends, letter?.entry.data], [2, { offset: 1 }, 'null'], 'the letter');
      ear.stop();
    },
  },
  {
    name: 'a log that is only amended enters the outbox with its record',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      await broker.append(ROOM, entries(2));
      const amendment = { offset: 1, expects: 0, data: 'null', state: '{"deletedAt":1}', at: AT, user: null };
      await broker.amend(ROOM, amendment, TOLD);
      const waits = (await allWaiting(broker)).get(ROOM);
      same([waits?.done, waits?.head], [2, 3], 'waiting');
    },
  },
  {
    name: 'logs where something waits come page by page, each once',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const names = ['a', 'b/ü', 'nul\0', 'half \ud83e', '"quoted"', 'z', '🦊'].map(named);
      for (const name of names) await broker.append(name, entries(1), TOLD);
      const seen: StreamName[] = [];
      for (;;) {
        const page = await broker.waiting(seen.at(-1) ?? null, 2);
        seen.push(...page.map(({ stream }) => stream));
        if (page.length < 2) break;
      }
      same([...seen].sort(), [...names].sort(), 'names');
    },
  },
  {
    name: 'removing a log takes what waits along, but not its dead letters',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const { epoch } = await broker.append(ROOM, entries(2), TOLD);
      await broker.bury(ROOM, { epoch, offset: 1 }, DEATH);
      await broker.remove(ROOM);
      same(await broker.waiting(null, 10), [], 'waiting');
      await broker.append(ROOM, entries(1));
      same(await broker.waiting(null, 10), [], 'of the next history');
      same(await broker.countDeadLetters(), 1, 'dead letters');
    },
  },
  {
    name: 'a call that can never be right is a TypeError or RangeError, of the outbox too',
    run: async (world) => {
      const broker = withOutbox(world.broker);
      const { epoch } = await broker.append(ROOM, entries(1), TOLD);
      const at = { epoch, offset: 1 };
      const bad: [string, Promise<unknown>][] = [
        ['a page of none', broker.waiting(null, 0)],
        ['dead letters, a page of 1.5', broker.deadLetters(0, 1.5)],
        ['-1 attempts', broker.bury(ROOM, at, { ...DEATH, attempts: -1 })],
        ['died at half a millisecond', broker.bury(ROOM, at, { ...DEATH, diedAt: 0.5 })],
        ['a reason with NUL', broker.bury(ROOM, at, { ...DEATH, reason: 'nul\0' })],
        ['a reason of 1,001 characters', broker.bury(ROOM, at, { ...DEATH, reason: 'x'.repeat(1_001) })],
      ];
      for (const [what, call] of bad) {
        const error = await rejection(call, Error, what);
        same(error instanceof TypeError || error instanceof RangeError, true, what);
      }
      await broker.bury(ROOM, at, { ...DEATH, reason: 'x'.repeat(1_000) });
      same(await broker.countDeadLetters(), 1, 'a reason of 1,000 characters');
    },
  },
];

export const OUTBOX_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, what waits still waits, and dead letters are there',
    run: async (world: BrokerWorld) => {
      const reopen = need(world.reopen?.bind(world), 'reopen');
      const before = withOutbox(world.broker);
      const { epoch } = await before.append(ROOM, entries(6), { ...TOLD, retain: { entries: 1 } });
      await before.settle(ROOM, { epoch, offset: 2 });
      await before.bury(ROOM, { epoch, offset: 3 }, DEATH);
      const letters = await before.deadLetters(0, 10);
      const broker = withOutbox(await reopen());
      same((await allWaiting(broker)).get(ROOM), { stream: ROOM, epoch, done: 3, head: 6, oldestAt: AT }, 'waiting');
      same(offsetsOf(await broker.read(ROOM, { epoch, offset: 3 }, ALL)), [4, 5, 6], 'entries');
      same(await broker.deadLetters(0, 10), letters, 'dead letters');
      await broker.forgetDeadLetter(letters[0]?.id ?? 0);
      await broker.bury(ROOM, { epoch, offset: 4 }, DEATH);
      const [next] = await broker.deadLetters(0, 10);
      same((next?.id ?? 0) > (letters[0]?.id ?? 0), true, 'ids only rise');
    },
  },
];
