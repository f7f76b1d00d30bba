// The embedded broker: the port on one side, two worker threads on the other. The event loop never waits for the disk.

import {
  type Advance,
  type Amendment,
  type AmendResult,
  type AppendOptions,
  type AppendResult,
  type Broker,
  type BrokerHealth,
  BrokerUnavailableError,
  type CallState,
  type ChangeOptions,
  type ChangeResult,
  checkAmend,
  checkAppend,
  checkChange,
  checkLimit,
  checkResult,
  checkSource,
  checkTail,
  checkTtl,
  type KnownCall,
  type Lease,
  Leases,
  type NewEntry,
  type OpenRun,
  type Opens,
  type OutboxNews,
  type Page,
  type PageLimit,
  type ProducerSeq,
  type ReportsHealth,
  type Row,
  type RowChange,
  type RowsPage,
  type RunEntry,
  type Runs,
  type RunTold,
  type Tail,
  type Watch,
  Watchers,
} from '@trunkline/broker';
import type { Offset, Position, StreamName } from '@trunkline/protocol';
import { amendNewsOf, announceAmend, announceAppend, announceChange, newsOf } from './announce.js';
import { appendedOf, errorOf, pageOf } from './answers.js';
import { Appends } from './appends.js';
import { amendCall, amendmentOf, appendCall, changeCall } from './calls.js';
import { keyText } from './key-text.js';
import {
  type AmendDone,
  type AppendDone,
  type ChangeDone,
  type PackedRows,
  type PageDone,
  type ReaderCall,
  type RowsDone,
  type StateDone,
  unpackRows,
  unpackTombstones,
  type WriterCall,
} from './messages.js';
import { NewestWrites } from './newest-writes.js';
import { type SqliteBrokerOptions, warn } from './options.js';
import { SearchCalls } from './search-calls.js';
import { nodeSurroundings, type Surroundings } from './surroundings.js';
import { Threads } from './threads.js';
import { whileOpen } from './while-open.js';

const SWEEP_INTERVAL_MS = 60_000;
const CLOSED = 'the broker was closed';

/** Use `sqliteBroker`. */
export class SqliteBroker extends SearchCalls implements Broker, Opens, ReportsHealth, Runs {
  readonly #threads: Threads;
  readonly #appends: Appends;
  readonly #watchers = new Watchers();
  readonly #leases: Leases;
  readonly #writes = new NewestWrites();
  readonly #reads = new Set<Promise<unknown>>();
  readonly #surroundings: Surroundings;
  readonly #endSweeps: () => void;
  #closed: Promise<void> | undefined;

  constructor(
    path: string,
    { nowMs = Date.now, maxFileBytes, onFailure = warn, onGroup }: SqliteBrokerOptions,
    surroundings: Surroundings = nodeSurroundings,
  ) {
    super();
    this.#surroundings = surroundings;
    const bounds = maxFileBytes === undefined ? {} : { maxFileBytes };
    const tellStored = () => this.#tellStored();
    this.#threads = new Threads({ path, ...bounds, nowMs, onFailure, onGroup, tellStored }, surroundings);
    const tellOutbox = (news: OutboxNews) => this.tellOutbox(news);
    const randomEpoch = () => surroundings.randomEpoch();
    this.#appends = new Appends(this.#threads.writer, randomEpoch, this.#watchers, this.#writes, tellOutbox);
    this.#leases = new Leases(nowMs, async () => Number(await this.#write({ type: 'token' })));
    this.#endSweeps = surroundings.every(SWEEP_INTERVAL_MS, () => void this.sweep().catch(() => {}));
  }

  get health(): BrokerHealth {
    return this.#closed === undefined ? this.#threads.health : 'failed';
  }

  async ready(): Promise<void> {
    await this.#threads.ready();
  }

  append(name: StreamName, entries: readonly NewEntry[], options?: AppendOptions): Promise<AppendResult> {
    try {
      this.#mustBeOpen();
      checkAppend(entries, options);
    } catch (error) {
      return Promise.reject(error);
    }
    const [entry] = entries;
    if (entry !== undefined && entries.length === 1 && options?.fence === undefined) {
      return this.#appends.one(name, entry, options);
    }
    return this.#appendMany(name, entries, options);
  }

  beginRun(name: StreamName, first: RunEntry, options: AppendOptions, told: RunTold): OpenRun {
    checkAppend([first], options);
    if (this.#closed === undefined) return this.#appends.begin(name, first, options, told);
    queueMicrotask(() => told.refused(0, new BrokerUnavailableError(CLOSED)));
    return { add: () => false };
  }

  #appendMany(name: StreamName, entries: readonly NewEntry[], options: AppendOptions = {}): Promise<AppendResult> {
    const call = appendCall(name, entries, this.#surroundings.randomEpoch(), options);
    return this.#writeTo(name, call, (value) => {
      const done = value as AppendDone;
      announceAppend(this.#watchers, name, done, call.entries);
      const appended = appendedOf(done, call.entries);
      if (options.outbox) this.tellOutbox(newsOf(name, done, appended));
      return { epoch: done.epoch, appended };
    });
  }

  async amend(
    name: StreamName,
    given: Amendment,
    options: Pick<AppendOptions, 'fence' | 'after' | 'outbox'> = {},
  ): Promise<AmendResult> {
    this.#mustBeOpen();
    checkAmend(given, options);
    const amendment = amendmentOf(given);
    return this.#writeTo(name, amendCall(name, amendment, options), (value) => {
      if (options.outbox === true) this.tellOutbox(amendNewsOf(name, value as AmendDone));
      return announceAmend(this.#watchers, name, value as AmendDone, amendment);
    });
  }

  async tail(name: StreamName, after: Offset, count: number): Promise<Tail> {
    checkTail(after, count);
    return (await this.#read(name, { type: 'tail', stream: keyText(name), after, count })) as Tail;
  }

  async lookup(
    name: StreamName,
    source: ProducerSeq,
  ): Promise<{ readonly epoch: string; readonly offset: Offset; readonly at: number } | null> {
    const call = { stream: keyText(name), producer: keyText(source.producer), seq: source.seq };
    return (await this.#read(name, { type: 'lookup', ...call })) as Awaited<ReturnType<Broker['lookup']>>;
  }

  async read(name: StreamName, after: Position, limit: PageLimit): Promise<Page> {
    checkLimit(limit);
    const { epoch, offset } = after;
    const call: ReaderCall = { type: 'read', stream: keyText(name), epoch, offset, ...limit };
    return pageOf((await this.#read(name, call, after)) as PageDone);
  }

  async readBack(name: StreamName, before: Offset | undefined, limit: PageLimit): Promise<Page> {
    checkLimit(limit);
    const from = before === undefined ? {} : { before };
    return pageOf((await this.#read(name, { type: 'readBack', stream: keyText(name), ...from, ...limit })) as PageDone);
  }

  async change(name: StreamName, step: readonly RowChange[], options?: ChangeOptions): Promise<ChangeResult> {
    this.#mustBeOpen();
    checkChange(step, options);
    const call = changeCall(name, step, this.#surroundings.randomEpoch(), options ?? {});
    return this.#writeTo(name, call, (value) => {
      const { epoch, offset, duplicate } = announceChange(this.#watchers, value as ChangeDone);
      return { epoch, offset, duplicate };
    });
  }

  async readRows(name: StreamName, after: Position, limit: PageLimit, begunAt: Offset = 0): Promise<RowsPage> {
    checkLimit(limit);
    const { epoch, offset } = after;
    const call: ReaderCall = { type: 'readRows', stream: keyText(name), epoch, offset, begunAt, ...limit };
    const { rows, gone, ...page } = (await this.#read(name, call, after)) as RowsDone;
    return { ...page, rows: unpackRows(rows), gone: unpackTombstones(gone) };
  }

  async readRow(name: StreamName, key: string): Promise<Row | null> {
    const row = (await this.#read(name, { type: 'readRow', stream: keyText(name), key })) as PackedRows | null;
    return row === null ? null : (unpackRows(row)[0] ?? null);
  }

  async expire(): Promise<void> {
    this.#mustBeOpen();
    for (const done of (await this.#write({ type: 'expire' })) as readonly ChangeDone[])
      announceChange(this.#watchers, done);
  }

  async begin(caller: ProducerSeq, ttlMs: number): Promise<CallState> {
    checkSource(caller);
    checkTtl(ttlMs);
    const { producer, seq } = caller;
    return (await this.writing({ type: 'begin', caller: keyText(producer), seq, ttlMs })) as CallState;
  }

  async recall(caller: ProducerSeq): Promise<KnownCall | null> {
    checkSource(caller);
    const { producer, seq } = caller;
    return (await this.#readNow({ type: 'recall', caller: keyText(producer), seq })) as KnownCall | null;
  }

  async finish(caller: ProducerSeq, result: string): Promise<void> {
    checkSource(caller);
    checkResult(result);
    const { producer, seq } = caller;
    await this.writing({ type: 'finish', caller: keyText(producer), seq, result });
  }

  async watch(name: StreamName, onAdvance: (advance: Advance) => void): Promise<Watch> {
    this.#mustBeOpen();
    // Heard from now on, told when the caller has the state: what was committed in between is then known to be after it.
    let held: Advance[] | undefined = [];
    let closed = false;
    const stop = this.#watchers.add(name, (advance) => {
      if (held === undefined) onAdvance(advance);
      else held.push(advance);
    });
    const close = () => {
      closed = true;
      stop();
    };
    try {
      const state = (await this.#read(name, { type: 'state', stream: keyText(name) })) as StateDone;
      this.#surroundings.endOfTurn(() => {
        const heard = held ?? [];
        held = undefined;
        for (const advance of heard) {
          if (!closed && (advance.epoch !== state.epoch || advance.to > state.offset)) onAdvance(advance);
        }
      });
      return { state, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  async remove(name: StreamName): Promise<void> {
    this.#mustBeOpen();
    await this.#writeTo(name, { type: 'remove', stream: keyText(name) }, () => undefined);
  }

  async lease(name: string, ttlMs: number): Promise<Lease | null> {
    this.#mustBeOpen();
    const lease = await this.#leases.take(name, ttlMs);
    return lease && whileOpen(lease, () => this.#mustBeOpen());
  }

  /** Trims and deletes what is due, in small steps, and resolves when that is done. Happens by itself every minute. */
  async sweep(): Promise<void> {
    await this.writing({ type: 'sweep' });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#endSweeps();
    await this.#threads.close(() => Promise.allSettled(this.#reads));
    this.#watchers.clear();
    this.endSignals();
    this.#leases.clear();
  }

  /** Whoever watches hears how far each stream is, without the data, and reads on. Rejects if that cannot be read. */
  async #tellStored(): Promise<void> {
    const tell = async (stream: StreamName) => {
      const { epoch, offset } = (await this.#readNow({ type: 'state', stream: keyText(stream) })) as StateDone;
      if (epoch !== null && offset > 0) this.#watchers.announce({ stream, epoch, from: 0, to: offset });
    };
    await Promise.all(this.#watchers.streams().map(tell));
    await this.tellWaiting();
  }

  #mustBeOpen(): void {
    if (this.#closed !== undefined) throw new BrokerUnavailableError(CLOSED);
  }

  protected async writing(call: WriterCall, name?: StreamName): Promise<unknown> {
    this.#mustBeOpen();
    return this.#write(call, name);
  }

  protected async readingOf(name: StreamName, call: ReaderCall): Promise<unknown> {
    return this.#read(name, call);
  }

  protected async reading(call: ReaderCall): Promise<unknown> {
    return this.#readNow(call);
  }

  #write(call: WriterCall, name?: StreamName): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#threads.writer.call(call, { done: resolve, refused: (refusal) => reject(errorOf(refusal, name)) });
    });
  }

  /** `done` runs in the order of commits. */
  #writeTo<T>(name: StreamName, call: WriterCall, done: (value: unknown) => T): Promise<T> {
    const settled = () => this.#writes.ended(name, write);
    const written = new Promise<T>((resolve, reject) => {
      this.#threads.writer.call(call, {
        done: (value) => {
          settled();
          resolve(done(value));
        },
        refused: (refusal) => {
          settled();
          reject(errorOf(refusal, name));
        },
      });
    });
    const write = { written };
    this.#writes.began(name, write);
    return written;
  }

  #read(name: StreamName, call: ReaderCall, wanted?: Position): Promise<unknown> {
    return this.#readNow(call, name, wanted, this.#writes.of(name));
  }

  #readNow(call: ReaderCall, name?: StreamName, wanted?: Position, after?: Promise<unknown>): Promise<unknown> {
    this.#mustBeOpen();
    const read = this.#readAfter(after, name, call, wanted);
    this.#reads.add(read);
    const settled = () => this.#reads.delete(read);
    read.then(settled, settled);
    return read;
  }

  async #readAfter(
    write: Promise<unknown> | undefined,
    name: StreamName | undefined,
    call: ReaderCall,
    wanted?: Position,
  ): Promise<unknown> {
    await write?.catch(() => {});
    const reader = await this.#threads.reader();
    return new Promise((resolve, reject) => {
      reader.call(call, { done: resolve, refused: (refusal) => reject(errorOf(refusal, name, wanted)) });
    });
  }
}
