// The index of words, as the writer keeps it: FTS5 has for each word the entries that it is in, and nothing else of them. It begins with the first
// search of a log and holds what is above the log's floor up to `upTo`, always as it is now; the filler (filler.ts) moves `upTo` on, apart
// from the groups that publishes wait for. Words come folded (`wordsOf`), so FTS5 is told to split at spaces alone.

import { wordsIn } from '@trunkline/broker';
import type { Command, Connection, Query } from './database.js';
import type { KnownStream } from './stream-register.js';

/** Of a row's id in the index: the index's own id is above, the entry's offset below. */
export const OFFSET_BITS = 36;
/** Entries that are taken out in one step: each costs some 0.8 ms, as FTS5 rewrites the pages of all its words. */
export const TAKEN_OUT_MAX = 8;
/** An index of a log. */
export interface KnownIndex {
  readonly id: number;
  fields: readonly string[];
  /** Entries up to here are in it. Below the floor: none are. */
  upTo: number;
  /** What it is to have instead; until it is empty it gives up what it has, from the newest on. */
  next: readonly string[] | null;
}

export class WordIndex {
  readonly #add: Command;
  readonly #save: Command;
  readonly #insert: Command;
  readonly #remove: Command;
  readonly #entries: Query;
  readonly #segments: Query;
  readonly #separator: Query;
  readonly #traced: Command;
  readonly #ofStream: Query;
  readonly #drop: Command;

  constructor(db: Connection) {
    this.#add = db.command('INSERT INTO word_indexes (stream, fields, up_to) VALUES (?, ?, ?)');
    this.#save = db.command('UPDATE word_indexes SET fields = ?, up_to = ?, next_fields = ? WHERE id = ?');
    const row = `(CAST(? AS INTEGER) << ${OFFSET_BITS}) | CAST(? AS INTEGER)`;
    this.#insert = db.command(`INSERT INTO entry_words (rowid, list) VALUES (${row}, ?)`);
    this.#remove = db.command(`INSERT INTO entry_words (entry_words, rowid, list) VALUES ('delete', ${row}, ?)`);
    this.#entries = db.query(
      'SELECT offset, data FROM entries WHERE stream = ? AND offset > ? AND offset <= ? AND amends IS NULL ORDER BY offset',
    );
    this.#segments = db.query('SELECT DISTINCT segid FROM entry_words_idx');
    this.#separator = db.query('SELECT 1 FROM entry_words_idx WHERE segid = ? AND term = CAST(? AS BLOB)');
    this.#traced = db.command("UPDATE counters SET value = value + 1 WHERE name = 'word_traces'");
    this.#ofStream = db.query('SELECT id, fields, up_to FROM word_indexes WHERE stream = ?');
    this.#drop = db.command('DELETE FROM word_indexes WHERE stream = ?');
  }

  has({ index }: KnownStream, fields: readonly string[]): boolean {
    return index !== null && isSame(index.next ?? index.fields, fields);
  }

  /** Begins an index of a log, or one of other fields. */
  want(stream: KnownStream, fields: readonly string[]): void {
    const { index } = stream;
    if (index === null) {
      const id = this.#add.run([stream.id, JSON.stringify(fields), stream.floor]);
      // The upper part of a row's id has to hold it.
      if (id >= 2 ** (63 - OFFSET_BITS)) throw new Error('this file has had as many indexes of words as it can');
      stream.index = { id, fields, upTo: stream.floor, next: null };
      return;
    }
    index.next = isSame(index.fields, fields) ? null : fields;
    this.#saved(index);
  }

  /** Offsets that are still to be put in, or taken out first. */
  lag(stream: KnownStream): number {
    const { index, head, floor } = stream;
    if (index === null) return 0;
    const upTo = Math.max(index.upTo, floor);
    return index.next === null ? head - upTo : upTo - floor + head - floor;
  }

  /** Looks at `most` entries that are new to it, or that it has to give up. */
  fill(stream: KnownStream, most: number): void {
    const { index, head, floor } = stream;
    if (index === null) return;
    const upTo = Math.max(index.upTo, floor);
    if (index.next === null) {
      const to = Math.min(head, upTo + most);
      for (const [offset, data] of this.#entries.rows([stream.id, upTo, to])) {
        this.#put(index, Number(offset), wordsIn(String(data), index.fields));
      }
      index.upTo = to;
    } else {
      const from = Math.max(floor, upTo - Math.min(most, TAKEN_OUT_MAX));
      this.#takeOut(stream.id, index, from, upTo);
      index.upTo = from;
      if (from === floor) [index.fields, index.next] = [index.next, null];
    }
    this.#saved(index);
  }

  /** An entry is rewritten. What it no longer says is to be nowhere. */
  amended({ index }: KnownStream, offset: number, old: string, data: string): void {
    if (index === null || offset > index.upTo || old === data) return;
    const words = wordsIn(old, index.fields);
    this.#take(index, offset, words);
    this.#put(index, offset, wordsIn(data, index.fields));
    if (this.#leavesTrace(words)) this.#traced.run([]);
  }

  /** The entries from the floor up to `to` are about to be deleted. */
  forget({ id, index, floor }: KnownStream, to: number): void {
    if (index !== null && index.upTo > floor) this.#takeOut(id, index, floor, Math.min(to, index.upTo));
  }

  /** Whether there is an index of a stream that was removed. */
  remains(stream: number): boolean {
    return this.#ofStream.row([stream]) !== undefined;
  }

  /** The same of a stream that was removed. */
  forgetRemoved(stream: number, to: number): void {
    const row = this.#ofStream.row([stream]);
    if (row === undefined) return;
    this.#takeOut(stream, indexOf(row), 0, Math.min(to, Number(row[2])));
  }

  /** Nothing is left of a removed stream. */
  drop(stream: number): void {
    this.#drop.run([stream]);
  }

  #takeOut(stream: number, index: Pick<KnownIndex, 'id' | 'fields'>, from: number, to: number): void {
    for (const [offset, data] of this.#entries.rows([stream, from, to])) {
      this.#take(index, Number(offset), wordsIn(String(data), index.fields));
    }
  }

  #put({ id }: Pick<KnownIndex, 'id'>, offset: number, words: readonly string[]): void {
    if (words.length > 0) this.#insert.run([id, offset, words.join(' ')]);
  }

  #take({ id }: Pick<KnownIndex, 'id'>, offset: number, words: readonly string[]): void {
    if (words.length > 0) this.#remove.run([id, offset, words.join(' ')]);
  }

  /** FTS5 takes a word out of its lists, but the beginning of one may go on to separate two of its pages. */
  #leavesTrace(words: readonly string[]): boolean {
    const segments = this.#segments.rows([]);
    return words.some((word) =>
      Array.from(word).some((_, index, letters) =>
        // "0" is what FTS5 has before each word of its main index.
        segments.some(
          ([segment = null]) =>
            this.#separator.row([segment, `0${letters.slice(0, index + 1).join('')}`]) !== undefined,
        ),
      ),
    );
  }

  #saved({ id, fields, upTo, next }: KnownIndex): void {
    this.#save.run([JSON.stringify(fields), upTo, next === null ? null : JSON.stringify(next), id]);
  }
}

/** `id, fields, up_to, next_fields` of a row. */
export function indexOf([id, fields, upTo, next]: readonly unknown[]): KnownIndex {
  return {
    id: Number(id),
    fields: JSON.parse(String(fields)) as string[],
    upTo: Number(upTo),
    next: typeof next === 'string' ? (JSON.parse(next) as string[]) : null,
  };
}

export function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((field, index) => field === other[index]);
}
