// Who is present in the logs of one server, by what its connections were told: whoever has a log open, and looks. What the server says of it
// is held against that (PRS-1, PRS-2).

import type { AppState } from './app.js';
import type { Journal } from './journal.js';
import type { Machine } from './machine.js';

/** Joins and leaves of a moment are told together, and what was told is on its way for some turns. */
const STEP_MS = 60;

export class PresenceLedger {
  /** `log user` → the connections that have it open, */
  readonly #open = new Map<string, Set<object>>();
  /** and when the first of them came, or the last one went. */
  readonly #sinceMs = new Map<string, number>();

  constructor(
    private readonly machine: Machine,
    private readonly graceMs: number,
    private readonly rules: AppState,
    private readonly journal: Journal,
  ) {}

  /** A connection has these logs open, and no others. */
  looks(connection: object, user: string, logs: ReadonlySet<string>): void {
    for (const log of logs) {
      const place = `${log} ${user}`;
      const open = this.#open.get(place) ?? new Set();
      this.#open.set(place, open);
      if (open.size === 0) this.#sinceMs.set(place, this.machine.simulator.nowMs);
      open.add(connection);
    }
    for (const [place, open] of this.#open) {
      const [log = '', who] = place.split(' ');
      if (who !== user || logs.has(log) || !open.delete(connection)) continue;
      if (open.size === 0) this.#sinceMs.set(place, this.machine.simulator.nowMs);
    }
  }

  /** Users who have the log open, in alphabetical order. */
  of(log: string): readonly string[] {
    return [...this.#open]
      .filter(([place, { size }]) => size > 0 && place.startsWith(`${log} `))
      .map(([place]) => place.slice(log.length + 1))
      .sort();
  }

  /** Somebody is told that this user went. */
  gone(log: string, user: string): void {
    const place = `${log} ${user}`;
    this.journal.count('users who went');
    // Whose rights were taken goes at once; and on a clock that somebody has set no grace can be measured.
    if (this.rules.everDenied.has(`${user} ${log}`)) return;
    const { nowMs } = this.machine.simulator;
    if (nowMs - this.machine.disturbedMs < 2 * this.graceMs) return;
    const forMs = Math.round(nowMs - (this.#sinceMs.get(place) ?? Number.NEGATIVE_INFINITY));
    const isThere = (this.#open.get(place)?.size ?? 0) > 0;
    if (isThere && forMs > STEP_MS)
      this.journal.broken('PRS-2', `${user} is said to have left ${log}, and has it open for ${forMs} ms`);
    if (!isThere && forMs < this.graceMs)
      this.journal.broken('PRS-2', `${user} is said to have left ${log} ${forMs} ms after the last connection ended`);
  }
}
