/**
 * The end of a turn of the event loop, when everything that was sent during it is written: one write per connection.
 *
 * `setImmediate` and not a microtask: microtasks run between two callbacks of one turn, so ten sockets that become
 * readable together, each telling all others, would cause ten writes each.
 */
import type { Clock } from './clock.js';
import { forgetJoined } from './join.js';

/** Something with work for the end of the turn. */
export interface TurnTask {
  endTurn(): void;
}

let tasks: TurnTask[] = [];
let scheduled = false;
/** The clock that was read while the end of this turn was due, and what it said. */
let readClock: Clock | null = null;
let readMs = 0;

/** Runs `task.endTurn` once this turn of the event loop ends. Adding it twice runs it twice. */
export function atEndOfTurn(task: TurnTask): void {
  tasks.push(task);
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

/** Runs it now instead. Tasks added meanwhile wait for the end of the turn. */
export function endTurnNow(): void {
  const due = tasks;
  tasks = [];
  for (const task of due) task.endTurn();
  forgetJoined();
}

/**
 * The time of this turn. Sockets that become readable together share one reading: where messages are small, each costs
 * more than to unmask one. It may be as old as the turn, never older: without an end of turn to come nothing is kept.
 */
export function turnNowMs(clock: Clock): number {
  if (clock === readClock) return readMs;
  const nowMs = clock.nowMs();
  if (scheduled) {
    readClock = clock;
    readMs = nowMs;
  }
  return nowMs;
}

function endTurn(): void {
  scheduled = false;
  readClock = null;
  endTurnNow();
}
