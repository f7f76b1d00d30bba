// Finding entries by words, on the reading side. The index is as fresh as the search needs it: the writing thread has seen to that.

import { wordsOf } from '@trunkline/broker';
import type { Connection, Query } from './database.js';
import { STORED_ENTRY, type StoredEntries } from './entry-pack.js';
import type { SearchCall, SearchDone, StateDone } from './messages.js';
import { indexOf, isSame, OFFSET_BITS } from './word-index.js';

/** About what an entry counts for: characters of its texts. */
const TEXTS = [2, 3, 8];

export class WordSearch {
  readonly #index: Query;
  readonly #find: Query;
  readonly #entry: Query;

  constructor(db: Connection) {
    this.#index = db.query('SELECT id, fields, up_to, next_fields FROM word_indexes WHERE stream = ?');
    const place = `(CAST(?2 AS INTEGER) << ${OFFSET_BITS})`;
    this.#find = db.query(
      `SELECT rowid & ((1 << ${OFFSET_BITS}) - 1) FROM entry_words WHERE entry_words MATCH ?1
       AND rowid > ${place} | CAST(?3 AS INTEGER) AND rowid < ${place} | CAST(?4 AS INTEGER) ORDER BY rowid DESC LIMIT ?5`,
    );
    this.#entry = db.query(`SELECT ${STORED_ENTRY} WHERE e.stream = ? AND e.offset = ?`);
  }

  /** `null`: the index is about to be one of other fields, or was lost meanwhile. */
  page(
    stream: number,
    { epoch, offset: head, floor }: StateDone,
    { fields, text, before, limit, bytes = Number.POSITIVE_INFINITY }: SearchCall,
  ): SearchDone | null {
    const state = { epoch, offset: head, floor };
    const words = wordsOf(text);
    const end = Math.min(before ?? head + 1, head + 1);
    if (words.length === 0 || end <= floor + 1) return { ...state, entries: [], more: false };
    const row = this.#index.row([stream]);
    const index = row && indexOf(row);
    if (index === undefined || index.next !== null || !isSame(index.fields, fields)) return null;
    // Words are letters and digits, so nothing in quotes can have a meaning.
    const query = `${words.map((word) => `"${word}"`).join(' AND ')}*`;
    const found = this.#find.rows([query, index.id, floor, end, limit + 1]);
    const entries: StoredEntries = [];
    let [left, count] = [bytes, 0];
    for (const [offset = null] of found.slice(0, limit)) {
      const [entry] = this.#entry.rows([stream, offset]);
      if (entry === undefined) continue;
      for (const place of TEXTS) left -= Buffer.byteLength(String(entry[place] ?? ''));
      if (left < 0 && count > 0) break;
      entries.push(...entry);
      count += 1;
    }
    return { ...state, entries, more: count < found.length };
  }
}
