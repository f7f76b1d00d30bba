// The memory broker behind a door that answers late and is shut now and then. What it holds is gone with its process; or it is a store apart,
// which outlives servers and serves several of them.

import { type Broker, BrokerUnavailableError, memoryBroker, type Outbox } from '@trunkline/broker';
import { forwards } from '@trunkline/broker/contract';
import type { StreamName } from '@trunkline/protocol';
import { AskedSteps } from './asked-steps.js';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import { BEGINNING_MS, type Machine } from './machine.js';
import type { MarkLedger } from './mark-ledger.js';
import type { Random } from './random.js';
import type { Simulator } from './simulator.js';
import { type Ending, FAILING_RATIO, type Kept, type Store, type StoreWeather } from './store.js';
import type { TableLedger } from './table-ledger.js';
import { TABLES } from './tables.js';

export interface MemoryStoreParts {
  readonly simulator: Simulator;
  readonly random: Random;
  readonly ledger: Ledger;
  readonly tables: TableLedger;
  readonly marks: MarkLedger;
  readonly journal: Journal;
  readonly tombstones: number;
  /** A process of its own. */
  readonly isApart: boolean;
}

export class MemoryStore implements Store {
  readonly weather: StoreWeather = { storeMs: [0, 2], broken: false, failing: false };
  readonly #retentions = new Map<string, number>();
  readonly #parts: MemoryStoreParts;
  #broker: (Broker & Outbox) | undefined;
  readonly #asked: AskedSteps;

  constructor(parts: MemoryStoreParts) {
    this.#parts = parts;
    this.#asked = new AskedSteps(parts.tables, parts.simulator);
  }

  open(machine: Machine): Broker {
    const { random, ledger, marks, journal, tombstones, isApart } = this.#parts;
    const inner = this.#inner(machine);
    const door = async <T>(call: () => Promise<T>): Promise<T> => {
      const isShut = this.weather.broken;
      if (isShut && random.chance(0.5)) throw new BrokerUnavailableError('the door is shut');
      const wait = () =>
        new Promise<void>((resolve) => machine.after(random.between(...this.weather.storeMs), resolve));
      if (this.weather.failing && random.chance(FAILING_RATIO)) {
        // Nobody knows that yet, and what comes after it is at the door already.
        await wait();
        throw new BrokerUnavailableError('it got lost');
      }
      const answer = call();
      answer.catch(() => {});
      await wait();
      if (isShut) throw new BrokerUnavailableError('the door is shut');
      return answer;
    };
    /** Of the outbox: what was done is said to be done. */
    const firmly = async <T>(call: () => Promise<T>): Promise<T> => {
      const { broken, failing } = this.weather;
      if (broken || (failing && random.chance(FAILING_RATIO))) throw new BrokerUnavailableError('the door is shut');
      await new Promise<void>((resolve) => machine.after(random.between(...this.weather.storeMs), resolve));
      return call();
    };
    const late: Partial<Broker & Outbox> = {
      settle: (stream, upTo) =>
        firmly(async () => {
          await inner.settle(stream, upTo);
          await this.#trimmed(inner, stream);
        }),
      bury: (stream, position, death) =>
        firmly(async () => {
          await inner.bury(stream, position, death);
          await this.#trimmed(inner, stream);
        }),
      forgetDeadLetter: (id) => firmly(() => inner.forgetDeadLetter(id)),
      append: (stream, entries, options) =>
        door(async () => {
          const result = await inner.append(stream, entries, options);
          if (options?.retain?.entries !== undefined) this.#retentions.set(stream, options.retain.entries);
          for (const [index, { offset, duplicate }] of result.appended.entries()) {
            const entry = entries[index];
            if (entry === undefined || duplicate) journal.count('duplicates');
            else {
              const { at, data, user, source } = entry;
              const durableMs = machine.simulator.nowMs;
              const { producer, seq } = source ?? { producer: undefined, seq: undefined };
              ledger.committed({ stream, epoch: result.epoch, offset, at, data, user, producer, seq, durableMs });
            }
          }
          // What waits in an outbox is kept.
          if (options?.outbox === true) await this.#trimmed(inner, stream);
          else {
            const history = ledger.current(stream);
            const head = history?.head ?? 0;
            ledger.trimmed(stream, history?.back(head, this.#retentions.get(stream) ?? head) ?? 0);
          }
          return result;
        }),
      amend: (stream, amendment, options) =>
        door(async () => {
          const result = await inner.amend(stream, amendment, options);
          const { epoch, offset, at, duplicate } = result;
          if (duplicate) journal.count('duplicates');
          // Else it changed nothing, and stands where the newest record of the entry does.
          else if (offset === (ledger.history(stream, epoch)?.head ?? 0) + 1) {
            const { data, state, user, source, offset: entry } = amendment;
            const { producer, seq } = source ?? { producer: undefined, seq: undefined };
            const durableMs = machine.simulator.nowMs;
            const amends = { offset: entry, state };
            ledger.committed({ stream, epoch, offset, at, data, user, producer, seq, durableMs, amends });
          }
          return result;
        }),
      tail: (stream, after, count) => door(() => inner.tail(stream, after, count)),
      lookup: (stream, source) => door(() => inner.lookup(stream, source)),
      read: (stream, after, limit) => door(() => inner.read(stream, after, limit)),
      readBack: (stream, before, limit) => door(() => inner.readBack(stream, before, limit)),
      change: (stream, step, options) =>
        door(async () => {
          const result = await inner.change(stream, step, { tombstones: { count: tombstones }, ...options });
          marks.stepped(stream, step, machine.simulator.nowMs);
          if (result.duplicate) journal.count('duplicates');
          else await this.#asked.add(stream, result, { source: options?.source, asked: step });
          return result;
        }),
      readRows: (...given) => door(() => inner.readRows(...given)),
      readRow: (...given) => door(() => inner.readRow(...given)),
      begin: (...given) => door(() => inner.begin(...given)),
      recall: (...given) => door(() => inner.recall(...given)),
      finish: (...given) => door(() => inner.finish(...given)),
      close: async () => {
        if (!isApart) await inner.close();
      },
    };
    // Everything else goes straight through.
    return { ...forwards(inner), ...late };
  }

  ended(_how: Ending): void {
    if (this.#parts.isApart) return;
    this.#broker = undefined;
    this.#parts.ledger.abandoned();
    this.#parts.tables.abandoned();
    this.#parts.marks.abandoned();
  }

  kept(stream: string): Kept | null {
    const history = this.#parts.ledger.current(stream);
    if (history === undefined) return null;
    const { epoch, head, floor, entries } = history;
    const data = entries.slice(floor).map(({ forms, offset }) => [offset, forms.at(-1)?.data ?? 'null'] as const);
    return { epoch, head, floor, data: new Map(data) };
  }

  dispose(): void {
    void this.#broker?.close();
  }

  async #trimmed(inner: Broker, stream: StreamName): Promise<void> {
    const { floor } = await inner.readBack(stream, undefined, { entries: 1 });
    this.#parts.ledger.trimmed(stream, floor);
  }

  readonly #clock = (): number => Math.floor(BEGINNING_MS + this.#parts.simulator.nowMs);

  #inner(machine: Machine): Broker & Outbox {
    const { random, isApart } = this.#parts;
    if (this.#broker !== undefined) return this.#broker;
    const broker = memoryBroker({
      nowMs: isApart ? this.#clock : machine.nowMs,
      randomEpoch: () => random.word(),
    });
    this.#broker = broker;
    const nowMs = isApart ? this.#clock : machine.nowMs;
    for (const { stream, keep } of TABLES) {
      if (keep !== 'durable') continue;
      void broker.watch(stream as StreamName, (advance) => this.#asked.heard(advance, nowMs()));
    }
    return broker;
  }
}
