// An optional power of brokers: what a producer appends one behind the other, as a client's burst is, costs less together. It is the same as
// so many appends, each after the one before, without a promise and an entry for each: thousands wait for a disk at a time.

import type { Epoch, Offset, StreamName } from '@trunkline/protocol';
import type { AppendOptions, Broker, NewEntry, ProducerSeq } from './broker.js';

/** The first entry of a run. */
export interface RunEntry extends NewEntry {
  readonly source: ProducerSeq;
}

/** What came of the entries of a run, which are counted from 0. Each is told of once, in order, and never before the call that added it has returned. */
export interface RunTold {
  /** `count` entries from `index` on are stored, at contiguous offsets from `offset` on. @param at @param duplicate as of `Appended` */
  stored(index: number, count: number, epoch: Epoch, offset: Offset, at: number, duplicate: boolean): void;
  /** One could not be stored: why, as `append` rejects. */
  refused(index: number, error: unknown): void;
}

/** A run that may still grow. */
export interface OpenRun {
  /**
   * Appends an entry that is as the one before but for its data, JSON text, and its `seq`, which is the next one; `after` is that of the one before.
   * `false`: this run has left, and nothing was appended.
   */
  add(data: string): boolean;
}

/** The power to append runs. What is said of `append` holds for each entry of a run: it is stored, or refused, by itself. */
export interface Runs {
  /** Appends an entry, and those that are added to it. @throws TypeError or RangeError if it can never be right */
  beginRun(
    stream: StreamName,
    first: RunEntry,
    options: Pick<AppendOptions, 'retain' | 'after' | 'outbox'>,
    told: RunTold,
  ): OpenRun;
}

/** The broker's power, or the same by single appends. */
export function runsOf(broker: Broker): Runs {
  if (typeof (broker as Partial<Runs>).beginRun === 'function') return broker as Broker & Runs;
  return {
    beginRun: (stream, first, options, told) => new SingleAppends(broker, stream, first, options, told),
  };
}

class SingleAppends implements OpenRun {
  #count = 0;
  /** Of the one before: they are told of in order. */
  #told: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly broker: Broker,
    private readonly stream: StreamName,
    private readonly first: RunEntry,
    private readonly options: AppendOptions,
    private readonly told: RunTold,
  ) {
    this.#append(first, options);
  }

  add(data: string): boolean {
    const { producer, seq } = this.first.source;
    const next = seq + this.#count;
    this.#append({ ...this.first, data, source: { producer, seq: next } }, { ...this.options, after: next - 1 });
    return true;
  }

  #append(entry: NewEntry, options: AppendOptions): void {
    const index = this.#count;
    this.#count += 1;
    const result = this.broker.append(this.stream, [entry], options);
    // It is looked at in its turn.
    result.catch(() => undefined);
    this.#told = this.#told
      .then(() => result)
      .then(
        ({ epoch, appended: [one] }) => {
          if (one !== undefined) this.told.stored(index, 1, epoch, one.offset, one.at, one.duplicate);
        },
        (error: unknown) => this.told.refused(index, error),
      );
  }
}
