// Calls that must not run twice: begun once, kept with what came of them, forgotten in time.

import type { Broker } from '../broker.js';
import { rejection, same } from './assert.js';
import { AT, type Case, DAY_MS, need, range } from './world.js';

const CALL = { producer: 'p', seq: 1 };
const NEW = { state: 'new' };
const BEGUN = { state: 'begun' };
const done = (result: string) => ({ state: 'done', result });

/** What `begin` and `recall` say of a call that is known. */
async function known(broker: Broker, caller: typeof CALL): Promise<unknown> {
  const recalled = await broker.recall(caller);
  same(await broker.begin(caller, DAY_MS), recalled, 'begin beside recall');
  return recalled;
}

export const RESULT_CASES: readonly Case[] = [
  {
    name: 'a call is new once, then begun, then done with its first result',
    run: async ({ broker }) => {
      same(await broker.recall(CALL), null, 'before');
      same(await broker.begin(CALL, DAY_MS), NEW, 'the first time');
      same(await known(broker, CALL), BEGUN, 'begun');
      const odd = '{"__proto__":"\\u0000 naïve 🦊 \u2028"}';
      await broker.finish(CALL, odd);
      same(await known(broker, CALL), done(odd), 'finished');
      await broker.finish(CALL, '"another"');
      same(await known(broker, CALL), done(odd), 'finished again');
    },
  },
  {
    name: 'of calls begun at once one alone is new',
    run: async ({ broker }) => {
      const states = await Promise.all(range(1, 50).map(() => broker.begin(CALL, DAY_MS)));
      same(
        states.map(({ state }) => state),
        ['new', ...range(2, 50).map(() => 'begun')],
        'states',
      );
    },
  },
  {
    name: 'each seq of each caller is a call of its own, whatever text names the caller',
    run: async ({ broker }) => {
      const names = ['p', '1:p', 'p\n1', '', '__proto__', 'nul\0', 'half \ud83e', '"quoted"', 'a'.repeat(512)];
      const callers = names.flatMap((producer) => [1, 11, Number.MAX_SAFE_INTEGER].map((seq) => ({ producer, seq })));
      for (const caller of callers) same(await broker.begin(caller, DAY_MS), NEW, JSON.stringify(caller));
      for (const [index, caller] of callers.entries()) await broker.finish(caller, `${index}`);
      for (const [index, caller] of callers.entries()) {
        same(await known(broker, caller), done(`${index}`), JSON.stringify(caller));
      }
    },
  },
  {
    name: 'of a call that is not known no result is kept',
    run: async ({ broker }) => {
      await broker.finish(CALL, '1');
      same(await broker.recall(CALL), null, 'recall');
      same(await broker.begin(CALL, DAY_MS), NEW, 'begin');
    },
  },
  {
    name: 'a call is forgotten so long after it was begun, and as long after it was finished',
    run: async (world) => {
      const { broker } = world;
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      const [open, other] = [CALL, { producer: 'q', seq: 1 }];
      await broker.begin(open, 1_000);
      await broker.begin(other, 1_000);
      advanceMs(999);
      await broker.finish(other, '1');
      same(await known(broker, open), BEGUN, 'begun, after 999 ms');
      advanceMs(1);
      await world.settle?.();
      same(await broker.recall(open), null, 'begun, after 1,000 ms');
      await broker.finish(open, 'too late');
      same(await broker.begin(open, 1_000), NEW, 'begun anew');
      advanceMs(998);
      same(await known(broker, other), done('1'), 'finished, 999 ms ago');
      same(await known(broker, open), BEGUN, 'begun anew, 998 ms ago');
      advanceMs(1);
      same(await broker.recall(other), null, 'finished, 1,000 ms ago');
      same(await broker.begin(other, 1_000), NEW, 'after it was forgotten');
    },
  },
  {
    name: 'a call that can never be right is a TypeError or RangeError, of results too',
    run: async ({ broker }) => {
      const bad: [string, Promise<unknown>][] = [
        ['begin with seq 0', broker.begin({ producer: 'p', seq: 0 }, DAY_MS)],
        ['begin for no time', broker.begin(CALL, 0)],
        ['begin for ever', broker.begin(CALL, Number.POSITIVE_INFINITY)],
        ['recall of a producer of 513 characters', broker.recall({ producer: 'p'.repeat(513), seq: 1 })],
        ['finish with seq 1.5', broker.finish({ producer: 'p', seq: 1.5 }, '1')],
        ['finish with NUL', broker.finish(CALL, '"\0"')],
      ];
      for (const [what, call] of bad) {
        const error = await rejection(call, Error, what);
        same(error instanceof TypeError || error instanceof RangeError, true, what);
      }
      same(await broker.recall(CALL), null, 'nothing was begun');
    },
  },
];

export const RESULT_RESTART_CASES: readonly Case[] = [
  {
    name: 'after a restart, calls are remembered: begun ones as begun, finished ones with their result',
    run: async (world) => {
      const reopen = need(world.reopen?.bind(world), 'reopen');
      const advanceMs = need(world.advanceMs?.bind(world), 'move the clock');
      for (const seq of range(1, 300)) await world.broker.begin({ producer: 'p', seq }, DAY_MS);
      await world.broker.finish({ producer: 'p', seq: 2 }, `${AT}`);
      const broker = await reopen();
      same(await known(broker, CALL), BEGUN, 'begun');
      same(await known(broker, { producer: 'p', seq: 2 }), done(`${AT}`), 'finished');
      advanceMs(DAY_MS);
      await world.settle?.();
      const later = await reopen();
      for (const seq of range(1, 300)) same(await later.recall({ producer: 'p', seq }), null, `${seq}, a day later`);
    },
  },
];
