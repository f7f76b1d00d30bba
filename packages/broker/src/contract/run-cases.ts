// Runs: appends one behind the other that are told of together. Brokers without that power pass by single appends.

import { BrokerUnavailableError, OutOfOrderError } from '../errors.js';
import { type OpenRun, type RunEntry, type RunTold, runsOf } from '../runs.js';
import { check, same } from './assert.js';
import { AT, type BrokerWorld, type Case, Ear, entry, offsetsOf, ROOM, range, readAll } from './world.js';

/** What came of each, in the order of being told: an offset, or the name of an error. */
class Told implements RunTold {
  readonly results: (readonly [index: number, offset: number | string, at: number, duplicate: boolean])[] = [];
  epoch = '';
  #waiting: (() => void)[] = [];

  stored(index: number, count: number, epoch: string, offset: number, at: number, duplicate: boolean): void {
    this.epoch = epoch;
    for (let next = 0; next < count; next += 1) this.results.push([index + next, offset + next, at, duplicate]);
    this.#wake();
  }
  refused(index: number, error: unknown): void {
    this.results.push([index, error instanceof Error ? error.name : '?', 0, false]);
    this.#wake();
  }

  async all(count: number): Promise<this> {
    while (this.results.length < count) await new Promise<void>((wake) => this.#waiting.push(wake));
    return this;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

/** Appends `count` entries as runs, from `seq` on: as many as need be, where one has left. */
async function burst({ broker }: Pick<BrokerWorld, 'broker'>, seq: number, count: number, after = 0): Promise<Told[]> {
  const runs: { told: Told; count: number; run: OpenRun }[] = [];
  for (let next = 0; next < count; next += 1) {
    const { data } = entry(`entry ${seq + next}`);
    const last = runs.at(-1);
    if (last?.run.add(data) === true) {
      last.count += 1;
      continue;
    }
    const told = new Told();
    const before = next === 0 ? after : seq + next - 1;
    const first = entry(`entry ${seq + next}`, 'p', seq + next) as RunEntry;
    const run = runsOf(broker).beginRun(ROOM, first, before === 0 ? {} : { after: before }, told);
    same(told.results, [], 'told before the call returned');
    runs.push({ told, count: 1, run });
  }
  return Promise.all(runs.map(async (one) => one.told.all(one.count)));
}

const offsets = (tolds: readonly Told[]) => tolds.flatMap(({ results }) => results.map(([, offset]) => offset));

export const RUN_CASES: readonly Case[] = [
  ...[1, 2, 40, 300].map(
    (count): Case => ({
      name: `a run of ${count} is stored one behind the other, and each is told of once, in order`,
      run: async (world) => {
        const tolds = await burst(world, 1, count);
        for (const { results } of tolds) {
          same(
            results.map(([index, , at, duplicate]) => [index, at, duplicate]),
            results.map((_, index) => [index, AT, false]),
            'in order',
          );
        }
        same(offsets(tolds), range(1, count), 'offsets');
        const page = await readAll(world.broker, ROOM);
        same(
          page.entries.map(({ offset: _, ...one }) => one),
          range(1, count).map((seq) => entry(`entry ${seq}`, 'p', seq)),
          'stored',
        );
        check(
          tolds.every(({ epoch }) => epoch === page.epoch),
          'the epoch',
        );
      },
    }),
  ),
  {
    name: 'a run that comes again is told its first offsets, and what is new in it is stored',
    run: async (world) => {
      await burst(world, 1, 10);
      const tolds = await burst(world, 6, 10);
      same(offsets(tolds), range(6, 15), 'offsets');
      const duplicates = tolds.flatMap(({ results }) => results.map(([, , , duplicate]) => duplicate));
      same(
        duplicates,
        range(6, 15).map((seq) => seq <= 10),
        'repeats',
      );
      same(offsetsOf(await readAll(world.broker, ROOM)), range(1, 15), 'stored');
    },
  },
  {
    name: 'what of a run was left out before is refused by itself',
    run: async (world) => {
      await world.broker.append(ROOM, [entry('two', 'p', 2)]);
      await world.broker.append(ROOM, [entry('four', 'p', 4)]);
      const tolds = await burst(world, 1, 6);
      same(offsets(tolds), [OutOfOrderError.name, 1, OutOfOrderError.name, 2, 3, 4], 'each');
    },
  },
  {
    name: 'a run that comes after one that is not stored is refused, and nothing of it is stored',
    run: async (world) => {
      const tolds = await burst(world, 5, 5, 4);
      same(offsets(tolds), Array(5).fill(BrokerUnavailableError.name), 'refused');
      same((await readAll(world.broker, ROOM)).entries, [], 'stored');
    },
  },
  {
    name: 'watchers hear of all entries of a run, with their sources',
    run: async (world) => {
      const ear = new Ear();
      const { close } = await world.broker.watch(ROOM, ear.onAdvance);
      const [told] = await burst(world, 1, 7);
      await ear.covers(told?.epoch ?? '', 0, 7);
      const { entries: stored } = await readAll(world.broker, ROOM);
      // A broker need not carry the data along; what it does is what is stored.
      const carried = ear.carried(told?.epoch ?? '');
      const places = offsetsOf({ entries: carried });
      same(
        carried,
        stored.filter(({ offset }) => places.includes(offset)),
        'carried',
      );
      close();
    },
  },
  {
    name: 'a run of a broker that was closed is refused, and can never be told of before',
    run: async (world) => {
      await world.broker.close();
      same(offsets(await burst(world, 1, 1)), [BrokerUnavailableError.name], 'refused');
    },
  },
];
