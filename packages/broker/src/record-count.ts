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

interface RecordPlace {
  readonly offset: Offset;
  /** Entries before it. */
  readonly nth: number;
}

/** The records of a log in memory: how many there are up to any offset that is kept. Of a run of records, the first and the last have to be here. */
export class RecordCount {
  #places: RecordPlace[] = [];
  /** Records that the log ever had. */
  #total = 0;

  /** @param offset that of the head */
  add(offset: Offset): void {
    this.#total += 1;
    this.#places.push({ offset, nth: offset - this.#total });
  }

  /** One that is between two others of its run. */
  erase(offset: Offset): void {
    const index = this.#heldUpTo(offset) - 1;
    if (this.#places[index]?.offset === offset) this.#places.splice(index, 1);
  }

  /** Entries up to `offset`, which is not below the floor. */
  readonly entriesUpTo = (offset: Offset): number => {
    const held = this.#heldUpTo(offset);
    const [before, behind] = [this.#places[held - 1], this.#places[held]];
    if (before !== undefined) {
      // All after it are entries, or erased records up to the next one, which knows what is before it.
      return Math.min(offset - (before.offset - before.nth), behind?.nth ?? Number.POSITIVE_INFINITY);
    }
    // Those before it are no longer kept: the next one knows how many they were.
    return offset - (behind === undefined ? this.#total : behind.offset - 1 - behind.nth);
  };

  /** Those up to the floor are asked about as a whole from now on. */
  trim(floor: Offset): void {
    const count = this.#heldUpTo(floor);
    // Amortised: what is cut off is at least half.
    if (count > 0 && count * 2 >= this.#places.length) this.#places = this.#places.slice(count);
  }

  #heldUpTo(offset: Offset): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#places[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
