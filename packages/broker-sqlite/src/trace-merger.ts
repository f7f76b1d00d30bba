// Erases what FTS5 leaves of a word that was taken out of the index: the beginning of it may separate two pages of an index's segment. A merge of
// all segments writes the words that are left anew, in steps. Rare: one word in some hundred of a large index is a separator.

import type { Command, Connection, Query } from './database.js';

/** Pages of one step. */
const PAGES = 16;
/** A row of nobody's: a single segment would not be merged with anything. */
const NOBODY = 0;

export class TraceMerger {
  readonly #traces: Query;
  readonly #changes: Query;
  readonly #merge: Command;
  readonly #add: Command;
  readonly #remove: Command;
  readonly #done: Command;
  /** `null`: nothing to do. */
  #state: 'begin' | 'go on' | null = null;
  /** How often there had been a trace when it began. */
  #from = 0;

  constructor(db: Connection) {
    this.#traces = db.query("SELECT value FROM counters WHERE name = 'word_traces'");
    this.#changes = db.query('SELECT total_changes()');
    this.#merge = db.command("INSERT INTO entry_words (entry_words, rank) VALUES ('merge', ?)");
    this.#add = db.command(`INSERT INTO entry_words (rowid, list) VALUES (${NOBODY}, 'nobody')`);
    this.#remove = db.command(
      `INSERT INTO entry_words (entry_words, rowid, list) VALUES ('delete', ${NOBODY}, 'nobody')`,
    );
    this.#done = db.command("UPDATE counters SET value = value - ? WHERE name = 'word_traces'");
  }

  get idle(): boolean {
    return this.#state === null;
  }

  begin(): void {
    this.#from = Number(this.#traces.row([])?.[0] ?? 0);
    if (this.#from > 0) this.#state ??= 'begin';
  }

  giveUp(): void {
    this.#state = null;
  }

  /** Within a transaction. */
  step(): void {
    if (this.#state === 'begin') {
      this.#add.run([]);
      this.#state = 'go on';
      // Negative: all segments, whatever their size.
      this.#merge.run([-PAGES]);
      return;
    }
    const before = this.#count();
    this.#merge.run([PAGES]);
    // The command itself counts as one change (FTS5, "merge").
    if (this.#count() - before >= 2) return;
    this.#remove.run([]);
    this.#done.run([this.#from]);
    this.#state = null;
  }

  #count(): number {
    return Number(this.#changes.row([])?.[0]);
  }
}
