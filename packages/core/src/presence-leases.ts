// Presence of those who have no connection, and ask now and then: each time for so many seconds. To the rest of presence a lease is one connection
// of its user; it ends by itself, at a look a second, and then the grace runs as after any other.

import { type StreamName, TrunklineError } from '@trunkline/protocol';
import type { Identity } from './app.js';
import type { Clock } from './ports.js';
import type { Presence } from './presence.js';
import { isOf } from './side-streams.js';

/** Logs in which a user may be present so at a time. One more: `rate_limited`. */
export const MAX_LEASES = 256;
/** Longest lease, in seconds. */
export const MAX_LEASE_SECONDS = 60;

export class PresenceLeases {
  /** By user, when each ends, in milliseconds since 1970. */
  readonly #ends = new Map<string, Map<StreamName, number>>();

  constructor(
    private readonly presence: Presence,
    private readonly clock: Clock,
  ) {}

  /** From now on, and for so long. @throws TrunklineError `rate_limited` */
  renew(log: StreamName, graceMs: number, identity: Identity, seconds: number): void {
    const ends = this.#ends.get(identity.id) ?? new Map<StreamName, number>();
    if (!ends.has(log)) {
      if (ends.size >= MAX_LEASES) {
        throw new TrunklineError('rate_limited', `present in ${MAX_LEASES} logs already: leave one`, { retry: false });
      }
      this.presence.join(log, graceMs, identity);
    } else this.presence.renew(log, identity);
    // No longer than the token that says who it is.
    ends.set(log, Math.min(this.clock.nowMs() + seconds * 1_000, identity.expiresAt ?? Number.POSITIVE_INFINITY));
    this.#ends.set(identity.id, ends);
  }

  /** Harmless where there is none. */
  end(log: StreamName, userId: string): void {
    this.#end(log, userId, false);
  }

  /** The user's rights are in doubt, or the user is not wanted: whoever asks again is judged then. */
  bar(userId: string, only?: StreamName): void {
    for (const log of this.#ends.get(userId)?.keys() ?? []) {
      if (only === undefined || isOf(log, only)) this.#end(log, userId, true);
    }
  }

  /** Call about once a second. */
  sweep(): void {
    const now = this.clock.nowMs();
    for (const [userId, ends] of this.#ends) {
      for (const [log, endMs] of ends) if (endMs <= now) this.#end(log, userId, false);
    }
  }

  #end(log: StreamName, userId: string, isBarred: boolean): void {
    const ends = this.#ends.get(userId);
    if (ends?.delete(log) !== true) return;
    if (ends.size === 0) this.#ends.delete(userId);
    this.presence.leave(log, userId, isBarred);
  }
}
