/**
 * The end of a turn of the event loop, when everything that was sent during it is written: one write per connection.
 *
 * `setImmediate` and not a microtask: microtasks run between two callbacks of one turn, so ten sockets that become
 * readable together, each telling all others, would cause ten writes each.
 */
import { forgetJoined } from './join.js';

/** Something with work for the end of the turn. */
export interface TurnTask {
  endTurn(): void;
}

let tasks: TurnTask[] = [];
let scheduled = false;

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

function endTurn(): void {
  scheduled = false;
  endTurnNow();
}
