// A part of the server that owns something by a lease, as rooms do, and writes with its token. Now and then a former owner wakes
// up late and writes too: that must be refused.

import { type Broker, BrokerUnavailableError, FencedError, type Lease } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';

const STREAM = 'feed/owned' as StreamName;
const TTL_MS = 60_000;

export class Owner {
  #lease: Lease | null = null;
  /** Tokens of former owners, after whom somebody else has written. */
  readonly #former: number[] = [];
  #count = 0;
  #isAtWork = false;

  constructor(
    private readonly machine: Machine,
    private readonly broker: Broker,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {
    this.#again();
  }

  #again(): void {
    this.machine.after(this.random.skewed(1_000, 8_000), () => {
      this.#again();
      // One round at a time: on a slow disk the former owner of one round could else write, as it may, before the new one of another.
      if (this.#isAtWork) return;
      this.#isAtWork = true;
      // The broker's answer that it cannot say is no answer; everything else is judged.
      this.#work()
        .catch((error: unknown) => {
          if (!(error instanceof BrokerUnavailableError)) this.journal.broken('nothing throws', String(error));
        })
        .finally(() => {
          this.#isAtWork = false;
        });
    });
  }

  async #work(): Promise<void> {
    const { random } = this;
    this.#lease ??= await this.broker.lease('owner', TTL_MS);
    if (this.#lease === null || !(await this.#write(this.#lease.token))) return;
    if (random.chance(0.4)) {
      await this.#lease.release();
      this.#former.push(this.#lease.token);
      // The store may not answer: then nobody is the owner.
      this.#lease = null;
      this.#lease = await this.broker.lease('owner', TTL_MS);
      if (this.#lease !== null) await this.#write(this.#lease.token);
    }
    const late = this.#former.at(-1);
    if (late === undefined || this.#lease === null || random.chance(0.5)) return;
    this.journal.count('former owners that write');
    if (await this.#write(late)) this.journal.broken('fencing', `the owner ${late} wrote after ${this.#lease.token}`);
  }

  /** Whether it was stored. */
  async #write(token: number): Promise<boolean> {
    this.#count += 1;
    const data = JSON.stringify({ id: `${this.machine.name}-owner-${this.#count}` });
    try {
      await this.broker.append(STREAM, [{ at: this.machine.nowMs(), data, user: null }], { fence: token });
      return true;
    } catch (error) {
      if (error instanceof FencedError) return false;
      throw error;
    }
  }
}
