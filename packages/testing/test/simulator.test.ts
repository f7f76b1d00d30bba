// Time of a simulated world: order of events, what settles between them, and what sleeping and killed machines still do.

import { describe, expect, it } from 'vitest';
import { Machine, Random, Simulator } from '../src/index.js';

describe('events', () => {
  it('happen in the order of their times, and of their planning at the same time', async () => {
    const simulator = new Simulator();
    const happened: string[] = [];
    for (const [timeMs, name] of [
      [5, 'late'],
      [1, 'early'],
      [5, 'late too'],
      [3, 'between'],
    ] as const) {
      simulator.at(timeMs, () => happened.push(`${name} ${simulator.nowMs}`));
    }
    await simulator.run(4);
    expect(happened).toEqual(['early 1', 'between 3']);
    await simulator.run(10);
    expect(happened.slice(2)).toEqual(['late 5', 'late too 5']);
    expect(simulator.nowMs).toBe(10);
  });

  it('settle all promises before the next one', async () => {
    const simulator = new Simulator();
    const happened: string[] = [];
    simulator.at(1, () => {
      void (async () => {
        for (let hop = 0; hop < 50; hop++) await undefined;
        happened.push('settled');
      })();
    });
    simulator.at(1, () => happened.push('next'));
    await simulator.run(2);
    expect(happened).toEqual(['settled', 'next']);
  });

  it('reject the run with what they throw', async () => {
    const simulator = new Simulator();
    simulator.at(1, () => {
      throw new Error('broken');
    });
    await expect(simulator.run(2)).rejects.toThrow('broken');
  });

  it('many of them, in any order, come out sorted', async () => {
    const simulator = new Simulator();
    const random = new Random(1);
    const times: number[] = [];
    for (let count = 0; count < 500; count++) simulator.at(random.whole(0, 99), () => times.push(simulator.nowMs));
    await simulator.run(100);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    expect(times).toHaveLength(500);
  });
});

describe('a machine', () => {
  it('does after a sleep what was due in it, but for what was cancelled', async () => {
    const simulator = new Simulator();
    const machine = new Machine(simulator, 'laptop');
    const happened: string[] = [];
    machine.after(10, () => happened.push(`timer at ${simulator.nowMs}`));
    const cancel = machine.after(20, () => happened.push('cancelled'));
    simulator.at(5, () => machine.sleep(95));
    simulator.at(50, cancel);
    await simulator.run(200);
    expect(happened).toEqual(['timer at 100']);
  });

  it('does nothing more once it is killed', async () => {
    const simulator = new Simulator();
    const machine = new Machine(simulator, 'server');
    let ticks = 0;
    machine.every(10, () => {
      ticks += 1;
    });
    simulator.at(35, () => machine.kill());
    await simulator.run(100);
    expect(ticks).toBe(3);
  });

  it('has a clock that can be set, and timers that do not care', async () => {
    const simulator = new Simulator();
    const machine = new Machine(simulator, 'phone');
    const before = machine.nowMs();
    machine.setClock(-60_000);
    let firedMs = 0;
    machine.after(1_000, () => {
      firedMs = simulator.nowMs;
    });
    await simulator.run(2_000);
    expect(firedMs).toBe(1_000);
    expect(machine.nowMs() - before).toBe(2_000 - 60_000);
  });
});

it('chance of a seed is the same each time, and branches do not disturb each other', () => {
  const draw = (random: Random) => Array.from({ length: 5 }, random.next);
  const [one, other] = [new Random(7), new Random(7)];
  draw(other.branch('a'));
  expect(draw(one)).toEqual(draw(other));
  expect(draw(one.branch('a'))).toEqual(draw(other.branch('a')));
  expect(draw(one.branch('a'))).not.toEqual(draw(one.branch('b')));
});
