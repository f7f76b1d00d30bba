// Signals: what whoever listens gets, and that nothing is kept. Cases of an optional power: a broker without it skips them by name.

import { hasSignals, type Signals } from '../signals.js';
import { check, same } from './assert.js';
import type { BrokerWorld, Case } from './world.js';
import { named, ROOM } from './world.js';

function signalsOf({ broker }: Pick<BrokerWorld, 'broker'>): Signals {
  if (!hasSignals(broker)) throw new Error('this broker has no signals: skip the case, with the reason');
  return broker;
}

/** Collects signals; `until` resolves when so many were heard. */
class SignalEar {
  readonly heard: string[] = [];
  #wake = () => {};

  readonly onSignal = (text: string): void => {
    this.heard.push(text);
    this.#wake();
  };

  async until(count: number): Promise<void> {
    while (this.heard.length < count) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }
}

export const SIGNAL_CASES: readonly Case[] = [
  {
    name: 'every listener of the stream gets each signal once, in order, and never before signal returns',
    run: async (world) => {
      const signals = signalsOf(world);
      const [first, second, other] = [new SignalEar(), new SignalEar(), new SignalEar()];
      await signals.watchSignals(ROOM, first.onSignal);
      await signals.watchSignals(ROOM, second.onSignal);
      await signals.watchSignals(named('chat/other'), other.onSignal);
      for (const text of ['one', 'two', 'three']) signals.signal(ROOM, text);
      same([first.heard, second.heard], [[], []], 'heard before signal returned');
      await Promise.all([first.until(3), second.until(3)]);
      same(
        [first.heard, second.heard],
        [
          ['one', 'two', 'three'],
          ['one', 'two', 'three'],
        ],
        'heard',
      );
      same(other.heard, [], 'heard in the other stream');
    },
  },
  {
    name: 'a signal is kept for nobody: who listens later does not get it, who stopped does not either',
    run: async (world) => {
      const signals = signalsOf(world);
      const [before, after] = [new SignalEar(), new SignalEar()];
      const stop = await signals.watchSignals(ROOM, before.onSignal);
      signals.signal(ROOM, 'one');
      await before.until(1);
      stop();
      stop();
      await signals.watchSignals(ROOM, after.onSignal);
      signals.signal(ROOM, 'two');
      await after.until(1);
      same([before.heard, after.heard], [['one'], ['two']], 'heard');
    },
  },
  {
    name: 'signals leave no trace in the stream, and after close nothing happens',
    run: async (world) => {
      const signals = signalsOf(world);
      const ear = new SignalEar();
      await signals.watchSignals(ROOM, ear.onSignal);
      signals.signal(ROOM, 'one');
      await ear.until(1);
      same(
        await world.broker.readBack(ROOM, undefined, { entries: 1 }),
        { epoch: null, offset: 0, floor: 0, entries: [] },
        'the stream',
      );
      await world.broker.close();
      signals.signal(ROOM, 'two');
      const refused = await signals.watchSignals(ROOM, ear.onSignal).then(
        () => false,
        () => true,
      );
      check(refused, 'a closed broker let somebody listen');
      same(ear.heard, ['one'], 'heard');
    },
  },
];
