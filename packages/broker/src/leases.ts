// Who owns which name, for brokers all of whose owners live in this process: what they hold ends with the process, so only
// the tokens need a store.

import type { Lease } from './broker.js';
import { checkTtl } from './check-arguments.js';

interface Owner {
  token: number;
  /** Infinite while the token is being fetched: the time begins to run when the owner learns that it is one. */
  expiresAtMs: number;
}

/** Who owns what, for how long: for brokers that keep leases in the memory of one process. */
export class Leases {
  readonly #nowMs: () => number;
  readonly #nextToken: () => Promise<number>;
  /** In order of the last renewal, so that those who went away without a word gather in front. */
  readonly #owners = new Map<string, Owner>();

  /** `nextToken` must never return a number that it, or an earlier process on the same store, returned before or passed. */
  constructor(nowMs: () => number, nextToken: () => Promise<number>) {
    this.#nowMs = nowMs;
    this.#nextToken = nextToken;
  }

  async take(name: string, ttlMs: number): Promise<Lease | null> {
    checkTtl(ttlMs);
    this.#forgetExpired();
    if ((this.#owners.get(name)?.expiresAtMs ?? 0) > this.#nowMs()) return null;
    const owner: Owner = { token: 0, expiresAtMs: Number.POSITIVE_INFINITY };
    this.#owners.set(name, owner);
    try {
      owner.token = await this.#nextToken();
    } catch (error) {
      if (this.#owners.get(name) === owner) this.#owners.delete(name);
      throw error;
    }
    this.#extend(name, owner, ttlMs);
    const owns = () => this.#owners.get(name) === owner && owner.expiresAtMs > this.#nowMs();
    return {
      token: owner.token,
      renew: async () => {
        if (!owns()) return false;
        this.#extend(name, owner, ttlMs);
        return true;
      },
      release: async () => {
        if (owns()) this.#owners.delete(name);
      },
    };
  }

  clear(): void {
    this.#owners.clear();
  }

  #extend(name: string, owner: Owner, ttlMs: number): void {
    owner.expiresAtMs = this.#nowMs() + ttlMs;
    this.#owners.delete(name);
    this.#owners.set(name, owner);
  }

  #forgetExpired(): void {
    const nowMs = this.#nowMs();
    for (const [name, { expiresAtMs }] of this.#owners) {
      if (expiresAtMs > nowMs) return;
      this.#owners.delete(name);
    }
  }
}
