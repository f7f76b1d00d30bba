// Erases what SQLite leaves behind. `secure_delete` zeroes a cell that is deleted, but where the cells of a page were laid out anew, when
// rows moved to a neighbour, old copies stay in the page's unused middle, and would outlive the row. So after something was erased all
// pages are walked once, and their unused middle is zeroed; the WAL, which has old pages too, is emptied after that.

import type { Command, Connection, Query } from './database.js';

/** Interior and leaf pages of indices and tables. */
const BTREE_PAGES = new Set([0x02, 0x05, 0x0a, 0x0d]);
const INTERIOR = new Set([0x02, 0x05]);

export class Scrubber {
  readonly #count: Query;
  readonly #pages: Query;
  readonly #write: Command;
  readonly #erasures: Query;
  readonly #done: Command;
  /** Last page of the walk that goes on; `null`: there is none. */
  #page: number | null = null;
  /** How often something had been erased when it began. */
  #from = 0;
  /** The WAL has yet to be emptied: a walk is over, or the process before this one may have ended right after its walk. */
  mustTruncate = true;

  constructor(db: Connection) {
    this.#count = db.query('PRAGMA page_count');
    this.#pages = db.query('SELECT pgno, data FROM sqlite_dbpage WHERE pgno = ?');
    this.#write = db.command('UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?');
    this.#erasures = db.query("SELECT value FROM counters WHERE name = 'erased'");
    this.#done = db.command("UPDATE counters SET value = value - ? WHERE name = 'erased'");
  }

  get idle(): boolean {
    return this.#page === null;
  }

  /** Walks, if something was erased since the last walk, also by a process before this one. */
  begin(): void {
    this.#from = Number(this.#erasures.row([])?.[0] ?? 0);
    if (this.#from > 0) this.#page ??= 0;
  }

  giveUp(): void {
    this.#page = null;
  }

  /** Looks at the next `most` pages, within a transaction. */
  step(most: number): void {
    if (this.#page === null) return;
    const last = Math.min(Number(this.#count.row([])?.[0]), this.#page + most);
    for (let page = this.#page + 1; page <= last; page += 1) {
      const data = this.#pages.bytes([page]);
      const gap = data === undefined ? null : gapOf(data, page);
      if (data === undefined || gap === null) continue;
      data.fill(0, gap.from, gap.to);
      this.#write.run([data, page]);
    }
    if (last > this.#page && last < Number(this.#count.row([])?.[0])) {
      this.#page = last;
      return;
    }
    this.#done.run([this.#from]);
    this.#page = null;
    this.mustTruncate = true;
  }
}

/** The bytes between a page's cell pointers and its cells (the file format's §1.6), if they are not all zero. */
function gapOf(data: Buffer, page: number): { readonly from: number; readonly to: number } | null {
  const header = page === 1 ? 100 : 0;
  const kind = data[header] ?? 0;
  if (!BTREE_PAGES.has(kind)) return null;
  const from = header + (INTERIOR.has(kind) ? 12 : 8) + 2 * data.readUInt16BE(header + 3);
  const to = data.readUInt16BE(header + 5) || 65_536;
  if (to > data.length || from >= to) return null;
  return data.subarray(from, to).some((byte) => byte !== 0) ? { from, to } : null;
}
