// The writer's work: a group of calls in one transaction, on what it knows of streams and producers. It never waits and has
// no clock; the thread around it (writer-worker.ts) says when. A refused call writes nothing, so it needs no savepoint; an
// error of SQLite ends the whole group and everything that is known, because the transaction is gone.

import { type Command, type Connection, messageOf, type Query, type Row } from './database.js';
import { keyOf } from './key-text.js';
import { LruMap } from './lru-map.js';
import { type Answer, type AppendCall, type AppendDone, PACKED, type Refusal, type WriterCall } from './messages.js';

/** A producer's last use is written down when it is this much later than the last time. */
export const USE_STEP_MS = 3_600_000;
const STREAMS_KNOWN_MAX = 10_000;
const PRODUCERS_KNOWN_MAX = 50_000;

export interface KnownStream {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  head: number;
  floor: number;
  fence: number;
  retainEntries: number | null;
  retainAgeMs: number | null;
  /** `at` of the oldest entry that is kept, when it is known. */
  oldestAt: number | undefined;
}

interface KnownProducer {
  readonly id: number;
  /** Highest seq that is stored. */
  last: number;
  usedAtMs: number;
}

/** An entry's producer, if it has one that is known, and `offset, at` of the entry if it is a repeat. */
interface Planned {
  readonly producer: KnownProducer | undefined;
  readonly stored: Row | undefined;
}
const NEW: Planned = { producer: undefined, stored: undefined };

type Numbered = { readonly id: number; readonly call: WriterCall };

export class Writer {
  /** Streams with more to trim than one step does. */
  readonly backlog = new Set<string>();
  readonly #db: Connection;
  readonly #streams = new LruMap<string, KnownStream>(STREAMS_KNOWN_MAX);
  readonly #producers = new LruMap<string, KnownProducer>(PRODUCERS_KNOWN_MAX);
  /** Changed by the group at work, and not yet written. */
  readonly #changed = new Map<string, KnownStream>();
  readonly #begin: Command;
  readonly #commit: Command;
  readonly #findStream: Query;
  readonly #addStream: Command;
  readonly #saveStream: Command;
  readonly #deleteStream: Command;
  readonly #findProducer: Query;
  readonly #lastSeq: Query;
  readonly #addProducer: Command;
  readonly #useProducer: Command;
  readonly #findPublish: Query;
  readonly #addPublish: Command;
  readonly #addEntry: Command;
  readonly #deleteEntries: Command;
  readonly #firstKept: Query;
  readonly #oldest: Query;
  readonly #discard: Command;
  readonly #nextToken: Query;

  constructor(db: Connection) {
    this.#db = db;
    this.#begin = db.command('BEGIN IMMEDIATE');
    this.#commit = db.command('COMMIT');
    this.#findStream = db.query(
      'SELECT id, epoch, head, floor, fence, retain_entries, retain_age_ms FROM streams WHERE name = ?',
    );
    this.#addStream = db.command('INSERT INTO streams (name, epoch) VALUES (?, ?)');
    this.#saveStream = db.command(
      'UPDATE streams SET head = ?, floor = ?, fence = ?, retain_entries = ?, retain_age_ms = ? WHERE id = ?',
    );
    this.#deleteStream = db.command('DELETE FROM streams WHERE id = ?');
    this.#findProducer = db.query('SELECT id, used_at FROM producers WHERE stream = ? AND producer = ?');
    this.#lastSeq = db.query('SELECT max(seq) FROM publishes WHERE producer = ?');
    this.#addProducer = db.command('INSERT INTO producers (stream, producer, used_at) VALUES (?, ?, ?)');
    this.#useProducer = db.command('UPDATE producers SET used_at = ? WHERE id = ?');
    this.#findPublish = db.query('SELECT offset, at FROM publishes WHERE producer = ? AND seq = ?');
    this.#addPublish = db.command('INSERT INTO publishes (producer, seq, offset, at) VALUES (?, ?, ?, ?)');
    this.#addEntry = db.command(
      'INSERT INTO entries (stream, offset, at, user, producer, seq, data) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#deleteEntries = db.command('DELETE FROM entries WHERE stream = ? AND offset <= ?');
    this.#firstKept = db.query(
      'SELECT offset, at FROM entries WHERE stream = ? AND offset <= ? AND at >= ? ORDER BY offset LIMIT 1',
    );
    this.#oldest = db.query('SELECT at FROM entries WHERE stream = ? ORDER BY offset LIMIT 1');
    this.#discard = db.command('INSERT OR IGNORE INTO trash (kind, id) VALUES (?, ?)');
    this.#nextToken = db.query("UPDATE counters SET value = value + 1 WHERE name = 'lease_token' RETURNING value");
  }

  /** Applies the calls in order and commits. When it returns, what is answered as done is on the disk. */
  group(calls: readonly Numbered[], nowMs: number): Answer[] {
    try {
      return this.inTransaction(() => {
        let rows = 0;
        const answers: Answer[] = [];
        for (const { id, call } of calls) {
          const result = this.#apply(call, nowMs);
          answers.push('refusal' in result ? { id, refusal: result.refusal } : { id, done: result.done });
          if (call.type === 'append') rows += call.entries.length / PACKED;
        }
        // About as much is trimmed as was added, so that nothing heaps up; what remains is the sweeper's.
        let budget = 2 * rows + 16;
        for (const stream of this.#changed.values()) budget -= this.trim(stream, nowMs, Math.max(0, budget));
        return answers;
      });
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
      for (const { head, floor, fence, retainEntries, retainAgeMs, id } of this.#changed.values()) {
        this.#saveStream.run([head, floor, fence, retainEntries, retainAgeMs, id]);
      }
      this.#changed.clear();
      this.#commit.run([]);
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
      this.#changed.clear();
      this.#streams.clear();
      this.#producers.clear();
      throw error;
    }
  }

  find(name: string): KnownStream | undefined {
    const known = this.#streams.get(name) ?? this.#changed.get(name);
    if (known !== undefined) return known;
    const row = this.#findStream.row([name]);
    if (row === undefined) return undefined;
    const [id, epoch, head, floor, fence, retainEntries, retainAgeMs] = row;
    const found: KnownStream = {
      id: Number(id),
      name,
      epoch: String(epoch),
      head: Number(head),
      floor: Number(floor),
      fence: Number(fence),
      retainEntries: retainEntries as number | null,
      retainAgeMs: retainAgeMs as number | null,
      oldestAt: undefined,
    };
    this.#streams.set(name, found);
    return found;
  }

  forgetProducer(stream: number, key: string): void {
    this.#producers.delete(`${stream} ${key}`);
  }

  /** Deletes up to `most` entries that retention no longer keeps; gives their number. A stream that has more joins the backlog. */
  trim(stream: KnownStream, nowMs: number, most: number): number {
    const target = this.#trimTarget(stream, nowMs, Math.max(1, most));
    if (target <= stream.floor) {
      this.backlog.delete(stream.name);
      return 0;
    }
    const to = Math.min(target, stream.floor + most);
    if (to === stream.floor + most) this.backlog.add(stream.name);
    else this.backlog.delete(stream.name);
    const trimmed = to - stream.floor;
    if (trimmed === 0) return 0;
    this.#deleteEntries.run([stream.id, to]);
    stream.floor = to;
    stream.oldestAt = undefined;
    this.#changed.set(stream.name, stream);
    return trimmed;
  }

  #trimTarget(stream: KnownStream, nowMs: number, most: number): number {
    const { id, head, floor, retainEntries, retainAgeMs } = stream;
    const byCount = retainEntries === null ? 0 : head - retainEntries;
    if (retainAgeMs === null || floor === head || byCount >= floor + most) return byCount;
    const cutoff = nowMs - retainAgeMs;
    const oldestAt = stream.oldestAt ?? this.#oldest.row([id])?.[0];
    stream.oldestAt = oldestAt === undefined ? undefined : Number(oldestAt);
    if (stream.oldestAt === undefined || stream.oldestAt >= cutoff) return byCount;
    const kept = this.#firstKept.row([id, floor + most, cutoff])?.[0];
    return Math.max(byCount, kept === undefined ? Math.min(head, floor + most) : Number(kept) - 1);
  }

  #apply(call: WriterCall, nowMs: number): { readonly done: unknown } | { readonly refusal: Refusal } {
    switch (call.type) {
      case 'append':
        return this.#append(call, nowMs);
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
    const known = this.find(call.stream);
    const { fence, retain, entries } = call;
    if (known !== undefined && fence !== undefined && fence < known.fence) {
      return { refusal: { type: 'fenced', token: fence, highest: known.fence } };
    }
    const plan = this.#plan(known, entries);
    if ('type' in plan) return { refusal: plan };
    const stream = known ?? this.#create(call);
    if (fence !== undefined) stream.fence = fence;
    if (retain !== undefined) {
      stream.retainEntries = retain.entries ?? null;
      stream.retainAgeMs = retain.ageMs ?? null;
    }
    const from = stream.head;
    const repeats: AppendDone['repeats'][number][] = [];
    for (const [index, { producer, stored }] of plan.entries()) {
      if (producer !== undefined) this.#use(producer, nowMs);
      if (stored === undefined) this.#add(stream, entries, index * PACKED, producer, nowMs);
      else repeats.push([index, Number(stored[0]), Number(stored[1])]);
    }
    this.#changed.set(stream.name, stream);
    return { done: { epoch: stream.epoch, from, repeats } };
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
      const producer = stream === undefined ? undefined : this.#findKnownProducer(stream.id, key);
      if (producer !== undefined && seq <= producer.last) {
        const stored = this.#findPublish.row([producer.id, seq]);
        if (stored === undefined) return { type: 'out_of_order', producer: keyOf(key), seq, last: producer.last };
        plan.push({ producer, stored });
        continue;
      }
      const before = staged?.get(key) ?? 0;
      if (seq < before) return { type: 'out_of_order', producer: keyOf(key), seq, last: before };
      staged ??= new Map();
      staged.set(key, seq);
      plan.push({ producer, stored: undefined });
    }
    return plan;
  }

  #create({ stream: name, newEpoch: epoch }: AppendCall): KnownStream {
    const id = this.#addStream.run([name, epoch]);
    const stream: KnownStream = {
      id,
      name,
      epoch,
      head: 0,
      floor: 0,
      fence: 0,
      retainEntries: null,
      retainAgeMs: null,
      oldestAt: undefined,
    };
    this.#streams.set(name, stream);
    return stream;
  }

  #add(
    stream: KnownStream,
    entries: AppendCall['entries'],
    base: number,
    known: KnownProducer | undefined,
    nowMs: number,
  ): void {
    stream.head += 1;
    const [at, data, user] = [entries[base] ?? 0, entries[base + 1] ?? '', entries[base + 2] ?? null];
    const [key, seq] = [entries[base + 3], entries[base + 4] ?? 0];
    if (typeof key !== 'string') {
      this.#addEntry.run([stream.id, stream.head, at, user, null, null, data]);
      return;
    }
    const producer = known ?? this.#producerOf(stream, key, nowMs);
    this.#addEntry.run([stream.id, stream.head, at, user, producer.id, seq, data]);
    this.#addPublish.run([producer.id, seq, stream.head, at]);
    producer.last = Number(seq);
  }

  #findKnownProducer(stream: number, key: string): KnownProducer | undefined {
    const cached = this.#producers.get(`${stream} ${key}`);
    if (cached !== undefined) return cached;
    const row = this.#findProducer.row([stream, key]);
    if (row === undefined) return undefined;
    const id = Number(row[0]);
    const found = { id, last: Number(this.#lastSeq.row([id])?.[0] ?? 0), usedAtMs: Number(row[1]) };
    this.#producers.set(`${stream} ${key}`, found);
    return found;
  }

  /** One that was not known when the append was planned: an entry before this one may have made it known. */
  #producerOf(stream: KnownStream, key: string, nowMs: number): KnownProducer {
    const known = this.#findKnownProducer(stream.id, key);
    if (known !== undefined) return known;
    const added = { id: this.#addProducer.run([stream.id, key, nowMs]), last: 0, usedAtMs: nowMs };
    this.#producers.set(`${stream.id} ${key}`, added);
    return added;
  }

  #use(producer: KnownProducer, nowMs: number): void {
    if (nowMs - producer.usedAtMs < USE_STEP_MS) return;
    this.#useProducer.run([nowMs, producer.id]);
    producer.usedAtMs = nowMs;
  }

  #remove(name: string): void {
    const stream = this.find(name);
    if (stream === undefined) return;
    this.#deleteStream.run([stream.id]);
    this.#discard.run(['stream', stream.id]);
    this.#streams.delete(name);
    this.#changed.delete(name);
    this.backlog.delete(name);
  }
}
