// Entries as they travel from the reading thread: flat lists, which are cheaper to clone than objects. Text that SQLite cannot hold as it
// is (key-text.ts) stays packed until here.

import type { Entry } from '@trunkline/broker';
import type { Value } from './database.js';
import { keyOf } from './key-text.js';

/** `offset, at, data, user, producer, seq, owner, amended, state, amends, data of that entry, state of that entry` for each. */
export type StoredEntries = Value[];
const WORDS = 12;

/** As a statement gives them. A record gets what its entry is now, if it is the newest one of an entry that is kept. */
export const STORED_ENTRY = `e.offset, e.at, e.data, e.user, p.producer, e.seq, e.owner, e.amended, e.state, e.amends, t.data, t.state
  FROM entries e LEFT JOIN producers p ON p.id = e.producer
  LEFT JOIN entries t ON t.stream = e.stream AND t.offset = e.amends AND t.amended = e.offset`;

/** What one counts for in the bytes of a page. */
export const STORED_SIZE = `octet_length(e.data) + ifnull(octet_length(e.user), 0) + ifnull(octet_length(e.state), 0)
  + CASE WHEN e.amends IS NULL THEN 0 ELSE ifnull((SELECT octet_length(t.data) + octet_length(t.state) FROM entries t
    WHERE t.stream = e.stream AND t.offset = e.amends AND t.amended = e.offset), 0) END`;

export function unpackStored(packed: StoredEntries): Entry[] {
  const entries: Entry[] = [];
  for (let base = 0; base < packed.length; base += WORDS) entries.push(storedEntry(packed.slice(base, base + WORDS)));
  return entries;
}

function storedEntry(words: readonly Value[]): Entry {
  const [offset, at, data, user, producer, seq, owner, amended, state, amends, presentData, presentState] = words;
  return {
    offset: Number(offset),
    at: Number(at),
    data: String(data),
    user: user as string | null,
    ...(typeof owner === 'string' ? { owner: keyOf(owner) } : {}),
    ...(typeof producer === 'string' ? { source: { producer: keyOf(producer), seq: Number(seq) } } : {}),
    ...(typeof amended === 'number' ? { amended: { offset: amended, state: String(state) } } : {}),
    ...(typeof amends === 'number' ? { amends: amendsOf(amends, presentData, presentState) } : {}),
  };
}

function amendsOf(offset: number, data: Value | undefined, state: Value | undefined): NonNullable<Entry['amends']> {
  return typeof data === 'string' ? { offset, data, state: String(state) } : { offset };
}
