// Rows of a table as lines: all of them first, then a line for each row that is another: its key, and the fields that changed. What is told
// is the difference to what was told before, so also over a reconnect, or a table that has begun anew, nothing is told twice.

import { printable, timeOf } from './printable.js';

type Row = Readonly<Record<string, unknown>>;
type Rows = ReadonlyMap<string, unknown>;

/** What became of one row. */
type RowChange =
  | { readonly change: 'set'; readonly key: string; readonly row: Row }
  | { readonly change: 'patch'; readonly key: string; readonly patch: Row; readonly unset: readonly string[] }
  | { readonly change: 'delete'; readonly key: string };

export class RowLines {
  #known: Rows = new Map();
  readonly #keys: ReadonlySet<string> | null;
  readonly #isJson: boolean;

  /** @param keys the rows that are told of; the client may know more of them. `null` for all. */
  constructor(keys: readonly string[] | null, isJson: boolean) {
    this.#keys = keys && new Set(keys);
    this.#isJson = isJson;
  }

  /** How many rows were told and are there. */
  get size(): number {
    return this.#known.size;
  }

  /** Lines of what is other than before. */
  of(rows: Rows, at: Date): string[] {
    const wanted = this.#keys;
    const now = wanted === null ? rows : new Map([...rows].filter(([key]) => wanted.has(key)));
    const changes = changesOf(this.#known, now);
    this.#known = now;
    return changes.map((change) => (this.#isJson ? jsonOf(change, at) : textOf(change, at)));
  }
}

function changesOf(before: Rows, now: Rows): RowChange[] {
  const changes: RowChange[] = [];
  for (const [key, row] of now) {
    const known = before.get(key);
    // One that did not change is the same object.
    if (known === row) continue;
    const change = known === undefined ? set(key, row as Row) : patch(key, known as Row, row as Row);
    if (change !== null) changes.push(change);
  }
  for (const key of before.keys()) if (!now.has(key)) changes.push({ change: 'delete', key });
  return changes;
}

function set(key: string, row: Row): RowChange {
  return { change: 'set', key, row };
}

/** `null` if the two are equal. */
function patch(key: string, before: Row, now: Row): RowChange | null {
  // From entries, so that a field named __proto__ is one like any other.
  const fields = Object.entries(now).filter(
    ([name, value]) => !Object.hasOwn(before, name) || JSON.stringify(before[name]) !== JSON.stringify(value),
  );
  const unset = Object.keys(before).filter((name) => !Object.hasOwn(now, name));
  if (fields.length === 0 && unset.length === 0) return null;
  return { change: 'patch', key, patch: Object.fromEntries(fields), unset };
}

/** One object a line. What is unsafe for a terminal stands in strings only, where an escape means the same. */
function jsonOf(change: RowChange, at: Date): string {
  return printable(JSON.stringify({ ...change, at: at.getTime() }));
}

/** `+` a row, `~` fields of one, `-` one that is gone. */
function textOf(change: RowChange, at: Date): string {
  return `${timeOf(at)}  ${printable(wordsOf(change))}`;
}

function wordsOf(change: RowChange): string {
  if (change.change === 'set') return `+ ${change.key}  ${JSON.stringify(change.row)}`;
  if (change.change === 'delete') return `- ${change.key}`;
  const gone = change.unset.length === 0 ? '' : `  without ${change.unset.join(', ')}`;
  return `~ ${change.key}  ${JSON.stringify(change.patch)}${gone}`;
}
