// The writer's work: a group of calls in one transaction, on what it knows of streams and producers. It never waits and has
// no clock; the thread around it (writer-worker.ts) says when. A refused call writes nothing, so it needs no savepoint; an
// error of SQLite ends the whole group and everything that is known, because the transaction is gone.

import { keptBytes } from '@trunkline/broker';
import { AmendWriter } from './amend-writer.js';
import { type AppendRun, appendOf, BurstAnswer, runsOf } from './bursts.js';
import { type Command, type Connection, messageOf, type Query, type Value } from './database.js';
import { EntryRows } from './entry-rows.js';
import { keyOf } from './key-text.js';
import {
  type Answer,
  type AppendCall,
  type AppendDone,
  type Group,
  PACKED,
  type Refusal,
  type WriterCall,
} from './messages.js';
import { OutboxWriter } from './outbox-writer.js';
import { ResultsWriter } from './results-writer.js';
import {
  type KnownProducer,
  type KnownStream,
  type Planned,
  refusedBefore,
  StreamRegister,
} from './stream-register.js';
import { TableWriter } from './table-writer.js';
import { Trimmer } from './trimmer.js';
import { WordIndex } from './word-index.js';

/** Entries that are put into an index of words together, if no search waits for them. */
const FILLED_TOGETHER = 256;

const NEW: Planned = { producer: undefined, stored: undefined };

/** Entries in a call. */
export function rowsOf(call: WriterCall): number {
  if (call.type === 'burst') return call.count;
  if (call.type === 'amend') return 1;
  return call.type === 'append' ? call.entries.length / PACKED : 0;
}

type Numbered = { readonly id: number; readonly call: WriterCall };

export class Writer {
  readonly streams: StreamRegister;
  readonly tables: TableWriter;
  readonly results: ResultsWriter;
  readonly #outbox: OutboxWriter;
  readonly trimmer: Trimmer;
  readonly words: WordIndex;
  /** Streams whose index of words waits for enough to be worth a step. */
  readonly lagging = new Set<string>();
  /** The last group in figures; `undefined` if it failed. */
  committed: Group | undefined;
  readonly #db: Connection;
  /** Of the group at work. */
  readonly #entries: EntryRows;
  readonly #amendments: AmendWriter;
  readonly #steadyMs: () => number;
  /** When the group at work had all its rows. */
  #writtenMs = 0;
  readonly #begin: Command;
  readonly #commit: Command;
  readonly #deleteStream: Command;
  readonly #discard: Command;
  readonly #nextToken: Query;

  /** @param steadyMs a clock for durations, in milliseconds */
  constructor(db: Connection, steadyMs: () => number) {
    this.#db = db;
    this.streams = new StreamRegister(db);
    this.#steadyMs = steadyMs;
    this.#begin = db.command('BEGIN IMMEDIATE');
    this.#commit = db.command('COMMIT');
    this.#deleteStream = db.command('DELETE FROM streams WHERE id = ?');
    this.#entries = new EntryRows(db);
    this.#discard = db.command('INSERT OR IGNORE INTO trash (kind, id) VALUES (?, ?)');
    this.#nextToken = db.query("UPDATE counters SET value = value + 1 WHERE name = 'lease_token' RETURNING value");
    this.tables = new TableWriter(db, this.streams);
    this.results = new ResultsWriter(db);
    this.#outbox = new OutboxWriter(db, this.streams);
    this.words = new WordIndex(db);
    this.trimmer = new Trimmer(db, this.streams, this.words);
    this.#amendments = new AmendWriter(db, this.streams, this.words);
  }

  /** Applies the calls in order and commits. When it returns, what is answered as done is on the disk. */
  group(calls: readonly Numbered[], nowMs: number): Answer[] {
    const startMs = this.#steadyMs();
    let rows = 0;
    this.committed = undefined;
    try {
      const done = this.inTransaction(() => {
        const answers: Answer[] = [];
        for (const { id, call } of calls) {
          const result = this.#apply(call, nowMs);
          answers.push('refusal' in result ? { id, refusal: result.refusal } : { id, done: result.done });
          rows += rowsOf(call);
        }
        // About as much is trimmed as was added, so that nothing heaps up; what remains is the sweeper's.
        this.#entries.flush();
        let budget = 2 * rows + 16;
        for (const stream of this.streams.touched) {
          budget -= this.trimmer.trimInGroup(stream, nowMs, Math.max(0, budget));
          if (this.words.lag(stream) >= FILLED_TOGETHER) this.lagging.add(stream.name);
        }
        return answers;
      });
      this.committed = {
        calls: calls.reduce((sum, { call }) => sum + (call.type === 'burst' ? call.count : 1), 0),
        entries: rows,
        writeMs: this.#writtenMs - startMs,
        commitMs: this.#steadyMs() - this.#writtenMs,
      };
      return done;
    } catch (error) {
      const refusal: Refusal = { type: 'unavailable', reason: messageOf(error) };
      return calls.map(({ id }) => ({ id, refusal }));
    }
  }

  /** Runs `work` and commits what it and the changed streams need; forgets everything it knows if that fails. */
  inTransaction<T>(work: () => T): T {
    this.#begin.run([]);
    try {
      const result = work();
      this.#entries.flush();
      this.streams.save();
      this.#writtenMs = this.#steadyMs();
      this.#commit.run([]);
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#entries.clear();
      this.streams.reset();
      this.tables.reset();
      throw error;
    }
  }

  #apply(call: WriterCall, nowMs: number): { readonly done: unknown } | { readonly refusal: Refusal } {
    switch (call.type) {
      case 'append':
        return this.#append(call, nowMs);
      case 'burst': {
        const answer = new BurstAnswer();
        for (const run of runsOf(call)) this.#appendRun(run, answer, nowMs);
        return { done: answer.words };
      }
      case 'amend':
        this.#entries.flush();
        return this.#amendments.amend(call, nowMs);
      case 'change':
        return this.tables.change(call, nowMs);
      case 'begin':
        return { done: this.results.begin(call, nowMs) };
      case 'finish':
        this.results.finish(call, nowMs);
        return { done: null };
      case 'settle':
        // What it may bury can be of this group.
        this.#entries.flush();
        this.#outbox.settle(call);
        return { done: null };
      case 'forgetDeadLetter':
        return { done: this.#outbox.forget(call.id) };
      case 'expire':
        return { done: this.tables.expire(nowMs) };
      case 'remove':
        this.#remove(call.stream);
        return { done: null };
      case 'token':
        return { done: this.#nextToken.row([])?.[0] };
      default:
        throw new Error(`${call.type} is not for a group`);
    }
  }

  #append(call: AppendCall, nowMs: number): { readonly done: AppendDone } | { readonly refusal: Refusal } {
    const known = this.streams.find(call.stream);
    const { fence, retain, entries, after, outbox } = call;
    if (known?.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    if (known !== undefined && fence !== undefined && fence < known.fence) {
      return { refusal: { type: 'fenced', token: fence, highest: known.fence } };
    }
    const plan = this.#plan(known, entries);
    if ('type' in plan) return { refusal: plan };
    const early = after === undefined ? undefined : refusedBefore(plan[0] ?? NEW, after);
    if (early !== undefined) return { refusal: early };
    const stream = known ?? this.streams.begin(call.stream, call.newEpoch, 'log');
    if (fence !== undefined) stream.fence = fence;
    if (retain !== undefined) {
      stream.retainEntries = retain.entries ?? null;
      stream.retainAgeMs = retain.ageMs ?? null;
      retainBytes(stream, retain.bytes ?? null);
    }
    if (outbox === true) stream.outboxDone ??= stream.head;
    const from = stream.head;
    const repeats: AppendDone['repeats'][number][] = [];
    for (const [index, { producer, stored }] of plan.entries()) {
      if (producer !== undefined) this.streams.use(producer, nowMs);
      if (stored === undefined) this.#addPacked(stream, entries, index * PACKED, producer, nowMs);
      else repeats.push([index, Number(stored[0]), Number(stored[1])]);
    }
    this.streams.changed(stream);
    return { done: { epoch: stream.epoch, from, repeats } };
  }

  #appendRun(run: AppendRun, answer: BurstAnswer, nowMs: number): void {
    const { data } = run;
    for (let index = 0; index < data.length; index += 1) {
      const result = this.#append(appendOf(run, index), nowMs);
      if ('refusal' in result || result.done.repeats.length > 0) {
        answer.add(result);
        continue;
      }
      // Nothing is left to ask: what follows a new entry is new too, and comes after what is stored.
      this.#follow(run, index + 1, nowMs);
      return answer.addStored(result.done.epoch, result.done.from + 1, data.length - index);
    }
  }

  /** Adds all of a run from `index` on. */
  #follow({ stream: name, at, user, producer: key, seq, owner, data }: AppendRun, index: number, nowMs: number): void {
    if (index === data.length) return;
    const stream = this.streams.find(name) as KnownStream;
    const producer = key === null ? undefined : this.streams.knownProducer(stream, key);
    this.#add(stream, at, data.slice(index), user, key, seq === null ? null : seq + index, owner, producer, nowMs);
  }

  /** What is known of each entry's source, or why the append is refused. Only reads. */
  #plan(stream: KnownStream | undefined, entries: AppendCall['entries']): Planned[] | Refusal {
    const plan: Planned[] = [];
    let staged: Map<string, number> | undefined;
    for (let base = 0; base < entries.length; base += PACKED) {
      const key = entries[base + 3];
      if (typeof key !== 'string') {
        plan.push(NEW);
        continue;
      }
      const seq = Number(entries[base + 4]);
      const planned = this.streams.planSource(stream, key, seq);
      if ('type' in planned) return planned;
      if (planned.stored !== undefined) {
        plan.push(planned);
        continue;
      }
      const before = staged?.get(key) ?? 0;
      if (seq < before) return { type: 'out_of_order', producer: keyOf(key), seq, last: before };
      staged ??= new Map();
      staged.set(key, seq);
      plan.push(planned);
    }
    return plan;
  }

  #addPacked(
    stream: KnownStream,
    entries: AppendCall['entries'],
    base: number,
    known: KnownProducer | undefined,
    nowMs: number,
  ): void {
    const [at, data, user, key, seq, owner] = entries.slice(base, base + PACKED) as [
      ...[number, string, string | null],
      ...[string | null, number | null, string | null],
    ];
    this.#add(stream, at, [data], user, key, seq, owner, known, nowMs);
  }

  /** @param seq of the first of them; the others count up */
  #add(
    stream: KnownStream,
    at: number,
    data: readonly string[],
    user: string | null,
    key: string | null,
    seq: number | null,
    owner: Value,
    known: KnownProducer | undefined,
    nowMs: number,
  ): void {
    const offset = stream.head + 1;
    stream.head += data.length;
    if (stream.retainBytes !== null) {
      for (const text of data) stream.countedBytes += keptBytes({ data: text, user });
    }
    const producer =
      key === null || seq === null
        ? null
        : this.streams.store(stream, known, key, { seq, offset, at, count: data.length }, nowMs).id;
    this.#entries.add({ stream: stream.id, offset, at, user, producer, seq, owner }, data);
  }

  #remove(name: string): void {
    const stream = this.streams.find(name);
    if (stream === undefined) return;
    this.#deleteStream.run([stream.id]);
    this.#discard.run(['stream', stream.id]);
    this.streams.forgetStream(name);
    this.trimmer.backlog.delete(name);
    this.lagging.delete(name);
  }
}

/** From now on the log is bounded by bytes, or no longer. */
function retainBytes(stream: KnownStream, bytes: number | null): void {
  // What is there already is counted in the trimmer's steps.
  if (bytes !== null && stream.retainBytes === null) [stream.countedFrom, stream.countedBytes] = [stream.head, 0];
  stream.retainBytes = bytes;
}
