// A bounded map that forgets what was not used lately. Two generations instead of an exact order: a hit in the young one,
// which is nearly every hit, moves nothing.

export class LruMap<K, V> {
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** Remembers at least the `max / 2` and at most the `max` last used. */
  constructor(readonly max: number) {}

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size * 2 <= this.max) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
