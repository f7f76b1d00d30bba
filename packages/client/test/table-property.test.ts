// Whatever changes, whoever looks at which rows how often, and whatever happens to the connections: each view ends as the table, no row is ever
// shown older than it was shown before, and rows that did not change keep their objects. The servers are the core's own engines.

import type { ServerRowChange } from '@trunkline/core';
import type { RowData } from '@trunkline/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineWorld, type Quote } from './support/engine-world.js';

const KEYS = ['a', 'b', 'c', 'd', 'e', '__proto__'];
const FIELDS = ['bid', 'ask'] as const;

type Step =
  | { readonly do: 'change'; readonly by: 'server' | 'client'; readonly rows: readonly RowStep[] }
  | {
      readonly do: 'look';
      readonly keys: readonly string[] | undefined;
      readonly rate: number | undefined;
      readonly paused: boolean;
    }
  | { readonly do: 'leave'; readonly which: number }
  | { readonly do: 'wait' | 'drain'; readonly ms: number }
  | { readonly do: 'drop' | 'silence' | 'hidden' | 'wake' | 'shut' | 'recreate' };
interface RowStep {
  readonly key: string;
  readonly kind: 'set' | 'patch' | 'unset' | 'delete';
  readonly field: (typeof FIELDS)[number];
}

const key = fc.constantFrom(...KEYS);
const row: fc.Arbitrary<RowStep> = fc.record({
  key,
  kind: fc.constantFrom('set' as const, 'patch' as const, 'patch' as const, 'unset' as const, 'delete' as const),
  field: fc.constantFrom(...FIELDS),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      by: fc.constantFrom('server' as const, 'server' as const, 'client' as const),
      rows: fc.uniqueArray(row, { minLength: 1, maxLength: 3, selector: ({ key: name }) => name }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('look' as const),
      keys: fc.option(fc.uniqueArray(key, { maxLength: 4 }), { nil: undefined, freq: 3 }),
      rate: fc.option(fc.constantFrom(0.5, 1, 4, 20), { nil: undefined }),
      paused: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('leave' as const), which: fc.nat(9) }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 2_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('drain' as const), ms: fc.integer({ min: 0, max: 900 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'drop' as const,
        'drop' as const,
        'silence' as const,
        'hidden' as const,
        'wake' as const,
        'shut' as const,
        'recreate' as const,
      ),
    }),
  },
);

async function run(steps: readonly Step[], latencyMs: number, pad: string): Promise<void> {
  const world = new EngineWorld({ nodes: 3 });
  world.latencyMs = latencyMs;
  const { quotes } = world;
  let made = 0;
  /** When each change of a row was stored: those of a client come later than they are made. `n` numbers them. */
  const storedAs = new Map<string, number>();
  await world.broker.watch('quotes/nyse' as never, ({ rows = [] }) => {
    for (const { key: name, data } of rows) storedAs.set(`${name} ${JSON.parse(data).n}`, storedAs.size + 1);
  });
  const ageOf = (name: string, data: RowData | undefined) => storedAs.get(`${name} ${data?.n}`) ?? 0;
  /** Each row as it was shown last. */
  const seen = new Map<string, { readonly row: RowData; readonly text: string }>();
  const looks: {
    readonly keys: readonly string[] | undefined;
    readonly view: ReturnType<typeof quotes.view>;
    leave(): void;
  }[] = [];

  const check = () => {
    const { rows } = quotes.snapshot();
    for (const [name, now] of rows as unknown as ReadonlyMap<string, RowData>) {
      const before = seen.get(name);
      const text = JSON.stringify(now);
      if (before?.text === text) expect(now, `the object of ${name}`).toBe(before.row);
      else expect(ageOf(name, now), `${name} goes back`).toBeGreaterThan(ageOf(name, before?.row));
      seen.set(name, { row: now, text });
    }
    for (const name of seen.keys()) if (!rows.has(name)) seen.delete(name);
    for (const { view } of looks) expect(view.snapshot()).toBe(view.snapshot());
  };
  const look = (keys: readonly string[] | undefined, ratePerSecond?: number, paused = false) => {
    const view = quotes.view({ keys, ratePerSecond, paused });
    looks.push({ keys, view, leave: view.subscribe(check) });
  };
  const change = (rows: readonly RowStep[], by: 'server' | 'client') => {
    made += 1;
    const fields = { n: made, pad } as Quote;
    const list = rows.map(({ key: name, kind, field }) => {
      if (kind === 'set') return { key: name, set: { ...fields, [field]: made } };
      if (kind === 'delete') return { key: name, delete: true as const };
      return {
        key: name,
        patch: kind === 'unset' ? fields : { ...fields, [field]: made },
        ...(kind === 'unset' ? { unset: [field] } : {}),
      };
    });
    if (by === 'server') return world.change(...(list as readonly ServerRowChange[]));
    quotes.change(list).catch((error) => expect(['rate_limited', 'conflict', 'unavailable']).toContain(error.code));
    return undefined;
  };

  look(undefined);
  for (const given of steps) {
    if (given.do === 'change') await change(given.rows, given.by);
    else if (given.do === 'look') look(given.keys, given.rate, given.paused);
    else if (given.do === 'leave') looks.splice(given.which % (looks.length + 1), 1)[0]?.leave();
    else if (given.do === 'wait') await world.pass(given.ms);
    else if (given.do === 'drain') {
      // What says hello there is drained too, so each is left for good.
      if (world.node < 2) void world.engines[world.node]?.drain(20_000, given.ms + 1);
      world.node = Math.min(2, world.node + 1);
    } else if (given.do === 'drop') world.connections.at(-1)?.drop();
    else if (given.do === 'silence') {
      if (world.openConnections[0]) world.last.silent = true;
    } else if (given.do === 'recreate') await world.broker.remove('quotes/nyse' as never);
    else if (given.do === 'shut') {
      world.accepts = false;
      world.clock.after(1_500, () => {
        world.accepts = true;
      });
    } else world.network.say(given.do);
    check();
  }

  // The trouble ends.
  world.network.say('wake');
  look(['a', 'c', 'nobody'], 2);
  look(['b']);
  // A node hears that a table was removed by the next change of it.
  await change([{ key: 'a', kind: 'set', field: 'bid' }], 'server');
  for (let i = 0; i < 24; i++) {
    await world.pass(5_000);
    check();
  }
  const rows = await world.rows();
  for (const { keys, view } of looks) {
    const wanted = keys?.filter((name) => rows.has(name)).map((name) => [name, rows.get(name)]) ?? [...rows];
    const { state, rows: shown } = view.snapshot();
    expect(state).toBe('live');
    expect(JSON.stringify([...shown].sort())).toBe(JSON.stringify(canonical(shown, wanted as [string, Quote][])));
  }
  expect(world.openConnections.filter(({ silent }) => !silent)).toHaveLength(1);
  // What was held for the views is gone with them.
  for (const { leave } of looks) leave();
  await world.pass(20_000);
  expect(world.openConnections.filter(({ silent }) => !silent)).toHaveLength(0);
  const odd = world.problems.filter(({ message }) => !/^ping/.test(message));
  expect(odd).toEqual([]);
}

/** The same rows as `wanted`, their fields in the order in which `shown` has them. */
function canonical(shown: ReadonlyMap<string, Quote>, wanted: readonly [string, Quote][]): unknown {
  return wanted
    .map(([name, data]): [string, unknown] => {
      const order = Object.keys(shown.get(name) ?? {});
      const fields = Object.entries(data).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
      return [name, Object.fromEntries(fields)];
    })
    .sort();
}

describe('a table under a bad connection', () => {
  it('ends as the server has it, whoever looks how often at what', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50 }), fc.constantFrom(0, 5, 40, 150), (steps, latencyMs) =>
        run(steps, latencyMs, ''),
      ),
      { numRuns: process.env.TRUNKLINE_DEEP ? 2_000 : 100 },
    );
  }, 600_000);

  it('and where a row is too large to come with others in one slice', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 40), (steps, latencyMs) =>
        run(steps, latencyMs, 'x'.repeat(30_000)),
      ),
      { numRuns: process.env.TRUNKLINE_DEEP ? 500 : 25 },
    );
  }, 600_000);
});
