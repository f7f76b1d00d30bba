// What the server itself does with tables: sets, patches and deletes rows, several as one step, in bursts and with rows that expire.

import type { ServerRowChange } from '@trunkline/core';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { ServerNode } from './server-node.js';
import type { Simulator } from './simulator.js';
import { KEYS, type SimulatedTable, type TableSetup } from './tables.js';

export class Market {
  #count = 0;

  constructor(
    private readonly simulator: Simulator,
    private readonly random: Random,
    private readonly tables: readonly SimulatedTable[],
    private readonly setup: TableSetup,
    private readonly server: () => ServerNode | undefined,
  ) {}

  start(untilMs: number): void {
    const { simulator, random } = this;
    const usualMs = random.skewed(400, 3_000);
    const again = () => {
      simulator.after(random.skewed(usualMs / 4, usualMs * 4), () => {
        if (simulator.nowMs > untilMs) return;
        for (let count = random.chance(0.1) ? random.whole(5, 20) : 1; count > 0; count--)
          this.change(random.pick(this.tables));
        again();
      });
    };
    again();
  }

  /** One step. `done`: it is stored, or nobody was promised that. */
  change({ stream }: SimulatedTable, done: () => void = () => {}): void {
    const node = this.server();
    if (node === undefined) return done();
    const [key = '', name = ''] = stream.split('/');
    node.machine.run(() => {
      node.engine.change(key, [name], this.#step(node.machine)).then(done, done);
    });
  }

  #step(machine: Machine): ServerRowChange[] {
    const { random } = this;
    this.#count += 1;
    const by = `server-${this.#count}`;
    const keys = new Set(Array.from({ length: random.pick([1, 1, 1, 2, 4]) }, () => random.pick(KEYS)));
    return [...keys].map((key): ServerRowChange => {
      const dice = random.next();
      if (dice < 0.2) return { key, delete: true };
      const expiresAt = random.chance(0.2) ? machine.nowMs() + Math.round(random.skewed(500, 20_000)) : undefined;
      if (dice < 0.45) return { key, set: { by, pad: this.#pad(), f1: random.whole(0, 99) }, expiresAt };
      const unset = random.chance(0.2) ? [`f${random.whole(1, 4)}`] : undefined;
      return { key, patch: { by, [`f${random.whole(1, 4)}`]: random.whole(0, 99) }, unset, expiresAt };
    });
  }

  #pad(): string {
    const { random } = this;
    // So that all rows together are more than one slice.
    if (this.setup.isHeavy && random.chance(0.7)) return 'x'.repeat(random.whole(6_000, 20_000));
    return 'x'.repeat(Math.round(random.skewed(1, 60)));
  }
}
