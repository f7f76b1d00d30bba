/**
 * Finding peers that are gone without a word: who is silent is pinged, who stays silent is given up.
 *
 * No timer and no timestamp per connection: receiving sets a flag, and each connection is visited four times in the time
 * after which it is pinged. The visits are spread over that time, so that ten thousand idle connections are not pinged in
 * one turn. A process that slept visits everyone once, and gives nobody up for its own sleep.
 */
import { type Clock, Deadlines, type Expiring } from './clock.js';
import { MisuseError } from './errors.js';

/** What is visited. */
export interface Beating {
  /** Place in the list, -1 for none. */
  beatIndex: number;
  /** @param pingAt, deadAt after how many visits in silence. */
  visit(pingAt: number, deadAt: number): void;
}

const VISITS_PER_PING = 4;

export class Heartbeat implements Expiring {
  /** Always due: each sweep does its share. */
  readonly deadlineMs = Number.NEGATIVE_INFINITY;
  readonly #deadlines: Deadlines;
  readonly #roundMs: number;
  readonly #deadAt: number;
  readonly #members: Beating[] = [];
  #roundStartMs = 0;
  #visited = 0;

  /** @param idlePingMs silence before a ping. @param deadAfterMs silence before it is given up. */
  constructor(clock: Clock, idlePingMs: number, deadAfterMs: number) {
    this.#deadlines = Deadlines.of(clock);
    this.#roundMs = idlePingMs / VISITS_PER_PING;
    this.#deadAt = Math.max(VISITS_PER_PING + 1, Math.ceil(deadAfterMs / this.#roundMs));
  }

  add(member: Beating): void {
    if (this.#members.length === 0) {
      this.#roundStartMs = this.#deadlines.clock.nowMs();
      this.#visited = 0;
      this.#deadlines.watch(this);
    }
    member.beatIndex = this.#members.push(member) - 1;
  }

  remove(member: Beating): void {
    const { beatIndex } = member;
    if (beatIndex < 0) return;
    member.beatIndex = -1;
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      last.beatIndex = beatIndex;
      this.#members[beatIndex] = last;
    }
    if (this.#members.length === 0) this.#deadlines.forget(this);
  }

  expire(nowMs: number): void {
    const share = Math.min(1, (nowMs - this.#roundStartMs) / this.#roundMs);
    const due = Math.floor(this.#members.length * share);
    // A visit may remove its member, and put the last one in its place: that one is visited next round.
    for (; this.#visited < due; this.#visited++) this.#members[this.#visited]?.visit(VISITS_PER_PING, this.#deadAt);
    if (share < 1) return;
    this.#roundStartMs = nowMs;
    this.#visited = 0;
  }
}

/** @param idlePingMs 0 for none. @throws MisuseError for times that make no sense. */
export function heartbeatOf(clock: Clock, idlePingMs: number, deadAfterMs = 2 * idlePingMs): Heartbeat | null {
  for (const [name, value, least] of [
    ['idlePingMs', idlePingMs, 0],
    ['deadAfterMs', deadAfterMs, idlePingMs],
  ] as const) {
    if (!Number.isFinite(value) || value < least) {
      throw new MisuseError('invalid_argument', `${name} must be a time of at least ${least} ms`);
    }
  }
  return idlePingMs === 0 ? null : new Heartbeat(clock, idlePingMs, deadAfterMs);
}
