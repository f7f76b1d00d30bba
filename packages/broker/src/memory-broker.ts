// The broker without a disk: for tests and throwaway state. Pure: clock and randomness are arguments, and every call takes
// effect at once, so that a given order of calls always gives the same history. Nothing survives the process; "stored"
// means in this process's memory.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { Amendment, AmendResult, Tail } from './amendments.js';
import type {
  Advance,
  AppendOptions,
  AppendResult,
  Broker,
  Lease,
  NewEntry,
  Page,
  PageLimit,
  ProducerSeq,
  Seek,
  StreamState,
  Watch,
} from './broker.js';
import { checkAmend, checkAppend, checkLimit, checkTail, checkTime } from './check-arguments.js';
import { checkChange } from './check-change.js';
import { AmendConflictError, BrokerUnavailableError, UnrecoverablePositionError, WrongKindError } from './errors.js';
import { Leases } from './leases.js';
import { MemoryOutbox } from './memory-outbox.js';
import { MemoryStream } from './memory-stream.js';
import { type Changed, MemoryTable } from './memory-table.js';
import { checkDeath, type DeadLetter, type Death, type Outbox, type OutboxNews, type Waiting } from './outbox.js';
import { randomEpoch } from './random-epoch.js';
import { ResultMemory } from './result-memory.js';
import type { CallState, KnownCall } from './results.js';
import { checkSearch, type Search, type SearchPage, type SearchQuery } from './search.js';
import { SignalBoard, type Signals } from './signals.js';
import type { ChangeOptions, ChangeResult, Row, RowChange, RowsPage } from './table.js';
import { Watchers } from './watchers.js';

/** Options of `memoryBroker`. */
export interface MemoryBrokerOptions {
  /** The clock for ages, leases and the memory of producers, in milliseconds since 1970. Default: `Date.now`. */
  readonly nowMs?: () => number;
  /** Names a new history; must never return the same text twice. Default: 96 random bits. */
  readonly randomEpoch?: () => Epoch;
}

const NEVER_WRITTEN: StreamState = { epoch: null, offset: 0, floor: 0 };

/** A broker that keeps everything in this process's memory. */
export function memoryBroker(options: MemoryBrokerOptions = {}): Broker & Outbox & Signals & Search {
  return new MemoryBroker(options.nowMs ?? Date.now, options.randomEpoch ?? randomEpoch);
}

class MemoryBroker implements Broker, Outbox, Signals, Search {
  readonly #nowMs: () => number;
  readonly #randomEpoch: () => Epoch;
  readonly #logs = new Map<StreamName, MemoryStream>();
  readonly #tables = new Map<StreamName, MemoryTable>();
  readonly #watchers = new Watchers();
  readonly #signals = new SignalBoard();
  readonly signal = this.#signals.signal;
  readonly watchSignals = this.#signals.watchSignals;
  readonly #leases: Leases;
  readonly #results = new ResultMemory();
  readonly #outbox = new MemoryOutbox();
  #sweep: Iterator<MemoryStream> | undefined;
  #closed = false;

  constructor(nowMs: () => number, randomEpoch: () => Epoch) {
    this.#nowMs = nowMs;
    this.#randomEpoch = randomEpoch;
    let lastToken = 0;
    this.#leases = new Leases(nowMs, async () => ++lastToken);
  }

  async append(name: StreamName, entries: readonly NewEntry[], options?: AppendOptions): Promise<AppendResult> {
    this.#mustBeOpen();
    checkAppend(entries, options);
    const nowMs = this.#nowMs();
    this.#trimOneMore(nowMs);
    // Kept only if the append succeeds: a refused one does not begin a stream.
    const stream = this.#log(name) ?? new MemoryStream(name, this.#randomEpoch());
    const from = stream.head;
    const appended = stream.append(entries, options, nowMs);
    this.#logs.set(name, stream);
    const to = stream.head;
    if (to > from && this.#watchers.has(name)) {
      this.#watchers.announce({ stream: name, epoch: stream.epoch, from, to, entries: stream.newest(to - from) });
    }
    const at = appended.find(({ duplicate }) => !duplicate)?.at;
    if (options?.outbox === true && at !== undefined) {
      this.#outbox.announce({ stream: name, epoch: stream.epoch, from, to, at });
    }
    stream.trim(nowMs);
    return { epoch: stream.epoch, appended };
  }

  async amend(
    name: StreamName,
    amendment: Amendment,
    options?: Pick<AppendOptions, 'fence' | 'after' | 'outbox'>,
  ): Promise<AmendResult> {
    this.#mustBeOpen();
    checkAmend(amendment, options);
    const nowMs = this.#nowMs();
    const stream = this.#log(name);
    if (stream === undefined) throw new AmendConflictError(name, amendment.offset, amendment.expects, null);
    const { offset, at, duplicate, changed } = stream.amend(amendment, options, nowMs);
    const { epoch } = stream;
    if (changed && this.#watchers.has(name)) {
      this.#watchers.announce({ stream: name, epoch, from: offset - 1, to: offset, entries: stream.newest(1) });
    }
    if (changed && options?.outbox === true) {
      this.#outbox.announce({ stream: name, epoch, from: offset - 1, to: offset, at });
    }
    if (changed) this.#outbox.amended(name, epoch, amendment.offset, amendment.data);
    stream.trim(nowMs);
    return { epoch, offset, at, duplicate };
  }

  async tail(name: StreamName, after: Offset, count: number): Promise<Tail> {
    checkTail(after, count);
    return this.#trimmed(name)?.tail(after, count) ?? { ...NEVER_WRITTEN, from: 0, after: 0, recordsTrimmed: 0 };
  }

  async lookup(
    name: StreamName,
    source: ProducerSeq,
  ): Promise<{ readonly epoch: Epoch; readonly offset: Offset; readonly at: number } | null> {
    this.#mustBeOpen();
    const stream = this.#logs.get(name) ?? this.#tables.get(name);
    const stored = stream?.lookup(source) ?? null;
    return stream === undefined || stored === null ? null : { epoch: stream.epoch, ...stored };
  }

  async read(name: StreamName, after: Position, limit: PageLimit): Promise<Page> {
    checkLimit(limit);
    const stream = this.#trimmed(name);
    if (stream !== undefined) return stream.read(after, limit);
    if (after.epoch === null && after.offset === 0) return { ...NEVER_WRITTEN, entries: [] };
    throw new UnrecoverablePositionError(name, 'epoch', after, NEVER_WRITTEN);
  }

  async readBack(name: StreamName, before: Offset | undefined, limit: PageLimit): Promise<Page> {
    checkLimit(limit);
    return this.#trimmed(name)?.readBack(before, limit) ?? { ...NEVER_WRITTEN, entries: [] };
  }

  async seek(name: StreamName, at: number): Promise<Seek> {
    checkTime(at);
    return this.#trimmed(name)?.seek(at) ?? { ...NEVER_WRITTEN, from: 0 };
  }

  async search(name: StreamName, query: SearchQuery): Promise<SearchPage> {
    checkSearch(query);
    return this.#trimmed(name)?.search(query) ?? { ...NEVER_WRITTEN, entries: [], more: false };
  }

  async change(name: StreamName, step: readonly RowChange[], options?: ChangeOptions): Promise<ChangeResult> {
    this.#mustBeOpen();
    checkChange(step, options);
    const nowMs = this.#nowMs();
    const table = this.#table(name) ?? new MemoryTable(name, this.#randomEpoch());
    const changed = table.change(step, options, nowMs);
    this.#tables.set(name, table);
    const { epoch } = table;
    if (changed !== null) this.#announce(table, changed, nowMs);
    if (changed !== null || options?.source === undefined) return { epoch, offset: table.head, duplicate: false };
    return { epoch, offset: table.lookup(options.source)?.offset ?? 0, duplicate: true };
  }

  async readRows(name: StreamName, after: Position, limit: PageLimit, begunAt: Offset = 0): Promise<RowsPage> {
    this.#mustBeOpen();
    checkLimit(limit);
    const table = this.#table(name);
    table?.trim(this.#nowMs());
    if (table !== undefined) return table.read(after, limit, begunAt);
    if (after.epoch === null && after.offset === 0) return { ...NEVER_WRITTEN, rows: [], gone: [], to: 0 };
    throw new UnrecoverablePositionError(name, 'epoch', after, NEVER_WRITTEN);
  }

  async readRow(name: StreamName, key: string): Promise<Row | null> {
    this.#mustBeOpen();
    return this.#table(name)?.row(key) ?? null;
  }

  async expire(): Promise<void> {
    this.#mustBeOpen();
    const nowMs = this.#nowMs();
    for (const table of this.#tables.values()) this.#announce(table, table.expire(nowMs), nowMs);
  }

  async watch(name: StreamName, onAdvance: (advance: Advance) => void): Promise<Watch> {
    this.#mustBeOpen();
    const state = (this.#tables.get(name) ?? this.#trimmed(name))?.state ?? NEVER_WRITTEN;
    return { state, close: this.#watchers.add(name, onAdvance) };
  }

  async remove(name: StreamName): Promise<void> {
    this.#mustBeOpen();
    this.#logs.delete(name);
    this.#tables.delete(name);
  }

  async lease(name: string, ttlMs: number): Promise<Lease | null> {
    this.#mustBeOpen();
    const lease = await this.#leases.take(name, ttlMs);
    if (lease === null) return null;
    return {
      token: lease.token,
      renew: async () => {
        this.#mustBeOpen();
        return lease.renew();
      },
      release: async () => {
        this.#mustBeOpen();
        return lease.release();
      },
    };
  }

  async begin(caller: ProducerSeq, ttlMs: number): Promise<CallState> {
    this.#mustBeOpen();
    return this.#results.begin(caller, ttlMs, this.#nowMs());
  }

  async recall(caller: ProducerSeq): Promise<KnownCall | null> {
    this.#mustBeOpen();
    return this.#results.recall(caller, this.#nowMs());
  }

  async finish(caller: ProducerSeq, result: string): Promise<void> {
    this.#mustBeOpen();
    this.#results.finish(caller, result, this.#nowMs());
  }

  async waiting(after: StreamName | null, limit: number): Promise<readonly Waiting[]> {
    this.#mustBeOpen();
    checkLimit({ entries: limit });
    return this.#outbox.waiting(this.#logs.values(), after, limit);
  }

  watchOutbox(onNews: (news: OutboxNews) => void): () => void {
    this.#mustBeOpen();
    return this.#outbox.watch(onNews);
  }

  async settle(name: StreamName, upTo: Position): Promise<void> {
    this.#mustBeOpen();
    this.#logs.get(name)?.settle(upTo);
  }

  async bury(name: StreamName, position: Position, death: Death): Promise<void> {
    this.#mustBeOpen();
    checkDeath(death);
    const stream = this.#logs.get(name);
    if (stream !== undefined) this.#outbox.bury(stream, position, death);
  }

  async deadLetters(after: number, limit: number): Promise<readonly DeadLetter[]> {
    this.#mustBeOpen();
    checkLimit({ entries: limit });
    return this.#outbox.deadLetters(after, limit);
  }

  async countDeadLetters(): Promise<number> {
    this.#mustBeOpen();
    return this.#outbox.size;
  }

  async forgetDeadLetter(id: number): Promise<boolean> {
    this.#mustBeOpen();
    return this.#outbox.forget(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#outbox.clear();
    this.#watchers.clear();
    this.#signals.endSignals();
    this.#logs.clear();
    this.#tables.clear();
    this.#leases.clear();
    this.#results.clear();
  }

  #mustBeOpen(): void {
    if (this.#closed) throw new BrokerUnavailableError('the broker was closed');
  }

  #log(name: StreamName): MemoryStream | undefined {
    if (this.#tables.has(name)) throw new WrongKindError(name, 'table');
    return this.#logs.get(name);
  }

  #table(name: StreamName): MemoryTable | undefined {
    if (this.#logs.has(name)) throw new WrongKindError(name, 'log');
    return this.#tables.get(name);
  }

  #announce(table: MemoryTable, { from, to, rows, gone }: Changed, nowMs: number): void {
    const { name: stream, epoch } = table;
    if (to > from) this.#watchers.announce({ stream, epoch, from, to, rows, gone });
    table.trim(nowMs);
  }

  #trimmed(name: StreamName): MemoryStream | undefined {
    this.#mustBeOpen();
    const stream = this.#log(name);
    stream?.trim(this.#nowMs());
    return stream;
  }

  /** Each append also trims one other stream, so that one nobody writes to any more grows old like the rest. */
  #trimOneMore(nowMs: number): void {
    this.#sweep ??= this.#logs.values();
    const next = this.#sweep.next();
    if (next.done === true) this.#sweep = undefined;
    else next.value.trim(nowMs);
  }
}
