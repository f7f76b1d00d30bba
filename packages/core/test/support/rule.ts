// A channel's rule under the control of a test: who may what, who was asked, and answers that take their time.

import type { LogRuntime } from '../../src/index.js';

export class Rule {
  /** Users, or `user room`, or `user action`, that get a no. */
  readonly denied = new Set<string>();
  /** `user action room`, in the order of the questions. */
  readonly asked: string[] = [];
  /** What the rule throws instead of answering. */
  error: Error | null = null;
  #gate: Promise<void> | null = null;

  /** Answers are decided at the question, as from a database, and arrive once the function that is returned was called. */
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

  readonly authorize: NonNullable<LogRuntime['authorize']> = async (user, [room], action) => {
    const { id } = user as { id: string };
    this.asked.push(`${id} ${action} ${room}`);
    const may = ![id, `${id} ${room}`, `${id} ${action}`].some((key) => this.denied.has(key));
    const { error } = this;
    await this.#gate;
    if (error !== null) throw error;
    return may;
  };
}
