// A map for few keys, of which a server holds thousands: nearly every connection has one subscription, and an empty `Map` alone
// takes some 250 bytes. Up to eight pairs lie in an array; more of them move into a Map, and stay there.

const MAX_PAIRS = 8;
const NOTHING: readonly never[] = [];

export class SmallMap<K, V> {
  /** Key, value, key, value … Made anew at each change, so that it is no longer than it must be. */
  #pairs: readonly (K | V)[] = NOTHING;
  #map: Map<K, V> | null = null;

  get size(): number {
    return this.#map?.size ?? this.#pairs.length / 2;
  }

  has(key: K): boolean {
    return this.#map === null ? this.#indexOf(key) !== -1 : this.#map.has(key);
  }

  get(key: K): V | undefined {
    if (this.#map !== null) return this.#map.get(key);
    const index = this.#indexOf(key);
    return index === -1 ? undefined : (this.#pairs[index + 1] as V);
  }

  set(key: K, value: V): void {
    if (this.#map !== null) {
      this.#map.set(key, value);
      return;
    }
    const index = this.#indexOf(key);
    if (index !== -1) this.#pairs = this.#pairs.with(index + 1, value);
    else if (this.size < MAX_PAIRS) this.#pairs = [...this.#pairs, key, value];
    else {
      this.#map = new Map([...this, [key, value]]);
      this.#pairs = NOTHING;
    }
  }

  delete(key: K): boolean {
    if (this.#map !== null) return this.#map.delete(key);
    const index = this.#indexOf(key);
    if (index === -1) return false;
    this.#pairs = this.#pairs.length === 2 ? NOTHING : this.#pairs.toSpliced(index, 2);
    return true;
  }

  /** In the order in which the keys came; those that are deleted or replaced meanwhile are passed over, those that come are not met. */
  *[Symbol.iterator](): Generator<[K, V]> {
    const pairs = this.#map === null ? this.#pairs : [...this.#map].flat();
    for (let index = 0; index < pairs.length; index += 2) {
      const [key, value] = [pairs[index] as K, pairs[index + 1] as V];
      if (this.get(key) === value) yield [key, value];
    }
  }

  *keys(): Generator<K> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }

  #indexOf(key: K): number {
    for (let index = 0; index < this.#pairs.length; index += 2) {
      if (this.#pairs[index] === key) return index;
    }
    return -1;
  }
}
