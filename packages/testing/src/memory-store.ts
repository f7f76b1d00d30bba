// The memory broker behind a door that answers late and is shut now and then. What it holds is gone with its process.

import { type Broker, BrokerUnavailableError, memoryBroker } from '@trunkline/broker';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { Ending, Kept, Store, StoreWeather } from './store.js';

export class MemoryStore implements Store {
  readonly weather: StoreWeather = { storeMs: [0, 2], broken: false };
  readonly #retentions = new Map<string, number>();
  #broker: Broker | undefined;

  constructor(
    private readonly random: Random,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
  ) {}

  open(machine: Machine): Broker {
    const inner = memoryBroker({ nowMs: machine.nowMs, randomEpoch: () => this.random.word() });
    this.#broker = inner;
    const door = async <T>(call: () => Promise<T>): Promise<T> => {
      const isShut = this.weather.broken;
      if (isShut && this.random.chance(0.5)) throw new BrokerUnavailableError('the door is shut');
      const answer = call();
      answer.catch(() => {});
      await new Promise<void>((resolve) => machine.after(this.random.between(...this.weather.storeMs), resolve));
      if (isShut) throw new BrokerUnavailableError('the door is shut');
      return answer;
    };
    const late: Pick<Broker, 'append' | 'lookup' | 'read' | 'readBack'> = {
      append: (stream, entries, options) =>
        door(async () => {
          const result = await inner.append(stream, entries, options);
          if (options?.retain?.entries !== undefined) this.#retentions.set(stream, options.retain.entries);
          for (const [index, { offset, duplicate }] of result.appended.entries()) {
            const entry = entries[index];
            if (entry === undefined || duplicate) this.journal.count('duplicates');
            else {
              const { at, data, user, source } = entry;
              const durableMs = machine.simulator.nowMs;
              const { producer, seq } = source ?? { producer: undefined, seq: undefined };
              this.ledger.committed({ stream, epoch: result.epoch, offset, at, data, user, producer, seq, durableMs });
            }
          }
          const head = this.ledger.current(stream)?.head ?? 0;
          this.ledger.trimmed(stream, Math.max(0, head - (this.#retentions.get(stream) ?? head)));
          return result;
        }),
      lookup: (stream, source) => door(() => inner.lookup(stream, source)),
      read: (stream, after, limit) => door(() => inner.read(stream, after, limit)),
      readBack: (stream, before, limit) => door(() => inner.readBack(stream, before, limit)),
    };
    // Everything else goes straight through.
    return new Proxy(inner, {
      get: (target, name) => {
        const own = late[name as keyof typeof late] ?? target[name as keyof Broker];
        return typeof own === 'function' ? own.bind(target) : own;
      },
    });
  }

  ended(_how: Ending): void {
    this.ledger.abandoned();
  }

  kept(stream: string): Kept | null {
    const history = this.ledger.current(stream);
    if (history === undefined) return null;
    const { epoch, head, floor, entries } = history;
    return { epoch, head, floor, data: entries.slice(floor).map(({ data }) => data) };
  }

  dispose(): void {
    void this.#broker?.close();
  }
}
