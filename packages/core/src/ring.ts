// The newest entries of an active stream, encoded, within a bound of bytes. A cursor inside the ring is served without
// asking the broker; one behind it reads from the broker until it is inside.

import type { Epoch, Offset } from '@trunkline/protocol';
import { type EncodedItem, encodeSlices, type Slice } from './slice.js';

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
    while (this.#bytes > this.bytesMax && this.#items.length - this.#first > 1) {
      this.#bytes -= this.#items[this.#first]?.bytes ?? 0;
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
