// An optional power of brokers: to know who is still to be told of what a log got. A cursor of its own per log, which is set when the
// append says so, in the append's own transaction: what was stored and not told of yet survives whatever happens to the process. It
// holds no copies. Whoever empties the outbox reads the log from the cursor on, as any reader does.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { Broker, Entry } from './broker.js';
import { isStorable } from './check-arguments.js';

/** A log of which somebody is still to be told. */
export interface Waiting {
  readonly stream: StreamName;
  readonly epoch: Epoch;
  /** What lies at `done + 1 … head` waits. */
  readonly done: Offset;
  readonly head: Offset;
  /** `at` of the oldest that waits. */
  readonly oldestAt: number;
}

/** What an append added to the outbox: `from + 1 … to`. */
export interface OutboxNews {
  readonly stream: StreamName;
  readonly epoch: Epoch;
  readonly from: Offset;
  readonly to: Offset;
  /** `at` of the first of them. */
  readonly at: number;
}

/** Why something is not to be tried any more. */
export interface Death {
  /** In milliseconds since 1970. */
  readonly diedAt: number;
  /** How often it was tried. */
  readonly attempts: number;
  /** In words, at most 1,000 characters, without NUL and halves of surrogate pairs. */
  readonly reason: string;
}

/**
 * What nobody could be told of, with a copy of the entry: the log may be trimmed by now. Of a record it says which entry it amends, and no more.
 * When the entry is amended its `data` changes here too.
 */
export interface DeadLetter extends Death {
  /** 1, 2, 3 … in the order of burial. */
  readonly id: number;
  readonly stream: StreamName;
  readonly epoch: Epoch;
  readonly entry: Entry;
}

/**
 * Logs whose appends or amendments were made with `outbox: true`, and how far somebody was told of each. What is said of `Broker` holds here too:
 * errors, and that a promise resolves when it is stored. What waits is kept, whatever the retention says. Removing a stream takes
 * what waits of it along, but for its dead letters.
 */
export interface Outbox {
  /** Logs where something waits, by rising name (in an order of the broker's own), after one and at most so many. Sees every append that has resolved. */
  waiting(after: StreamName | null, limit: number): Promise<readonly Waiting[]>;

  /**
   * Calls `onNews` for each append or amendment with `outbox: true` that stores something, soon after it is stored and never before, those of one log in
   * order, until the function that is returned was called.
   */
  watchOutbox(onNews: (news: OutboxNews) => void): () => void;

  /**
   * Somebody was told of everything up to this position. Never moves back, and not beyond the head; without effect if the log is
   * not in the outbox or has another epoch by now.
   */
  settle(stream: StreamName, upTo: Position): Promise<void>;

  /**
   * The same, but of the entry at this very position nobody was told: it becomes a dead letter, in one step with the cursor. Without effect
   * unless it is the next one that waits.
   */
  bury(stream: StreamName, position: Position, death: Death): Promise<void>;

  /** Dead letters by rising id, after one (0: from the first) and at most so many. Sees every burial that has resolved. */
  deadLetters(after: number, limit: number): Promise<readonly DeadLetter[]>;
  countDeadLetters(): Promise<number>;
  /** Forgets one. Whether there was one. */
  forgetDeadLetter(id: number): Promise<boolean>;
}

/** Whether the broker has this power. */
export function hasOutbox(broker: Broker): broker is Broker & Outbox {
  return typeof (broker as Partial<Outbox>).watchOutbox === 'function';
}

/** Longest `reason`, in UTF-16 code units. */
export const MAX_REASON_LENGTH = 1_000;

/** @throws TypeError or RangeError when it is no burial. */
export function checkDeath({ diedAt, attempts, reason }: Death): void {
  if (!Number.isSafeInteger(diedAt)) throw new TypeError(`diedAt must be whole milliseconds, not ${diedAt}`);
  if (!(Number.isSafeInteger(attempts) && attempts >= 0))
    throw new RangeError(`attempts must be 0, 1, 2 …, not ${attempts}`);
  if (!isStorable(reason) || reason.length > MAX_REASON_LENGTH) {
    throw new TypeError(
      `reason must be text of at most ${MAX_REASON_LENGTH} characters, without NUL and halves of surrogate pairs`,
    );
  }
}
