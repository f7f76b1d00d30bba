// The newest items of an active stream, encoded, without a hole, within a bound of bytes. A cursor inside the ring is served without
// asking the broker; one behind it reads from the broker until it is inside.

import type { Amends } from '@trunkline/broker';
import type { Epoch, Offset } from '@trunkline/protocol';
import { amendsText, type EncodedItem, encodeSlices, presentText, recodeItem, type Slice } from './slice.js';

/** Where an item was that is no longer held: what it said may have been erased. */
const GONE: EncodedItem = { offset: 0, text: '', bytes: 0, at: 0, amends: 0 };

export class Ring {
  #items: EncodedItem[] = [];
  /** Index of the first live item: trimming moves it, and the array is compacted now and then. */
  #first = 0;
  #bytes = 0;
  #start: Offset;
  /** Slices up to the present end, by where they start: equal requests of one turn share them. */
  readonly #slices = new Map<Offset, readonly Slice[]>();
  /** Characters in them: many cursors at different places would else hold the ring many times over. */
  #sliceChars = 0;

  /**
   * @param start Offset before the first entry that will be pushed.
   * @param bytesMax Bytes of items kept; the newest item stays even if it is larger.
   */
  constructor(
    start: Offset,
    readonly bytesMax: number,
  ) {
    this.#start = start;
  }

  /** Offset before the oldest entry held: cursors from here on can be served. */
  get start(): Offset {
    return this.#start;
  }
  /** Offset of the newest entry. */
  get end(): Offset {
    return this.#start + this.#items.length - this.#first;
  }
  get bytes(): number {
    return this.#bytes;
  }

  push(item: EncodedItem): void {
    this.#items.push(item);
    this.#bytes += item.bytes;
    this.#forgetSlices();
    if (this.#bytes > this.bytesMax) this.#trim();
  }

  /**
   * Pushes the record of an amendment. Its entry is as it says from now on, and the record before it says nothing any more: what was
   * replaced is nowhere in the ring.
   */
  amend(record: EncodedItem, { offset, data, state }: Amends): void {
    const entryAt = offset > this.#start ? this.#first + offset - this.#start - 1 : this.#first - 1;
    // Also if this one says nothing, as when it was read after a later one: so only the last one held may say something.
    for (let index = this.#items.length - 1; index > entryAt; index -= 1) {
      if (this.#items[index]?.amends !== offset) continue;
      this.#recode(index, amendsText({ offset }));
      break;
    }
    if (data !== undefined && entryAt >= this.#first) this.#recode(entryAt, presentText(data, state));
    this.push(record);
  }

  /** Where a cursor starts that wants the newest `count` entries; `undefined` if the ring does not hold as many. */
  back(count: number): Offset | undefined {
    let left = count;
    let index = this.#items.length;
    while (left > 0 && index > this.#first) {
      index -= 1;
      if (this.#items[index]?.amends === 0) left -= 1;
    }
    return left > 0 ? undefined : this.#start + index - this.#first;
  }

  /** Entries after `offset`, which lies within the ring. */
  entriesAfter(offset: Offset): number {
    let entries = 0;
    for (let index = this.#first + offset - this.#start; index < this.#items.length; index += 1) {
      if (this.#items[index]?.amends === 0) entries += 1;
    }
    return entries;
  }

  #recode(index: number, content: string): void {
    const item = this.#items[index];
    if (item === undefined) return;
    const recoded = recodeItem(item, content);
    this.#items[index] = recoded;
    this.#bytes += recoded.bytes - item.bytes;
  }

  #trim(): void {
    while (this.#bytes > this.bytesMax && this.#items.length - this.#first > 1) {
      this.#bytes -= this.#items[this.#first]?.bytes ?? 0;
      this.#items[this.#first] = GONE;
      this.#first += 1;
      this.#start += 1;
    }
    // Amortised: the array is copied at most once for as many trims as it holds items.
    if (this.#first > 64 && this.#first * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
  }

  /** Server time of the entry at `offset`, or `undefined` if the ring does not hold it. */
  atOf(offset: Offset): number | undefined {
    return offset <= this.#start ? undefined : this.#items[this.#first + offset - this.#start - 1]?.at;
  }

  /** Slices over `(from, end]`; the same objects for the same question until the next push. `from` lies within the ring. */
  slicesFrom(from: Offset, ch: number, epoch: Epoch | null): readonly Slice[] {
    const known = this.#slices.get(from);
    if (known !== undefined) return known;
    const slices = encodeSlices(ch, epoch, from, this.#items.slice(this.#first + from - this.#start));
    for (const { text } of slices) this.#sliceChars += text.length;
    if (this.#sliceChars > 2 * this.bytesMax) this.#forgetSlices();
    this.#slices.set(from, slices);
    return slices;
  }

  #forgetSlices(): void {
    this.#slices.clear();
    this.#sliceChars = 0;
  }
}
