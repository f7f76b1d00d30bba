import { afterEach, expect, it } from 'vitest';
import type { Clock } from '../src/clock.js';
import { atEndOfTurn, turnNowMs } from '../src/turn.js';
import { stopAll, turn } from './support/node.js';

afterEach(stopAll);

class CountingClock implements Clock {
  readings = 0;

  nowMs(): number {
    return ++this.readings;
  }

  repeat(): () => void {
    return () => {};
  }
}

const nothing = { endTurn: () => {} };

it('a turn that something waits for the end of reads the clock once, the next one again', async () => {
  const clock = new CountingClock();
  for (let turns = 1; turns <= 3; turns++) {
    atEndOfTurn(nothing);
    expect([turnNowMs(clock), turnNowMs(clock), turnNowMs(clock)]).toEqual([turns, turns, turns]);
    await turn();
  }
});

it('time is not kept where nothing says when the turn ends', async () => {
  await turn();
  const clock = new CountingClock();
  expect([turnNowMs(clock), turnNowMs(clock)]).toEqual([1, 2]);
});

it('each clock has its own time', async () => {
  const clocks = [new CountingClock(), new CountingClock()];
  clocks[1]?.nowMs();
  atEndOfTurn(nothing);
  expect(clocks.map((clock) => turnNowMs(clock))).toEqual([1, 2]);

  await turn();
});
