// Procedures under the control of a test: each run waits for what it is to return.

import type { ProcedureCall, ProcedureResult, ProcedureRuntime } from '../../src/index.js';

export interface DeskRun extends ProcedureCall {
  /** Why it was told to stop. */
  readonly stopped: readonly string[];
  done(result: ProcedureResult): void;
  fail(error: unknown): void;
}

export class Desk {
  /** Those that were begun, in order. */
  readonly runs: DeskRun[] = [];
  /** Users that may not call. */
  readonly denied = new Set<string>();
  /** `user input`, in the order of the questions. */
  readonly asked: string[] = [];
  #gate: Promise<void> | null = null;

  /** Answers of the rule are decided at the question, and arrive once the function that is returned was called. */
  hold(): () => void {
    let open = () => {};
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => {
      this.#gate = null;
      open();
    };
  }

  get last(): DeskRun {
    const run = this.runs.at(-1);
    if (run === undefined) throw new Error('nothing was run');
    return run;
  }

  readonly order: ProcedureRuntime = {
    validate: (value) => (value === 'nonsense' ? { problem: 'nonsense is no order' } : { value }),
    authorize: async (user, input) => {
      const { id } = user as { id: string };
      this.asked.push(`${id} ${JSON.stringify(input)}`);
      const may = !this.denied.has(id);
      await this.#gate;
      return may;
    },
    run: (call) => {
      const stopped: string[] = [];
      const run = { ...call, stopped, done: (_: ProcedureResult) => {}, fail: (_: unknown) => {} };
      const result = new Promise<ProcedureResult>((resolve, reject) => {
        run.done = resolve;
        run.fail = reject;
      });
      this.runs.push(run);
      return { result, stop: (reason) => stopped.push(reason) };
    },
  };

  readonly procedures = new Map([['order', this.order]]);
}
