// Records that say nothing any more: of a run of them the first and the last stay, so that whoever toggles a reaction a million times leaves three
// behind. What counts entries, and every place that a reader may stand at, is as it was.

import type { Offset } from '@trunkline/protocol';
import type { Broker } from '../broker.js';
import { hasOutbox } from '../outbox.js';
import { amendment } from './amend-cases.js';
import { same } from './assert.js';
import { seeded } from './random.js';
import { ALL, AT, type Case, entries, entry, need, offsetsOf, ROOM, range, readAll, START } from './world.js';

/** An item of a log as these cases expect it: `of` is the entry that a record amends. */
interface Item {
  readonly offset: Offset;
  readonly of?: Offset;
}

/** What is to be kept, told plainly. */
class PlainLog {
  items: Item[] = [];
  head = 0;
  floor = 0;
  /** Newest record of each entry that has one. */
  readonly newest = new Map<Offset, Offset>();

  append(): void {
    this.head += 1;
    this.items.push({ offset: this.head });
  }

  amend(of: Offset): void {
    this.head += 1;
    this.items.push({ offset: this.head, of });
    const old = this.items.findIndex(({ offset }) => offset === this.newest.get(of));
    this.newest.set(of, this.head);
    if (this.items[old - 1]?.of !== undefined && this.items[old + 1]?.of !== undefined) this.items.splice(old, 1);
  }

  /** Keeps so many entries, and the records after the first of them. */
  trim(count: number): void {
    const first = this.entries.at(-count)?.offset ?? 1;
    this.items = this.items.filter(({ offset }) => offset >= first);
    this.floor = first - 1;
  }

  get entries(): Item[] {
    return this.items.filter(({ of }) => of === undefined);
  }

  after(offset: Offset): Offset[] {
    return this.items.filter((item) => item.offset > offset).map((item) => item.offset);
  }
}

async function agrees(broker: Broker, log: PlainLog, what: string): Promise<void> {
  const { floor, head } = log;
  const { epoch } = await broker.readBack(ROOM, undefined, ALL);
  for (const after of range(floor, head)) {
    const said = `${what}, at ${after}`;
    same(offsetsOf(await broker.read(ROOM, { epoch, offset: after }, ALL)), log.after(after), `${said}: all behind`);
    const [one] = offsetsOf(await broker.read(ROOM, { epoch, offset: after }, { entries: 9, bytes: 0 }));
    same(one, log.after(after)[0], `${said}: the next one`);
    const back = log.items.filter(({ offset }) => offset <= after).map(({ offset }) => offset);
    same(offsetsOf(await broker.readBack(ROOM, after + 1, ALL)), back, `${said}: all before`);
    const entries = log.entries.filter(({ offset }) => offset > after);
    const only = await broker.read(ROOM, { epoch, offset: after }, { entries: 2, entriesOnly: true });
    same(
      offsetsOf(only),
      entries.slice(0, 2).map(({ offset }) => offset),
      `${said}: two entries`,
    );
    const tail = await broker.tail(ROOM, after, 2);
    same([tail.offset, tail.floor, tail.after], [head, floor, entries.length], `${said}: counted behind`);
    same(
      offsetsOf(await broker.read(ROOM, { epoch, offset: tail.from }, { entries: 9, entriesOnly: true })),
      log.entries.slice(-2).map(({ offset }) => offset),
      `${said}: the newest two`,
    );
  }
}

export const ERASED_CASES: readonly Case[] = [
  {
    name: 'of the records of one entry that nothing stands between, the first and the newest are kept',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(2));
      for (let n = 0; n < 200; n += 1) {
        await broker.amend(ROOM, amendment(1, n === 0 ? 0 : n + 2, `"${n}"`));
      }
      same(offsetsOf(await readAll(broker, ROOM)), [1, 2, 3, 202], 'what is kept');
      await broker.append(ROOM, entries(1, 203));
      for (const after of [3, 4, 100, 201]) {
        same(offsetsOf(await broker.read(ROOM, { epoch, offset: after }, ALL)), [202, 203], `from ${after} on`);
      }
      same(
        await broker.tail(ROOM, 100, 2),
        { epoch, offset: 203, floor: 0, from: 1, after: 1, recordsTrimmed: 0 },
        'tail',
      );
    },
  },
  {
    name: 'what was stored of an erased record is still known by its source',
    run: async ({ broker }) => {
      const { epoch } = await broker.append(ROOM, entries(1));
      const toggle = (n: number) => ({
        ...amendment(1, n === 1 ? 0 : n, `"${n}"`),
        source: { producer: 'p', seq: n },
      });
      for (const n of [1, 2, 3, 4]) await broker.amend(ROOM, toggle(n));
      same(offsetsOf(await readAll(broker, ROOM)), [1, 2, 5], 'what is kept');
      const known = { epoch, offset: 3, at: AT + 1 };
      same(await broker.lookup(ROOM, { producer: 'p', seq: 2 }), known, 'lookup');
      same(await broker.amend(ROOM, toggle(2)), { ...known, duplicate: true }, 'a repeat');
    },
  },
  {
    name: 'times are found where records were erased',
    run: async ({ broker }) => {
      await broker.append(ROOM, [entry('one')]);
      for (const n of range(1, 9))
        await broker.amend(ROOM, { ...amendment(1, n === 1 ? 0 : n, `"${n}"`), at: AT + n * 10 });
      // 1 2 10, at 0, 10 and 90.
      const begin = async (at: number) => {
        const { from, epoch } = await broker.seek(ROOM, AT + at);
        return offsetsOf(await broker.read(ROOM, { epoch, offset: from }, ALL));
      };
      same(
        [await begin(0), await begin(1), await begin(10)],
        [
          [1, 2, 10],
          [2, 10],
          [2, 10],
        ],
        'up to the first record',
      );
      same([await begin(11), await begin(90), await begin(91)], [[10], [10], []], 'behind it');
    },
  },
  ...[1, 2, 3].map(
    (seed): Case => ({
      name: `any appends, amendments and trims leave what a plain list keeps, for every reader (seed ${seed})`,
      run: async (world) => {
        const { broker } = world;
        const random = seeded(seed);
        const log = new PlainLog();
        for (let step = 0; step < 60; step += 1) {
          const chance = random();
          const { newest } = log;
          const of = log.entries[Math.floor(random() * Math.min(3, log.entries.length))]?.offset;
          if (chance < 0.25 || of === undefined) {
            await broker.append(ROOM, entries(1, log.head + 1));
            log.append();
          } else if (chance < 0.95) {
            await broker.amend(ROOM, amendment(of, newest.get(of) ?? 0, `"${step}"`));
            log.amend(of);
          } else {
            const keep = 2 + Math.floor(random() * 4);
            await broker.append(ROOM, [], { retain: { entries: keep } });
            await world.settle?.();
            log.trim(keep);
            // Only once: otherwise all that comes is trimmed too.
            await broker.append(ROOM, [], { retain: {} });
          }
          if (step % 10 === 9) await agrees(broker, log, `seed ${seed}, step ${step}`);
        }
      },
    }),
  ),
];

export const ERASED_OUTBOX_CASES: readonly Case[] = [
  {
    name: 'the outbox goes over erased records, and buries what is next behind them',
    run: async (world) => {
      const broker = need(hasOutbox(world.broker) ? world.broker : undefined, 'keep an outbox');
      const death = { diedAt: AT, attempts: 1, reason: 'no' };
      const { epoch } = await broker.append(ROOM, entries(1), { outbox: true });
      for (const n of range(1, 5)) await broker.amend(ROOM, amendment(1, n === 1 ? 0 : n, `"${n}"`), { outbox: true });
      await broker.append(ROOM, entries(1, 7), { outbox: true });
      same(offsetsOf(await readAll(broker, ROOM)), [1, 2, 6, 7], 'what is kept');
      await broker.settle(ROOM, { epoch, offset: 2 });
      const waits = { stream: ROOM, epoch, done: 2, head: 7, oldestAt: AT + 1 };
      same(await broker.waiting(null, 9), [waits], 'what waits behind them');
      // One that was erased while somebody was being told of it.
      await broker.bury(ROOM, { epoch, offset: 4 }, death);
      same([await broker.countDeadLetters(), (await broker.waiting(null, 9))[0]?.done], [0, 4], 'an erased one');
      await broker.bury(ROOM, { epoch, offset: 7 }, death);
      same([await broker.countDeadLetters(), (await broker.waiting(null, 9))[0]?.done], [0, 4], 'one too far');
      await broker.bury(ROOM, { epoch, offset: 6 }, death);
      same([await broker.countDeadLetters(), (await broker.waiting(null, 9))[0]?.done], [1, 6], 'the next one');
    },
  },
  {
    name: 'erased records that somebody is still to be told of hold up the trimming that would end among them',
    run: async (world) => {
      const broker = need(hasOutbox(world.broker) ? world.broker : undefined, 'keep an outbox');
      const { epoch } = await broker.append(ROOM, entries(1), { outbox: true });
      for (const n of range(1, 5)) await broker.amend(ROOM, amendment(1, n === 1 ? 0 : n, `"${n}"`), { outbox: true });
      await broker.append(ROOM, entries(2, 7), { outbox: true, retain: { entries: 1 } });
      // 1 2 6 7 8, told up to 4: what lies behind that must be readable from there.
      await broker.settle(ROOM, { epoch, offset: 4 });
      await broker.append(ROOM, [], { outbox: true });
      await world.settle?.();
      same(offsetsOf(await broker.read(ROOM, { epoch, offset: 4 }, ALL)), [6, 7, 8], 'what waits');
      await broker.settle(ROOM, { epoch, offset: 8 });
      await broker.append(ROOM, [], { outbox: true });
      await world.settle?.();
      const page = await broker.readBack(ROOM, undefined, ALL);
      same([page.floor, offsetsOf(page)], [7, [8]], 'when all is told');
      same(await broker.read(ROOM, { ...START, epoch, offset: 7 }, ALL), page, 'from the floor on');
    },
  },
];
