// What the broker needs of the process around it: threads, turns, time. Handed in, so that a simulation can run the very same
// broker on threads, a disk and a clock of its own.

import { Worker } from 'node:worker_threads';
import { randomEpoch } from '@trunkline/broker';
import type { WorkerMessage, WorkerOptions } from './messages.js';

/** Name of a thread's compiled code, in `dist`. */
export type ThreadFile = 'writer-worker.js' | 'reader-worker.js';

/** A worker thread, as `Worker` of Node is one. */
export interface Thread {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (message: WorkerMessage) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  /** While it is referred to, the thread keeps the process alive. */
  ref(): void;
  unref(): void;
}

export interface Surroundings {
  startThread(file: ThreadFile, options: WorkerOptions): Thread;
  /** Runs `task` once all that is already waiting to run in this turn of the event loop has run. */
  endOfTurn(task: () => void): void;
  /** Runs `task` once after `delayMs`, unless the result is called before. Must not keep a process alive. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` every `intervalMs`, until the result is called. Must not keep a process alive. */
  every(intervalMs: number, task: () => void): () => void;
  /** Names a new history; never the same twice. */
  randomEpoch(): string;
}

export const nodeSurroundings: Surroundings = {
  // From `dist` also when this file runs from source, as tests do.
  startThread: (file, workerData) =>
    new Worker(new URL(`../dist/${file}`, import.meta.url), { workerData, name: `trunkline ${file}` }),
  endOfTurn: (task) => {
    setImmediate(task);
  },
  after: (delayMs, task) => {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
  every: (intervalMs, task) => {
    const timer = setInterval(task, intervalMs).unref();
    return () => clearInterval(timer);
  },
  randomEpoch,
};
