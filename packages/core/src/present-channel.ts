// Who is present in one log: members by user, however many connections they have. What is told of them is a table of at most 1,000
// rows, and the count of all. Joins and leaves of a moment become one step; a leave counts only after a grace.

import type { RowChange } from '@trunkline/broker';
import { type JsonValue, MAX_KEY_BYTES, MAX_PRESENT_ROWS, PRESENCE_STEP_MS, utf8Bytes } from '@trunkline/protocol';
import type { Identity } from './app.js';
import type { Clock } from './ports.js';

interface Member {
  /** As others may see them. */
  user: JsonValue;
  /** When they came, in milliseconds since 1970. */
  readonly since: number;
  /** 0: they left, and the grace runs. */
  connections: number;
}

/** Somebody who is there. */
export interface Present {
  readonly user: JsonValue;
  readonly since: number;
}

export class PresentChannel {
  /** Who counts, in the order in which they came. */
  readonly #members = new Map<string, Member>();
  /** Those of them that have a row, */
  readonly #shown = new Map<string, Member>();
  /** and those that could have one. */
  readonly #waiting = new Map<string, Member>();
  /** When the grace of those without a connection is over, the first one first. */
  readonly #leaving = new Map<string, number>();
  // Since the last step:
  readonly #gone = new Set<string>();
  readonly #renewed = new Set<string>();
  #toldCount = 0;
  #cancelStep: (() => void) | null = null;
  #cancelGrace: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly tell: (step: readonly RowChange[]) => void,
  ) {}

  get count(): number {
    return this.#members.size;
  }
  /** Nobody is there, and everybody was told. */
  get isOver(): boolean {
    return this.#members.size === 0 && this.#cancelStep === null;
  }

  /** At most as many as have a row. */
  people(): Present[] {
    const people: Present[] = [];
    for (const { user, since } of this.#members.values()) {
      if (people.length === MAX_PRESENT_ROWS) break;
      people.push({ user, since });
    }
    return people;
  }

  join({ id, publicUser: user }: Identity): void {
    this.#leaving.delete(id);
    const member = this.#members.get(id);
    if (member !== undefined) {
      member.connections += 1;
      return this.#rename(id, member, user);
    }
    const made: Member = { user, since: this.clock.nowMs(), connections: 1 };
    this.#members.set(id, made);
    if (this.#gone.delete(id)) {
      // Its row is still there.
      this.#shown.set(id, made);
      this.#renewed.add(id);
    } else if (keyOf(id) !== null) this.#waiting.set(id, made);
    this.#changed();
  }

  /** One connection less. @param isBarred may not be here any more: no grace */
  leave(id: string, isBarred: boolean): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.connections = Math.max(0, member.connections - 1);
    if (member.connections > 0) return;
    if (isBarred) return this.#remove(id);
    this.#leaving.set(id, this.clock.nowMs() + this.graceMs);
    this.#awaitGrace();
  }

  /** Somebody without a connection goes at once. */
  bar(id: string): void {
    if (this.#leaving.has(id)) this.#remove(id);
  }

  /** Others may see the user otherwise than before. */
  renew({ id, publicUser }: Identity): void {
    const member = this.#members.get(id);
    if (member !== undefined) this.#rename(id, member, publicUser);
  }

  close(): void {
    this.#cancelStep?.();
    this.#cancelGrace?.();
  }

  #rename(id: string, member: Member, user: JsonValue): void {
    if (member.user === user || JSON.stringify(member.user) === JSON.stringify(user)) return;
    member.user = user;
    if (!this.#shown.has(id)) return;
    this.#renewed.add(id);
    this.#changed();
  }

  #remove(id: string): void {
    this.#leaving.delete(id);
    this.#members.delete(id);
    if (!this.#waiting.delete(id) && this.#shown.has(id)) this.#gone.add(id);
    this.#changed();
  }

  /** One timer for all whose grace runs: it is the same for each, so they end in the order in which they began. */
  #awaitGrace(): void {
    if (this.#cancelGrace !== null) return;
    const [dueMs] = this.#leaving.values();
    if (dueMs === undefined) return;
    this.#cancelGrace = this.clock.after(Math.max(0, dueMs - this.clock.nowMs()), () => {
      this.#cancelGrace = null;
      const now = this.clock.nowMs();
      for (const [id, due] of this.#leaving) {
        if (due > now) break;
        this.#remove(id);
      }
      this.#awaitGrace();
    });
  }

  #changed(): void {
    this.#cancelStep ??= this.clock.after(PRESENCE_STEP_MS, () => {
      this.#cancelStep = null;
      this.#step();
    });
  }

  #step(): void {
    const step: RowChange[] = [];
    const set = (id: string, { user, since }: Member) =>
      step.push({ key: keyOf(id) as string, set: JSON.stringify({ user, since }) });
    for (const id of this.#gone) {
      this.#shown.delete(id);
      this.#renewed.delete(id);
      step.push({ key: keyOf(id) as string, delete: true });
    }
    this.#gone.clear();
    for (const id of this.#renewed) set(id, this.#shown.get(id) as Member);
    this.#renewed.clear();
    // Who came first is shown first, and stays: a sample that changed all the time would tell nothing.
    for (const [id, member] of this.#waiting) {
      if (this.#shown.size >= MAX_PRESENT_ROWS) break;
      this.#waiting.delete(id);
      this.#shown.set(id, member);
      set(id, member);
    }
    if (this.count !== this.#toldCount) step.push({ key: 'summary', set: JSON.stringify({ count: this.count }) });
    this.#toldCount = this.count;
    if (step.length > 0) this.tell(step);
  }
}

/** `null`: the id makes no key of a row. Such a user counts, and is not shown. */
function keyOf(id: string): string | null {
  const key = `user/${id}`;
  return key.length * 3 <= MAX_KEY_BYTES || utf8Bytes(key) <= MAX_KEY_BYTES ? key : null;
}
