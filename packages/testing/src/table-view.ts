// One table as one client shows it, judged at every change: each row is what it was at some offset, and never goes back; while it is `live`
// all rows that it asked for are here, as they were at one moment. It is an application's view: only what the client publishes in its API is used.

import type { TableHandle, TableInterest, TableSnapshot } from '@trunkline/client';
import type { Journal } from './journal.js';
import { hashOf, lookOf } from './table-hash.js';
import type { TableHistory, TableLedger } from './table-ledger.js';

type Handle = TableHandle<unknown, object, 'client'>;
type Snapshot = TableSnapshot<unknown>;
type Look = (history: TableHistory | undefined, offset: number) => boolean;

export class TableView {
  interest: TableInterest = {};
  #leave: (() => void) | undefined;
  #read: () => Snapshot = () => this.handle.snapshot();
  /** Which of the table's histories is shown. */
  #era = 0;
  /** In it: of each row the version that was shown, of the whole the offset. */
  #versions = new Map<string, number>();
  #offset = 0;
  readonly #known = new Map<string, unknown>();

  /**
   * @param followsAll nobody here ever looks at some of the rows only
   * @param isWhole what is shown while it is live is as it was at one moment: all of it fits in one slice
   */
  constructor(
    readonly who: string,
    readonly handle: Handle,
    readonly followsAll: boolean,
    private readonly isWhole: boolean,
    private readonly ledger: TableLedger,
    private readonly journal: Journal,
  ) {}

  get isOpen(): boolean {
    return this.#leave !== undefined;
  }
  get snapshot(): Snapshot {
    return this.#read();
  }

  open(interest: TableInterest): void {
    this.close();
    this.journal.trace(this.who, () => `looks at ${this.handle.name} ${JSON.stringify(interest)}`);
    this.interest = interest;
    const changed = () => this.#changed(this.#read());
    if (interest.keys === undefined && interest.ratePerSecond === undefined) {
      this.#read = () => this.handle.snapshot();
      this.#leave = this.handle.subscribe(changed, interest);
      return;
    }
    const view = this.handle.view(interest);
    this.#read = view.snapshot;
    this.#leave = view.subscribe(changed);
  }

  close(): void {
    if (this.isOpen) this.journal.trace(this.who, `leaves ${this.handle.name}`);
    this.#leave?.();
    this.#leave = undefined;
  }

  /** What is not as it must be when nothing changes any more. */
  lacking(): string | undefined {
    if (!this.isOpen || this.interest.paused) return undefined;
    const { state, rows } = this.#read();
    if (state !== 'live') return `is ${state}`;
    const history = this.ledger.current(this.handle.name);
    const keys = this.interest.keys ?? history?.keys ?? [];
    for (const key of new Set([...keys, ...rows.keys()])) {
      const row = rows.get(key) as object | undefined;
      if (row === undefined && !keys.includes(key)) continue;
      const wanted = history?.row(key)?.hash;
      if ((row && hashOf(row)) !== wanted) return `shows ${key} as ${JSON.stringify(row)?.slice(0, 80)}`;
    }
    return undefined;
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `${this.who} sees ${this.handle.name}: ${what}`);
  }

  #changed({ rows, state }: Snapshot): void {
    this.journal.trace(this.who, () => `shows ${rows.size} rows of ${this.handle.name}, ${state}`);
    this.journal.count('tables shown');
    const histories = this.ledger.all(this.handle.name);
    const fresh = [...rows].filter(([key, row]) => this.#known.get(key) !== row);
    for (const [key, row] of fresh) this.#known.set(key, row);
    const unknown = this.#goesOn(histories[this.#era], fresh);
    if (unknown !== undefined) {
      // Another history: every row of it is judged anew.
      const next = histories.findIndex((history, era) => era > this.#era && this.#begins(history, rows));
      if (next === -1) {
        return this.#broken('G6 forward', `${unknown} as ${JSON.stringify(rows.get(unknown))?.slice(0, 100)}`);
      }
      this.#era = next;
      this.#offset = 0;
      this.journal.count('histories that readers went over to');
    }
    if (this.isWhole && state === 'live') this.#whole(histories, rows);
  }

  /** The first row that is not a version at or after the one that was shown. */
  #goesOn(history: TableHistory | undefined, rows: readonly (readonly [string, unknown])[]): string | undefined {
    for (const [key, row] of rows) {
      const versions = history?.versions.get(key) ?? [];
      const hash = hashOf(row as object);
      const from = this.#versions.get(key) ?? 0;
      const place = versions.findIndex((version, index) => index >= from && version.hash === hash);
      if (place === -1) return key;
      this.#versions.set(key, place);
    }
    return undefined;
  }

  /** Whether what was asked for looked like these rows. */
  #look(rows: ReadonlyMap<string, object>): Look {
    const { keys } = this.interest;
    if (keys === undefined) {
      const look = lookOf(rows);
      return (history, offset) => (history?.lookAt(offset) ?? 0) === look;
    }
    const hashes = keys.map((key) => {
      const row = rows.get(key);
      return [key, row && hashOf(row)] as const;
    });
    return (history, offset) => hashes.every(([key, hash]) => history?.rowAt(key, offset)?.hash === hash);
  }

  #begins(history: TableHistory | undefined, rows: Snapshot['rows']): boolean {
    const before = this.#versions;
    this.#versions = new Map();
    if (this.#goesOn(history, [...rows]) === undefined) return true;
    this.#versions = before;
    return false;
  }

  /** The rows that it asked for are those of one moment, that is no earlier than the last one; or of another history. */
  #whole(histories: readonly TableHistory[], rows: Snapshot['rows']): void {
    const look = this.#look(rows as ReadonlyMap<string, object>);
    for (let era = this.#era; era === this.#era || era < histories.length; era++) {
      const history = histories[era];
      const offset = moment(history, look, era === this.#era ? this.#offset : 0);
      if (offset === undefined || (era !== this.#era && !this.#begins(history, rows))) continue;
      this.#era = era;
      this.#offset = offset;
      return;
    }
    this.#broken('G6 step', `${rows.size} rows that were not there together at or after ${this.#offset}`);
  }
}

/** The first offset from `from` on at which the table looked like this. */
function moment(history: TableHistory | undefined, look: Look, from: number): number | undefined {
  for (let offset = from; offset <= (history?.head ?? 0); offset++) {
    if (look(history, offset)) return offset;
  }
  return undefined;
}
