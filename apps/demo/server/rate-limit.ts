// How often one address may ask: a bucket of tokens for each, and for so many addresses only that nobody can fill the memory with them.

import { isIPv6 } from 'node:net';

export interface RateLimitOptions {
  /** Requests that an address may make at once. Default 60: a class behind one router opens the page together. */
  readonly burst?: number;
  /** Requests a second that it gets back. Default 1. */
  readonly ratePerSecond?: number;
  /** Addresses that are remembered; beyond it the one that asked longest ago starts anew. Default 10_000, about 2 MB. */
  readonly maxAddresses?: number;
  readonly nowMs?: () => number;
}

interface Bucket {
  tokens: number;
  sinceMs: number;
}

export class RateLimit {
  readonly #burst: number;
  readonly #ratePerSecond: number;
  readonly #maxAddresses: number;
  readonly #nowMs: () => number;
  /** Whoever asked longest ago comes first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions = {}) {
    this.#burst = options.burst ?? 60;
    this.#ratePerSecond = options.ratePerSecond ?? 1;
    this.#maxAddresses = options.maxAddresses ?? 10_000;
    // Not the time of day: a clock that is set must neither block nor free anybody.
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Addresses that are remembered now. */
  get addresses(): number {
    return this.#buckets.size;
  }

  /** Counts a request. 0: go on; else it is one too many, and the next may come after so many whole seconds. */
  take(address: string): number {
    const key = networkOf(address);
    const now = this.#nowMs();
    const { tokens, sinceMs } = this.#buckets.get(key) ?? { tokens: this.#burst, sinceMs: now };
    const left = Math.min(this.#burst, tokens + ((now - sinceMs) / 1_000) * this.#ratePerSecond);
    const isAllowed = left >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: isAllowed ? left - 1 : left, sinceMs: now });
    if (this.#buckets.size > this.#maxAddresses) {
      for (const oldest of this.#buckets.keys()) {
        this.#buckets.delete(oldest);
        break;
      }
    }
    return isAllowed ? 0 : Math.ceil((1 - left) / this.#ratePerSecond);
  }
}

/** The first 64 bits of an IPv6 address: a single home or machine has all that follow, and could use another one each time. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = address.split('%')[0]?.split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - after.length;
  const all = [...groups, ...Array<string>(Math.max(0, zeros)).fill('0'), ...after];
  return all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
