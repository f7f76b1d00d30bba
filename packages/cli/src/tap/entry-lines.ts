// Entries of a log as lines.

import type { Amendment, LogEntry, LogSnapshot } from '@trunkline/client/node';
import { printable, timeOf } from './printable.js';
import { wordOf } from './words.js';

/** Prints what was not printed before. */
export class EntryLines {
  #lastKey: string | null = null;
  readonly #isJson: boolean;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** Lines of the entries that are new. */
  of({ entries }: LogSnapshot<unknown, unknown, unknown, string, Amendment>): string[] {
    // Not found: all are new, as of a replica only what is oldest is let go.
    const known = entries.findLastIndex(({ key }) => key === this.#lastKey);
    this.#lastKey = entries.at(-1)?.key ?? this.#lastKey;
    return entries.slice(known + 1).map((entry) => (this.#isJson ? jsonOf(entry) : textOf(entry)));
  }
}

function textOf({ offset, at, user, data, deletedAt }: LogEntry<unknown, unknown, Amendment>): string {
  const by = user === undefined ? '' : `  ${wordOf(user)}`;
  return `${timeOf(new Date(at))}  #${offset}${by}  ${deletedAt === undefined ? printable(JSON.stringify(data)) : 'deleted'}`;
}

/** One object a line, with what an entry has. What is unsafe for a terminal stands in strings only, where an escape means the same. */
function jsonOf({ offset, at, user, data, deletedAt }: LogEntry<unknown, unknown, Amendment>): string {
  return printable(JSON.stringify({ offset, at, user, data, deletedAt }));
}
