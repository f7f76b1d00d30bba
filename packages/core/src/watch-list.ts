// Watch lists of one node. Readers with equal lists share one object, and so the slices made for it.

export interface WatchList {
  /** Unique among the lists alive, from 1. */
  readonly number: number;
  readonly keys: ReadonlySet<string>;
}

interface Held {
  readonly list: WatchList;
  holders: number;
}

export class WatchLists {
  readonly #byText = new Map<string, Held>();
  readonly #texts = new WeakMap<WatchList, string>();
  #numbers = 0;

  /** The list of these keys, in whatever order they are given. `release` it once. */
  take(keys: readonly string[]): WatchList {
    const sorted = [...new Set(keys)].sort();
    const text = JSON.stringify(sorted);
    let held = this.#byText.get(text);
    if (held === undefined) {
      this.#numbers += 1;
      held = { list: { number: this.#numbers, keys: new Set(sorted) }, holders: 0 };
      this.#byText.set(text, held);
      this.#texts.set(held.list, text);
    }
    held.holders += 1;
    return held.list;
  }

  release(list: WatchList): void {
    const text = this.#texts.get(list);
    const held = text === undefined ? undefined : this.#byText.get(text);
    if (text === undefined || held === undefined) return;
    held.holders -= 1;
    if (held.holders === 0) this.#byText.delete(text);
  }

  /** Lists that somebody holds. */
  get size(): number {
    return this.#byText.size;
  }
}
