// The streams and producers of a file, as the writer knows them: read when they are met, kept while they are used, and written
// back with the group that changed them. Logs and tables share it.

import { DEFAULT_TOMBSTONES } from '@trunkline/broker';
import type { Command, Connection, Query, Row } from './database.js';
import { keyOf } from './key-text.js';
import { LruMap } from './lru-map.js';
import type { Refusal } from './messages.js';
import { type PublishRun, PublishRuns } from './publish-runs.js';
import { indexOf, type KnownIndex } from './word-index.js';

/** A producer's last use is written down when it is this much later than the last time. */
export const USE_STEP_MS = 3_600_000;
const STREAMS_KNOWN_MAX = 10_000;
const PRODUCERS_KNOWN_MAX = 50_000;

export interface KnownStream {
  readonly id: number;
  readonly name: string;
  readonly epoch: string;
  readonly kind: 'log' | 'table';
  head: number;
  floor: number;
  fence: number;
  retainEntries: number | null;
  retainAgeMs: number | null;
  retainBytes: number | null;
  /** With `retainBytes`: what the kept entries above `countedFrom` count for. */
  countedBytes: number;
  countedFrom: number;
  /** Of words, once somebody has searched. */
  index: KnownIndex | null;
  /** How far somebody was told of a log; `null`: nobody is to be told. */
  outboxDone: number | null;
  /** Of a log: offsets that were records, since it began. */
  records: number;
  /** `at` of the oldest entry that is kept, when it is known. */
  oldestAt: number | undefined;
  /** Of a table. */
  tombstoneCount: number;
  tombstoneAgeMs: number;
  /** Since the last look at what is to be forgotten. */
  deletions: number;
  /** Rows of a table, once they were counted. */
  rows: number | undefined;
}

export interface KnownProducer {
  readonly id: number;
  /** Highest seq that is stored. */
  last: number;
  usedAtMs: number;
}

/** An entry's producer, if it has one that is known, and `offset, at` of the entry if it is a repeat. */
export interface Planned {
  readonly producer: KnownProducer | undefined;
  readonly stored: Row | undefined;
}

export class StreamRegister {
  readonly #streams = new LruMap<string, KnownStream>(STREAMS_KNOWN_MAX);
  readonly #producers = new LruMap<string, KnownProducer>(PRODUCERS_KNOWN_MAX);
  /** Changed by the group at work, and not yet written. */
  readonly #changed = new Map<string, KnownStream>();
  readonly #findStream: Query;
  readonly #addStream: Command;
  readonly #saveStream: Command;
  readonly #findProducer: Query;
  readonly #addProducer: Command;
  readonly #useProducer: Command;
  readonly #publishes: PublishRuns;

  constructor(db: Connection) {
    this.#findStream = db.query(
      `SELECT s.id, epoch, head, floor, fence, retain_entries, retain_age_ms, kind, tombstone_count, tombstone_age_ms, outbox_done,
       records, retain_bytes, counted_bytes, counted_from, w.id, w.fields, w.up_to, w.next_fields
       FROM streams s LEFT JOIN word_indexes w ON w.stream = s.id WHERE name = ?`,
    );
    this.#addStream = db.command(
      'INSERT INTO streams (name, epoch, kind, tombstone_count, tombstone_age_ms) VALUES (?, ?, ?, ?, ?)',
    );
    this.#saveStream = db.command(
      `UPDATE streams SET head = ?, floor = ?, fence = ?, retain_entries = ?, retain_age_ms = ?, tombstone_count = ?,
       tombstone_age_ms = ?, outbox_done = ?, records = ?, retain_bytes = ?, counted_bytes = ?, counted_from = ? WHERE id = ?`,
    );
    this.#findProducer = db.query('SELECT id, used_at FROM producers WHERE stream = ? AND producer = ?');
    this.#addProducer = db.command('INSERT INTO producers (stream, producer, used_at) VALUES (?, ?, ?)');
    this.#useProducer = db.command('UPDATE producers SET used_at = ? WHERE id = ?');
    this.#publishes = new PublishRuns(db);
  }

  /** The streams that the group has changed so far. */
  get touched(): Iterable<KnownStream> {
    return this.#changed.values();
  }

  /** Writes back what the group changed. */
  save(): void {
    this.#publishes.flush();
    for (const stream of this.#changed.values()) {
      const {
        head,
        floor,
        fence,
        retainEntries,
        retainAgeMs,
        tombstoneCount,
        tombstoneAgeMs,
        outboxDone,
        records,
        retainBytes,
        countedBytes,
        countedFrom,
        id,
      } = stream;
      const retain = [retainEntries, retainAgeMs, tombstoneCount, tombstoneAgeMs];
      const bytes = [retainBytes, countedBytes, countedFrom];
      this.#saveStream.run([head, floor, fence, ...retain, outboxDone, records, ...bytes, id]);
    }
    this.#changed.clear();
  }

  /** The transaction is gone, and with it what was learnt in it. */
  reset(): void {
    this.#publishes.clear();
    this.#changed.clear();
    this.#streams.clear();
    this.#producers.clear();
  }

  find(name: string): KnownStream | undefined {
    const known = this.#streams.get(name) ?? this.#changed.get(name);
    if (known !== undefined) return known;
    const row = this.#findStream.row([name]);
    if (row === undefined) return undefined;
    const [id, epoch, head, floor, fence, retainEntries, retainAgeMs, kind, ...more] = row;
    const [tombstoneCount, tombstoneAgeMs, done, records, retainBytes, countedBytes, countedFrom, ...index] = more;
    const found: KnownStream = {
      id: Number(id),
      name,
      epoch: String(epoch),
      kind: kind as KnownStream['kind'],
      head: Number(head),
      floor: Number(floor),
      fence: Number(fence),
      retainEntries: retainEntries as number | null,
      retainAgeMs: retainAgeMs as number | null,
      outboxDone: done as number | null,
      records: Number(records),
      retainBytes: retainBytes as number | null,
      countedBytes: Number(countedBytes),
      countedFrom: Number(countedFrom),
      index: index[0] === null ? null : indexOf(index),
      oldestAt: undefined,
      tombstoneCount: Number(tombstoneCount),
      tombstoneAgeMs: Number(tombstoneAgeMs),
      deletions: 0,
      rows: undefined,
    };
    this.#streams.set(name, found);
    return found;
  }

  begin(name: string, epoch: string, kind: KnownStream['kind']): KnownStream {
    const { count: tombstoneCount, ageMs: tombstoneAgeMs } = DEFAULT_TOMBSTONES;
    const id = this.#addStream.run([name, epoch, kind, tombstoneCount, tombstoneAgeMs]);
    const stream: KnownStream = {
      id,
      name,
      epoch,
      kind,
      head: 0,
      floor: 0,
      fence: 0,
      retainEntries: null,
      retainAgeMs: null,
      outboxDone: null,
      records: 0,
      retainBytes: null,
      countedBytes: 0,
      countedFrom: 0,
      index: null,
      oldestAt: undefined,
      tombstoneCount,
      tombstoneAgeMs,
      deletions: 0,
      rows: 0,
    };
    this.#streams.set(name, stream);
    return stream;
  }

  /** To be written with the group. */
  changed(stream: KnownStream): void {
    this.#changed.set(stream.name, stream);
  }

  /** What is known of a source, or why it is refused. Only reads. */
  planSource(stream: KnownStream | undefined, key: string, seq: number): Planned | Refusal {
    const producer = stream === undefined ? undefined : this.#findKnownProducer(stream.id, key);
    if (producer === undefined || seq > producer.last) return { producer, stored: undefined };
    const stored = this.#publishes.find(producer.id, seq);
    if (stored === undefined) return { type: 'out_of_order', producer: keyOf(key), seq, last: producer.last };
    return { producer, stored };
  }

  /** One that has stored something, or `undefined`. */
  knownProducer(stream: KnownStream, key: string): KnownProducer | undefined {
    return this.#findKnownProducer(stream.id, key);
  }

  forgetProducer(stream: number, key: string): void {
    this.#producers.delete(`${stream} ${key}`);
  }

  forgetStream(name: string): void {
    this.#streams.delete(name);
    this.#changed.delete(name);
  }

  /** Notes publishes of a producer that are stored one behind the other. */
  store(
    stream: KnownStream,
    known: KnownProducer | undefined,
    key: string,
    run: Omit<PublishRun, 'producer'>,
    nowMs: number,
  ): KnownProducer {
    const producer = known ?? this.#producerOf(stream, key, nowMs);
    this.#publishes.add({ ...run, producer: producer.id });
    producer.last = run.seq + run.count - 1;
    return producer;
  }

  #findKnownProducer(stream: number, key: string): KnownProducer | undefined {
    const cached = this.#producers.get(`${stream} ${key}`);
    if (cached !== undefined) return cached;
    const row = this.#findProducer.row([stream, key]);
    if (row === undefined) return undefined;
    const id = Number(row[0]);
    const found = { id, last: this.#publishes.last(id), usedAtMs: Number(row[1]) };
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

  /** The producer published, or said again what it had published. */
  use(producer: KnownProducer, nowMs: number): void {
    if (nowMs - producer.usedAtMs < USE_STEP_MS) return;
    this.#useProducer.run([nowMs, producer.id]);
    producer.usedAtMs = nowMs;
  }
}

/** Why what is new has to wait: `after` of its producer is not stored, and must not be overtaken. */
export function refusedBefore({ producer, stored }: Planned, after: number): Refusal | undefined {
  if (stored !== undefined || (producer?.last ?? 0) >= after) return undefined;
  return { type: 'unavailable', reason: `seq ${after} of the producer is not stored: this comes after it` };
}
