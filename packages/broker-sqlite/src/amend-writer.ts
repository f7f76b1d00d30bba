// The writer's amendments: an entry is rewritten and its record appended within the group's transaction. What was replaced is zeroed in its
// page at once (`secure_delete`); copies that SQLite has left elsewhere are for the scrubber, which is told through the file itself.

import { utf8Bytes } from '@trunkline/protocol';
import type { Command, Connection, Query } from './database.js';
import type { AmendCall, AmendDone, Refusal } from './messages.js';
import type { KnownProducer, KnownStream, StreamRegister } from './stream-register.js';
import type { WordIndex } from './word-index.js';

type Result = { readonly done: AmendDone } | { readonly refusal: Refusal };

export class AmendWriter {
  readonly #streams: StreamRegister;
  readonly #words: WordIndex;
  readonly #find: Query;
  readonly #rewrite: Command;
  readonly #append: Command;
  readonly #before: Query;
  readonly #behind: Query;
  readonly #erase: Command;
  readonly #erased: Command;
  readonly #inLetters: Command;

  constructor(db: Connection, streams: StreamRegister, words: WordIndex) {
    this.#streams = streams;
    this.#words = words;
    this.#find = db.query(
      'SELECT data, state, amended FROM entries WHERE stream = ? AND offset = ? AND amends IS NULL',
    );
    this.#rewrite = db.command('UPDATE entries SET data = ?, state = ?, amended = ? WHERE stream = ? AND offset = ?');
    this.#append = db.command(
      `INSERT INTO entries (stream, offset, at, user, producer, seq, data, owner, amends, nth)
       VALUES (?, ?, ?, ?, ?, ?, 'null', ?, ?, ?)`,
    );
    const beside = 'SELECT amends IS NOT NULL FROM entries WHERE stream = ? AND offset';
    this.#before = db.query(`${beside} < ? ORDER BY offset DESC LIMIT 1`);
    this.#behind = db.query(`${beside} > ? ORDER BY offset LIMIT 1`);
    this.#erase = db.command('DELETE FROM entries WHERE stream = ? AND offset = ? AND amends IS NOT NULL');
    this.#inLetters = db.command('UPDATE dead_letters SET data = ? WHERE stream = ? AND epoch = ? AND offset = ?');
    this.#erased = db.command("UPDATE counters SET value = value + 1 WHERE name = 'erased'");
  }

  /** The entries of the group are in the table. */
  amend(call: AmendCall, nowMs: number): Result {
    const { stream: name, fence, after, source, offset, expects, outbox } = call;
    const stream = this.#streams.find(name);
    const conflict = (actual: number | null): Result => ({
      refusal: { type: 'amend_conflict', offset, expected: expects, actual },
    });
    if (stream?.kind === 'table') return { refusal: { type: 'wrong_kind', kind: 'table' } };
    if (stream === undefined) return conflict(null);
    if (fence !== undefined && fence < stream.fence) {
      return { refusal: { type: 'fenced', token: fence, highest: stream.fence } };
    }
    const plan = source === undefined ? undefined : this.#streams.planSource(stream, source.producer, source.seq);
    if (plan !== undefined && 'type' in plan) return { refusal: plan };
    const { epoch } = stream;
    if (plan?.stored !== undefined) {
      if (plan.producer !== undefined) this.#streams.use(plan.producer, nowMs);
      return {
        done: { epoch, offset: Number(plan.stored[0]), at: Number(plan.stored[1]), duplicate: true, changed: false },
      };
    }
    if (after !== undefined && (plan?.producer?.last ?? 0) < after) {
      return {
        refusal: { type: 'unavailable', reason: `seq ${after} of the producer is not stored: this comes after it` },
      };
    }
    const row = offset > stream.floor ? this.#find.row([stream.id, offset]) : undefined;
    if (row === undefined) return conflict(null);
    const [data, state, amended] = row;
    const newest = Number(amended ?? 0);
    if (newest !== expects) return conflict(newest);
    if (fence !== undefined) stream.fence = fence;
    if (outbox === true) stream.outboxDone ??= stream.head;
    this.#streams.changed(stream);
    const changed = data !== call.data || (state ?? '{}') !== call.state;
    const place = changed ? stream.head + 1 : newest || offset;
    const run = source && { seq: source.seq, offset: place, at: call.at, count: 1 };
    const producer = run && this.#streams.store(stream, plan?.producer, source.producer, run, nowMs);
    if (producer !== undefined) this.#streams.use(producer, nowMs);
    if (changed) this.#store(stream, call, producer);
    if (changed && newest > stream.floor) this.#forget(stream, newest);
    if (data !== call.data) {
      const old = String(data);
      if (offset > stream.countedFrom) stream.countedBytes += utf8Bytes(call.data) - utf8Bytes(old);
      this.#words.amended(stream, offset, old, call.data);
      this.#erased.run([]);
      this.#inLetters.run([call.data, name, epoch, offset]);
    }
    return { done: { epoch, offset: place, at: call.at, duplicate: false, changed } };
  }

  /** A record says nothing any more. It goes if there is one on either side of it: those tell where entries are (record-places.ts). */
  #forget({ id }: KnownStream, offset: number): void {
    if (this.#before.row([id, offset])?.[0] !== 1 || this.#behind.row([id, offset])?.[0] !== 1) return;
    this.#erase.run([id, offset]);
  }

  #store(stream: KnownStream, call: AmendCall, producer: KnownProducer | undefined): void {
    const { offset, data, state, at, user, owner, source } = call;
    stream.head += 1;
    stream.records += 1;
    this.#rewrite.run([data, state, stream.head, stream.id, offset]);
    const sent = [producer?.id ?? null, source?.seq ?? null];
    const entriesBefore = stream.head - stream.records;
    this.#append.run([stream.id, stream.head, at, user, ...sent, owner, offset, entriesBefore]);
  }
}
