// A map for few keys, of which a server holds thousands: nearly every connection has one subscription, and an empty `Map` alone
// takes some 250 bytes. One pair lies in the map itself, up to eight in an array; more of them move into a Map, and stay there.

const MAX_PAIRS = 8;

export class SmallMap<K, V extends object> {
  // The only pair, while `#pairs` is `null`.
  #key: K | undefined;
  #value: V | undefined;
  /** All pairs: key, value, key, value … Made anew at each change, so that it is no longer than it must be. */
  #pairs: readonly (K | V)[] | Map<K, V> | null = null;

  get size(): number {
    const pairs = this.#pairs;
    if (pairs === null) return this.#value === undefined ? 0 : 1;
    return pairs instanceof Map ? pairs.size : pairs.length / 2;
  }

  has(key: K): boolean {
    return this.get(key) !== undefined;
  }

  get(key: K): V | undefined {
    const pairs = this.#pairs;
    if (pairs === null) return key === this.#key ? this.#value : undefined;
    if (pairs instanceof Map) return pairs.get(key);
    const index = indexOf(pairs, key);
    return index === -1 ? undefined : (pairs[index + 1] as V);
  }

  set(key: K, value: V): void {
    const pairs = this.#pairs;
    if (pairs instanceof Map) pairs.set(key, value);
    else if (pairs !== null) this.#pairs = withPair(pairs, key, value);
    else if (this.#value === undefined || this.#key === key) this.#setOnly(key, value);
    else {
      this.#pairs = [this.#key as K, this.#value, key, value];
      this.#setOnly(undefined, undefined);
    }
  }

  delete(key: K): boolean {
    const pairs = this.#pairs;
    if (pairs instanceof Map) return pairs.delete(key);
    if (!this.has(key)) return false;
    const left = pairs?.toSpliced(indexOf(pairs, key), 2) ?? [];
    if (left.length > 2) this.#pairs = left;
    else {
      this.#pairs = null;
      this.#setOnly(left[0] as K | undefined, left[1] as V | undefined);
    }
    return true;
  }

  /** In the order in which the keys came; those that are deleted or replaced meanwhile are passed over, those that come are not met. */
  *[Symbol.iterator](): Generator<[K, V]> {
    const held = this.#pairs ?? (this.#value === undefined ? [] : [this.#key as K, this.#value]);
    const pairs = held instanceof Map ? [...held].flat() : held;
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

  #setOnly(key: K | undefined, value: V | undefined): void {
    this.#key = key;
    this.#value = value;
  }
}

function indexOf<K>(pairs: readonly unknown[], key: K): number {
  for (let index = 0; index < pairs.length; index += 2) {
    if (pairs[index] === key) return index;
  }
  return -1;
}

function withPair<K, V extends object>(pairs: readonly (K | V)[], key: K, value: V): readonly (K | V)[] | Map<K, V> {
  const index = indexOf(pairs, key);
  if (index !== -1) return pairs.with(index + 1, value);
  if (pairs.length < 2 * MAX_PAIRS) return pairs.concat([key, value]);
  const map = new Map<K, V>();
  for (let at = 0; at < pairs.length; at += 2) map.set(pairs[at] as K, pairs[at + 1] as V);
  return map.set(key, value);
}
