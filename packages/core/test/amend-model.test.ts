// Any sequence of publishes, amendments, trims and disconnects: whoever follows from the start, comes late, resumes anywhere or reads pages
// ends up with the same entries, and what was erased is nowhere. With notifications as bad as the port allows, too.

import type { Broker } from '@trunkline/broker';
import { seeded, withFlakyNotifications } from '@trunkline/broker/contract';
import type { Amend, AmendRecord, Item } from '@trunkline/protocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Mirror } from './support/mirror.js';
import { LOBBY, type Peer, World } from './support/world.js';

type Step =
  | { readonly do: 'publish' }
  | { readonly do: 'edit' | 'delete' | 'react' | 'unreact'; readonly which: number; readonly by: number }
  | { readonly do: 'vanish' | 'come' | 'settle' | 'slow'; readonly which: number };

const WRITERS = ['ada', 'bob', 'eve'];
const which = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('publish' as const) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('edit' as const, 'delete' as const, 'react' as const, 'react' as const, 'unreact' as const),
      which,
      by: fc.nat(2),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('vanish' as const, 'come' as const, 'settle' as const, 'slow' as const),
      which,
    }),
  },
);

/** A reader over connections that end: its mirror resumes where it stood. */
interface Follower {
  readonly mirror: Mirror;
  epoch: string | null;
  peer: Peer;
  id: number;
}

async function follow(world: World, before?: Follower): Promise<Follower> {
  const peer = await world.enter('reader');
  const { cursor } = before?.mirror ?? { cursor: 0 };
  const resumes = before?.epoch != null;
  const after = resumes ? { after: { epoch: before.epoch ?? '', offset: cursor } } : { last: 1_000 };
  const id = peer.request({ type: 'subscribe', stream: LOBBY, ...after } as never);
  return { mirror: before?.mirror ?? new Mirror(), epoch: before?.epoch ?? null, peer, id };
}

function catchUp(follower: Follower): void {
  const { mirror, peer, id } = follower;
  const fresh = peer.connection.fresh();
  mirror.take(fresh, id);
  for (const message of fresh) if (message.type === 'entries') follower.epoch = message.epoch ?? follower.epoch;
}

async function pages(world: World, backwards: boolean): Promise<Mirror> {
  const mirror = new Mirror();
  const peer = await world.enter('pager');
  let place = backwards ? 1_000_000 : Number((await head(world)).floor);
  for (;;) {
    const answer = await peer.do<never>({
      type: 'read',
      stream: LOBBY,
      [backwards ? 'before' : 'after']: place,
      limit: 2,
    } as never);
    const { items } = answer as { items: readonly (Item | AmendRecord)[] };
    const edge = backwards ? items[0] : items.at(-1);
    if (edge === undefined) return mirror;
    place = edge.offset;
    mirror.read(items);
  }
}

const head = (world: World) => world.store.readBack(LOBBY, undefined, { entries: 1, bytes: 0 });

async function run(steps: readonly Step[], ringBytes: number, seed: number | null, trims: boolean): Promise<void> {
  const wrap = seed === null ? {} : { wrap: (broker: Broker) => withFlakyNotifications(broker, seeded(seed)) };
  const world = new World({
    chat: { amend: ['edit', 'delete', 'react'], authorize: () => true, ...(trims ? { retain: { entries: 7 } } : {}) },
    limits: { publishBurst: 10_000 },
    ringBytes,
    ...wrap,
  });
  const writers = await Promise.all(WRITERS.map((name) => world.enter(name)));
  const seqs = WRITERS.map(() => 0);
  const followers: Follower[] = [];
  const said: string[] = [];
  let published = 0;
  const say = () => {
    said.push(`word-${said.length}-`);
    return said.at(-1) ?? '';
  };
  const send = (by: number, request: object) => {
    seqs[by] = (seqs[by] ?? 0) + 1;
    writers[by]?.request({ stream: LOBBY, producer: `p${by}`, seq: seqs[by], ...request } as never);
  };
  for (const one of steps) {
    if (one.do === 'publish') {
      published += 1;
      send(published % 3, { type: 'publish', data: say() });
    } else if (one.do === 'settle') await world.settle();
    else if (one.do === 'come') followers.push(await follow(world));
    else if (one.do === 'vanish' || one.do === 'slow') {
      const index = followers.length === 0 ? -1 : one.which % followers.length;
      const follower = followers[index];
      if (follower === undefined) continue;
      if (one.do === 'slow') {
        follower.peer.connection.isSlow = !follower.peer.connection.isSlow;
        follower.peer.drain();
        continue;
      }
      catchUp(follower);
      follower.peer.vanish();
      followers[index] = await follow(world, follower);
    } else if ('by' in one) {
      const { offset } = await head(world);
      const change: Partial<Amend> =
        one.do === 'edit'
          ? { edit: say() }
          : one.do === 'delete'
            ? { delete: true }
            : { [one.do]: `r${one.which % 3}` };
      send(one.by, { type: 'amend', offset: Math.max(1, offset - one.which), ...change });
    }
  }
  await world.settle();
  for (const follower of followers) {
    follower.peer.connection.isSlow = false;
    for (let round = 0; round < 50; round += 1) {
      follower.peer.drain();
      await world.settle();
    }
    catchUp(follower);
  }
  await world.passMs(3_000);
  for (const follower of followers) catchUp(follower);

  const stored = await world.store.readBack(LOBBY, undefined, { entries: 1_000 });
  const late = await follow(world);
  await world.settle();
  catchUp(late);
  const { floor, offset } = stored;
  const truth = stored.entries
    .filter(({ amends }) => amends === undefined)
    .map((entry) => [
      entry.offset,
      {
        at: entry.at,
        user: JSON.parse(entry.user ?? 'null'),
        data: JSON.parse(entry.data),
        ...JSON.parse(entry.amended?.state ?? '{}'),
      },
    ]);
  const readers = [
    late.mirror,
    await pages(world, true),
    await pages(world, false),
    ...followers.map(({ mirror }) => mirror),
  ];
  for (const mirror of readers) expect(mirror.list(floor)).toEqual(truth);
  for (const { mirror } of followers) expect(mirror.cursor).toBe(offset);

  // What was replaced is nowhere in what is sent from now on, nor in the store. (What was only trimmed may be in a ring.)
  if (trims) return;
  const present = new Set(truth.map(([, { data }]) => data));
  const erased = said.filter((word) => !present.has(word));
  const eve = await world.enter('eve');
  await eve.subscribe({ last: 1_000 }, LOBBY);
  const shown = eve.connection.texts.join('\n') + JSON.stringify(stored.entries);
  for (const word of erased) expect(shown).not.toContain(`"${word}"`);
}

it.each([
  ['a large ring', 262_144, false],
  ['a ring of a few items', 600, false],
  ['bad notifications', 262_144, true],
  ['a ring of a few items and bad notifications', 600, true],
])(
  'all readers agree, with %s',
  async (_, ringBytes, isFlaky) => {
    const seed = Number(process.env.SEED ?? 1);
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 10, maxLength: 60 }),
        fc.nat(1_000),
        fc.boolean(),
        (steps, noise, trims) => run(steps, ringBytes, isFlaky ? noise : null, trims),
      ),
      { numRuns: 40, seed },
    );
  },
  60_000,
);
