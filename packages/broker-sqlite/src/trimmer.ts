// The writer's trimming: what retention no longer keeps goes from a log's oldest end, a bounded number of rows at a time.

import { lastOffsetWithin } from '@trunkline/broker';
import type { Command, Connection, Query } from './database.js';
import { RecordPlaces } from './record-places.js';
import type { KnownStream, StreamRegister } from './stream-register.js';
import { TAKEN_OUT_MAX, type WordIndex } from './word-index.js';

/** What an entry counts for in the bytes that are kept (`keptBytes`). */
const KEPT_BYTES = 'CASE WHEN amends IS NULL THEN octet_length(data) + ifnull(octet_length(user), 0) ELSE 0 END';

export class Trimmer {
  /** Streams with more to trim than one step does. */
  readonly backlog = new Set<string>();
  readonly #streams: StreamRegister;
  readonly #words: WordIndex;
  readonly #places: RecordPlaces;
  readonly #deleteEntries: Command;
  readonly #firstKept: Query;
  readonly #oldest: Query;
  readonly #next: Query;
  readonly #last: Query;
  readonly #sizes: Query;
  readonly #sum: Query;

  constructor(db: Connection, streams: StreamRegister, words: WordIndex) {
    this.#streams = streams;
    this.#words = words;
    this.#places = new RecordPlaces(db);
    this.#deleteEntries = db.command('DELETE FROM entries WHERE stream = ? AND offset <= ?');
    this.#firstKept = db.query(
      'SELECT offset, at FROM entries WHERE stream = ? AND offset <= ? AND at >= ? ORDER BY offset LIMIT 1',
    );
    this.#oldest = db.query('SELECT at FROM entries WHERE stream = ? ORDER BY offset LIMIT 1');
    this.#next = db.query('SELECT offset FROM entries WHERE stream = ? AND offset > ? ORDER BY offset LIMIT 1');
    this.#last = db.query('SELECT offset FROM entries WHERE stream = ? AND offset <= ? ORDER BY offset DESC LIMIT 1');
    const some = 'FROM entries WHERE stream = ? AND offset > ? AND offset <= ?';
    this.#sizes = db.query(`SELECT offset, ${KEPT_BYTES} ${some} ORDER BY offset`);
    this.#sum = db.query(`SELECT ifnull(sum(${KEPT_BYTES}), 0) ${some}`);
  }

  /** Within a group: about as much as was added, so that nothing heaps up. What costs more is left to the sweeper's steps. */
  trimInGroup(stream: KnownStream, nowMs: number, most: number): number {
    // To take an entry from the index costs a hundred times what it costs to delete it.
    return this.trim(stream, nowMs, stream.index === null ? most : 0);
  }

  /** Deletes up to `rows` entries that retention no longer keeps; gives their number. A stream that has more joins the backlog. */
  trim(stream: KnownStream, nowMs: number, rows: number): number {
    if (stream.kind === 'table') return 0;
    const most = stream.index === null ? rows : Math.min(rows, TAKEN_OUT_MAX);
    // What somebody is still to be told of is kept.
    const keep = stream.outboxDone ?? stream.head;
    const isAllCounted = stream.retainBytes === null || stream.countedFrom <= stream.floor;
    if (most > 0) this.#countBack(stream, most);
    const target = Math.min(this.#target(stream, nowMs, Math.max(1, most)), keep);
    if (target <= stream.floor) {
      // What is kept for somebody to be told is no work for now.
      if (isAllCounted || isFull(stream)) this.backlog.delete(stream.name);
      else this.backlog.add(stream.name);
      return 0;
    }
    const wanted = Math.min(target, stream.floor + most);
    const to = this.#withHole(stream, wanted, keep);
    if (wanted === stream.floor + most || !isAllCounted) this.backlog.add(stream.name);
    else this.backlog.delete(stream.name);
    const trimmed = to - stream.floor;
    if (trimmed <= 0) return 0;
    this.#words.forget(stream, to);
    const from = Math.max(stream.floor, stream.countedFrom);
    if (stream.retainBytes !== null && to > from) stream.countedBytes -= this.#sumOf(stream, from, to);
    this.#deleteEntries.run([stream.id, to]);
    stream.floor = to;
    stream.oldestAt = undefined;
    this.#streams.changed(stream);
    return trimmed;
  }

  /** What is kept begins right after the floor: a hole, where records were erased, goes with what is before it, or keeps it. */
  #withHole({ id, head }: KnownStream, to: number, keep: number): number {
    const end = Number(this.#next.row([id, to])?.[0] ?? head + 1) - 1;
    return end <= keep ? end : Number(this.#last.row([id, to])?.[0] ?? to) - 1;
  }

  #target(stream: KnownStream, nowMs: number, most: number): number {
    const { id, head, floor, retainAgeMs } = stream;
    const byCount = Math.max(this.#countTarget(stream, most), this.#bytesTarget(stream, most));
    if (retainAgeMs === null || floor === head || byCount >= floor + most) return byCount;
    const cutoff = nowMs - retainAgeMs;
    const oldestAt = stream.oldestAt ?? this.#oldest.row([id])?.[0];
    stream.oldestAt = oldestAt === undefined ? undefined : Number(oldestAt);
    if (stream.oldestAt === undefined || stream.oldestAt >= cutoff) return byCount;
    const kept = this.#firstKept.row([id, floor + most, cutoff])?.[0];
    return Math.max(byCount, kept === undefined ? Math.min(head, floor + most) : Number(kept) - 1);
  }

  /** Up to where `retainEntries` lets go; not looked for much further than `most`. */
  #countTarget(stream: KnownStream, most: number): number {
    const { head, floor, retainEntries, records } = stream;
    if (retainEntries === null) return 0;
    if (records === 0 || head - floor <= retainEntries) return head - retainEntries;
    const entriesUpTo = (offset: number) => this.#places.entriesUpTo(stream, offset);
    return lastOffsetWithin(head - records - retainEntries, floor, Math.min(head, floor + most), entriesUpTo);
  }

  /** Up to where `retainBytes` lets go, looked for as far as `most`. The newest entry stays. */
  #bytesTarget(stream: KnownStream, most: number): number {
    const { id, head, floor, retainBytes, countedFrom, records } = stream;
    let left = stream.countedBytes;
    if (retainBytes === null || left <= retainBytes) return 0;
    // All that is not counted is older than what fills the bound.
    if (countedFrom > floor) return countedFrom;
    const entriesUpTo = (offset: number) => this.#places.entriesUpTo(stream, offset);
    const newest = lastOffsetWithin(head - records - 1, floor, head, entriesUpTo);
    let target = floor;
    for (const [offset, bytes] of this.#sizes.rows([id, floor, Math.min(newest, floor + most)])) {
      if (left <= retainBytes) break;
      left -= Number(bytes);
      target = Number(offset);
    }
    return target;
  }

  /** A log that had entries when its bytes began to count: they are counted from the newest back, until they fill the bound. */
  #countBack(stream: KnownStream, most: number): void {
    if (stream.retainBytes === null || stream.countedFrom <= stream.floor || isFull(stream)) return;
    const from = Math.max(stream.floor, stream.countedFrom - most);
    stream.countedBytes += this.#sumOf(stream, from, stream.countedFrom);
    stream.countedFrom = from;
    this.#streams.changed(stream);
  }

  #sumOf({ id }: KnownStream, from: number, to: number): number {
    return Number(this.#sum.row([id, from, to])?.[0]);
  }
}

/** More is counted than may be kept. */
function isFull({ retainBytes, countedBytes }: KnownStream): boolean {
  return retainBytes !== null && countedBytes > retainBytes;
}
