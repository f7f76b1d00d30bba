// A worker thread as this thread sees it: calls go there in one message a turn, answers come back in the order in which
// they took effect. While an answer is due the worker keeps the process alive, otherwise it does not.

import { SqliteBrokerError } from './errors.js';
import type { Batch, Group, Refusal, WorkerMessage, WorkerOptions } from './messages.js';
import type { Surroundings, Thread, ThreadFile } from './surroundings.js';

/** What becomes of a call. Called at once when its answer arrives, so that the order of answers is kept. */
export interface Settle {
  done(value: unknown): void;
  refused(refusal: Refusal): void;
}

export class WorkerLink<Call> {
  /** Resolves when the worker is ready, rejects with what prevents it. */
  readonly opened: Promise<void>;
  /** Resolves when the thread has ended: it holds nothing any more. */
  readonly exited: Promise<void>;
  readonly #worker: Thread;
  readonly #endOfTurn: Surroundings['endOfTurn'];
  readonly #nowMs: () => number;
  readonly #pending = new Map<number, Settle>();
  #outgoing: { readonly id: number; readonly call: Call }[] = [];
  #lastId = 0;
  #opening = true;
  #failure: Error | undefined;
  #closing = false;

  /**
   * @param onFailure the worker was open, and ended without being asked to
   * @param onGroup a group was committed; told before its calls are answered
   */
  constructor(
    file: ThreadFile,
    options: WorkerOptions,
    { startThread, endOfTurn }: Surroundings,
    nowMs: () => number,
    onFailure: (error: Error) => void,
    onGroup?: (group: Group) => void,
  ) {
    this.#nowMs = nowMs;
    this.#endOfTurn = endOfTurn;
    this.#worker = startThread(file, options);
    const { promise, resolve, reject } = settleable<void>();
    this.opened = promise;
    // Whoever asks learns of it; nobody has to ask.
    this.opened.catch(() => {});
    const fail = (error: Error) => {
      if (this.#failure !== undefined || this.#closing) return;
      const wasOpen = !this.#opening;
      this.#failure = error;
      this.#opening = false;
      reject(error);
      for (const { refused } of this.#takePending()) refused({ type: 'unavailable', reason: error.message });
      if (wasOpen) onFailure(error);
    };
    this.#worker.on('message', (message: WorkerMessage) => {
      if (message.type === 'answers') {
        if (message.group !== undefined) onGroup?.(message.group);
        this.#settle(message.answers);
      } else if (message.type === 'opened') {
        this.#opening = false;
        resolve();
        this.#keepAlive();
      } else fail(new SqliteBrokerError(message.code, message.path, message.problem, message.advice));
    });
    this.#worker.on('error', (error) => fail(error instanceof Error ? error : new Error(String(error))));
    this.exited = new Promise((exited) => {
      this.#worker.on('exit', (code) => {
        fail(new Error(`the thread ${file} ended with code ${code}`));
        // A close that the worker did not live to answer is answered by its end.
        for (const { refused } of this.#takePending())
          refused({ type: 'unavailable', reason: 'the broker was closed' });
        exited();
      });
    });
  }

  /** Whether it could not open, or ended without being asked to. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** The call that was made last, while it has not left this thread: until then it may be added to. */
  get newestUnsent(): Call | undefined {
    return this.#outgoing.at(-1)?.call;
  }

  /** `settle` is never called before this returns. */
  call(call: Call, settle: Settle): void {
    if (this.#failure !== undefined) {
      const reason = this.#failure.message;
      queueMicrotask(() => settle.refused({ type: 'unavailable', reason }));
      return;
    }
    this.#lastId += 1;
    this.#pending.set(this.#lastId, settle);
    if (this.#pending.size === 1) this.#keepAlive();
    this.#outgoing.push({ id: this.#lastId, call });
    if (this.#outgoing.length === 1) this.#endOfTurn(() => this.#send());
  }

  /** Sends the worker's last call and waits for its end. */
  async close(call: Call): Promise<void> {
    if (this.#failure === undefined) {
      await new Promise<void>((resolve) => {
        this.call(call, { done: () => resolve(), refused: () => resolve() });
        this.#closing = true;
      });
    }
    // Its end is awaited, so it must keep the process alive until then.
    this.#worker.ref();
    await this.exited;
  }

  #send(): void {
    const calls = this.#outgoing;
    this.#outgoing = [];
    this.#worker.postMessage({ nowMs: this.#nowMs(), calls } satisfies Batch<Call>);
  }

  #settle(answers: Extract<WorkerMessage, { type: 'answers' }>['answers']): void {
    for (const answer of answers) {
      const settle = this.#pending.get(answer.id);
      this.#pending.delete(answer.id);
      if ('refusal' in answer) settle?.refused(answer.refusal);
      else settle?.done(answer.done);
    }
    this.#keepAlive();
  }

  #takePending(): Settle[] {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#outgoing = [];
    return pending;
  }

  #keepAlive(): void {
    if (this.#opening || this.#closing || this.#pending.size > 0) this.#worker.ref();
    else this.#worker.unref();
  }
}

function settleable<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: Error) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
