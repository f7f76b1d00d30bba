// Who is in a log, as one client shows it.

import type { PresenceStore } from '@trunkline/client';
import type { Journal } from './journal.js';

export class PresenceView {
  #leave: (() => void) | undefined;

  constructor(
    readonly who: string,
    readonly log: string,
    private readonly store: PresenceStore<unknown>,
    private readonly journal: Journal,
  ) {}

  get isOpen(): boolean {
    return this.#leave !== undefined;
  }

  open(): void {
    if (this.isOpen) return;
    this.journal.trace(this.who, `looks who is in ${this.log}`);
    this.#leave = this.store.subscribe(() => this.#changed());
  }
  close(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  /** What is not as it must be when nobody comes or goes any more. @param present users who have the log open */
  lacking(present: readonly string[]): string | undefined {
    const { state } = this.store.snapshot();
    if (state !== 'live') return `is ${state}`;
    const shown = this.#shown().sort().join();
    return shown === present.join() ? undefined : `shows ${shown}, and ${present.join()} have it open`;
  }

  #shown(): string[] {
    return this.store.snapshot().people.map(({ user }) => (user as { readonly id: string }).id);
  }

  #changed(): void {
    const { state, people, count } = this.store.snapshot();
    const shown = this.#shown();
    this.journal.count('presences shown');
    this.journal.trace(this.who, () => `shows ${shown.join()} in ${this.log}, ${state}`);
    if (new Set(shown).size !== shown.length)
      this.journal.broken('PRS-1', `${this.who} sees somebody twice in ${this.log}: ${shown.join()}`);
    if (state === 'live' && people.length !== count)
      this.journal.broken('PRS-5', `${this.who} sees ${people.length} in ${this.log}, and that they are ${count}`);
  }
}
