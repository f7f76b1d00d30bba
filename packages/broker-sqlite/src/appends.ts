// Appends of single entries, and of runs of them: how they leave for the writing thread, and who is told when they are stored.

import {
  type AppendOptions,
  type AppendResult,
  isStorable,
  type NewEntry,
  type OpenRun,
  type OutboxNews,
  type RunTold,
  type Watchers,
} from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import { errorOf } from './answers.js';
import { type BurstSettle, Bursts } from './bursts.js';
import type { KeptThread } from './kept-thread.js';
import type { Refusal, WriterCall } from './messages.js';
import type { NewestWrites } from './newest-writes.js';
import { OneAppend, PendingRun } from './pending-run.js';

export class Appends implements BurstSettle {
  readonly #bursts: Bursts;

  constructor(
    writer: KeptThread<WriterCall>,
    randomEpoch: () => string,
    private readonly watchers: Watchers,
    private readonly writes: NewestWrites,
    private readonly tellOutbox: (news: OutboxNews) => void,
  ) {
    this.#bursts = new Bursts(writer, randomEpoch, this);
  }

  one(name: StreamName, entry: NewEntry, options?: AppendOptions): Promise<AppendResult> {
    const one = new OneAppend();
    this.#append(name, entry, options, one);
    return one.written;
  }

  begin(name: StreamName, first: NewEntry, options: AppendOptions, told: RunTold): OpenRun {
    return new GrowingRun(this.#bursts, this.#append(name, first, options, told));
  }

  stored(run: PendingRun, index: number, count: number, epoch: string, offset: number, at: number, duplicate: boolean) {
    const { stream, outbox } = run;
    this.writes.ended(stream, run);
    const [from, to] = [offset - 1, offset + count - 1];
    if (outbox && !duplicate) this.tellOutbox({ stream, epoch, from, to, at });
    if (!duplicate && this.watchers.has(stream)) {
      this.watchers.announce({ stream, epoch, from, to, entries: run.entriesAt(index, count, offset) });
    }
    run.told.stored(index, count, epoch, offset, at, duplicate);
    if (index + count === run.data.length) run.ended();
  }

  refused(run: PendingRun, index: number, refusal: Refusal): void {
    this.writes.ended(run.stream, run);
    run.told.refused(index, errorOf(refusal, run.stream));
    if (index + 1 === run.data.length) run.ended();
  }

  #append(name: StreamName, first: NewEntry, options: AppendOptions = {}, told: RunTold): PendingRun {
    const { retain = null, after = 0, outbox = false } = options;
    const run = new PendingRun(name, first, outbox, told);
    this.writes.began(name, run);
    this.#bursts.append(run, retain, after);
    return run;
  }
}

class GrowingRun implements OpenRun {
  constructor(
    private readonly bursts: Bursts,
    private readonly run: PendingRun,
  ) {}

  add(data: string): boolean {
    if (!isStorable(data)) throw new TypeError('data must be JSON text');
    return this.bursts.add(this.run, data);
  }
}
