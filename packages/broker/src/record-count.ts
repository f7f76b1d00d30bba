// Entries and records share a log's offsets, and most bounds count entries. What turns one count into the other.

import type { Offset } from '@trunkline/protocol';

/**
 * The highest offset in `[low, high]` up to which there are at most `entries` entries; `low` if there is none.
 * @param entriesUpTo how many there are up to an offset; grows with it
 */
export function lastOffsetWithin(
  entries: number,
  low: Offset,
  high: Offset,
  entriesUpTo: (offset: Offset) => number,
): Offset {
  let [from, to] = [low, Math.max(low, high)];
  while (from < to) {
    const middle = Math.ceil((from + to) / 2);
    if (entriesUpTo(middle) <= entries) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** The records of a log in memory: how many there are up to any offset that is kept. */
export class RecordCount {
  #offsets: Offset[] = [];
  /** Records before the first of them. */
  #before = 0;

  add(offset: Offset): void {
    this.#offsets.push(offset);
  }

  /** Entries up to `offset`, which is not below the floor. */
  readonly entriesUpTo = (offset: Offset): number => offset - this.#before - this.#heldUpTo(offset);

  /** Those up to the floor are asked about as a whole from now on. */
  trim(floor: Offset): void {
    const count = this.#heldUpTo(floor);
    // Amortised: what is cut off is at least half.
    if (count === 0 || count * 2 < this.#offsets.length) return;
    this.#offsets = this.#offsets.slice(count);
    this.#before += count;
  }

  #heldUpTo(offset: Offset): number {
    let [low, high] = [0, this.#offsets.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#offsets[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
