/**
 * Finding peers that are gone without a word: who is silent is pinged, who stays silent is given up.
 *
 * No timer and no timestamp per connection: receiving sets a flag, and each connection is visited four times in the time
 * after which it is pinged. The visits are spread over that time, so that ten thousand idle connections are not pinged in
 * one turn. A process that slept visits everyone once, and gives nobody up for its own sleep.
 *
 * The visits ride on the sweep of all deadlines, twice a second. A heartbeat whose rounds are too short for that looks on
 * its own, twice a round.
 */
import { type Clock, Deadlines, type Expiring, SWEEP_EVERY_MS } from './clock.js';
import { MisuseError } from './errors.js';

/** What is visited. */
export interface Beating {
  /** Place in the list, -1 for none. */
  beatIndex: number;
  /** @param pingAt, deadAt after how many visits in silence. */
  visit(pingAt: number, deadAt: number): void;
}

const VISITS_PER_PING = 4;
const LOOKS_PER_ROUND = 2;
/** More often than that would be work without end for a process. */
const LOOK_EVERY_MS_MIN = 10;

export class Heartbeat implements Expiring {
  /** Always due: each sweep does its share. */
  readonly deadlineMs = Number.NEGATIVE_INFINITY;
  readonly #clock: Clock;
  readonly #roundMs: number;
  readonly #lookEveryMs: number;
  readonly #deadAt: number;
  readonly #members: Beating[] = [];
  #roundStartMs = 0;
  #visited = 0;
  /** Ends a timer of its own. */
  #stop: (() => void) | null = null;

  /** @param idlePingMs silence before a ping. @param deadAfterMs silence before it is given up. */
  constructor(clock: Clock, idlePingMs: number, deadAfterMs: number) {
    this.#clock = clock;
    this.#roundMs = idlePingMs / VISITS_PER_PING;
    this.#lookEveryMs = Math.max(LOOK_EVERY_MS_MIN, this.#roundMs / LOOKS_PER_ROUND);
    this.#deadAt = Math.max(VISITS_PER_PING + 1, Math.ceil(deadAfterMs / this.#roundMs));
  }

  add(member: Beating): void {
    if (this.#members.length === 0) {
      this.#roundStartMs = this.#clock.nowMs();
      this.#visited = 0;
      this.#begin();
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
    if (this.#members.length === 0) this.#end();
  }

  expire(nowMs: number): void {
    const share = Math.min(1, (nowMs - this.#roundStartMs) / this.#roundMs);
    const due = Math.floor(this.#members.length * share);
    // A visit may remove its member, and put the last one in its place: that one is visited next round.
    for (; this.#visited < due; this.#visited++) this.#members[this.#visited]?.visit(VISITS_PER_PING, this.#deadAt);
    if (share < 1) return;
    // From where the round should have ended, or a look that comes late would stretch every round; from now after a sleep.
    const isLate = nowMs - this.#roundStartMs >= 2 * this.#roundMs;
    this.#roundStartMs = isLate ? nowMs : this.#roundStartMs + this.#roundMs;
    this.#visited = 0;
  }

  #begin(): void {
    if (this.#lookEveryMs >= SWEEP_EVERY_MS) Deadlines.of(this.#clock).watch(this);
    else this.#stop = this.#clock.repeat(this.#lookEveryMs, () => this.expire(this.#clock.nowMs()));
  }

  #end(): void {
    this.#stop?.();
    this.#stop = null;
    Deadlines.of(this.#clock).forget(this);
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
