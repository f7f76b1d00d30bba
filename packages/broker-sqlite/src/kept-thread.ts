// A worker thread that is started again when it dies. What was under way is refused, as nobody knows what became of it: who repeats it under the
// same producer and number is answered from the file. What is called while there is no thread is refused at once, and waits while the next one
// opens. Bounded: a file that kills each thread is not tried for ever, and what only a person can mend is not tried at all.

import type { BrokerHealth } from '@trunkline/broker';
import { SqliteBrokerError } from './errors.js';
import type { Surroundings } from './surroundings.js';
import type { Settle, WorkerLink } from './worker-link.js';

/** Before each new start in a row, from the end of the thread before; then no more. */
export const RESTART_DELAYS_MS: readonly number[] = [100, 1_000, 5_000, 15_000, 30_000];
/** A thread that lived so long was well: what comes later begins a new row. */
export const WELL_MS = 60_000;

/** What the broker is told. */
export interface ThreadEvents {
  /** It ended on its own. @param againInMs after so long it is started again; `undefined`: never */
  died(error: Error, againInMs: number | undefined): void;
  /** It is gone, and nothing that it did comes any more. The next one waits until this resolves; must not reject. */
  gone?(): Promise<void>;
  /** It is open. */
  opened?(): void;
}

export class KeptThread<Call> {
  #health: BrokerHealth = 'starting';
  #link: WorkerLink<Call>;
  #opening: Promise<void>;
  #opened = () => {};
  #failed: (error: Error) => void = () => {};
  /** In a row. */
  #restarts = 0;
  #cancel = () => {};
  #isClosing = false;

  /** @param start starts a thread, and tells when it ends on its own after it was open */
  constructor(
    private readonly start: (onFailure: (error: Error) => void) => WorkerLink<Call>,
    private readonly after: Surroundings['after'],
    private readonly events: ThreadEvents,
  ) {
    this.#opening = this.#expect();
    this.#link = this.#begin();
  }

  get health(): BrokerHealth {
    return this.#health;
  }

  /** Resolves when the thread, or the next one if it has died, is open. Rejects if there will be none, with what prevents it. */
  get opened(): Promise<void> {
    return this.#opening;
  }

  /** The call that was made last, while it has not left this thread: until then it may be added to. */
  get newestUnsent(): Call | undefined {
    return this.#link.newestUnsent;
  }

  call(call: Call, settle: Settle): void {
    this.#link.call(call, settle);
  }

  /** Sends the thread its last call, if there is one, and waits for its end. No other is started. */
  async close(call: Call): Promise<void> {
    this.#isClosing = true;
    this.#cancel();
    await this.#link.close(call);
  }

  #begin(): WorkerLink<Call> {
    const link = this.start((error) => void this.#onDeath(link, error, true));
    link.opened.then(
      () => this.#onOpened(),
      // The first one says at once what is wrong with the file.
      (error: Error) => void this.#onDeath(link, error, this.#restarts > 0 && mayPass(error)),
    );
    return link;
  }

  #onOpened(): void {
    // It may have died in the same turn.
    if (this.#isClosing || this.#link.hasFailed) return;
    this.#health = 'ready';
    this.#opened();
    this.#cancel = this.after(WELL_MS, () => {
      this.#restarts = 0;
    });
    this.events.opened?.();
  }

  async #onDeath(link: WorkerLink<Call>, error: Error, mayRestart: boolean): Promise<void> {
    if (this.#isClosing) return;
    this.#cancel();
    const wasOpen = this.#health === 'ready';
    const delayMs = mayRestart ? RESTART_DELAYS_MS[this.#restarts] : undefined;
    this.#restarts += 1;
    if (wasOpen) this.#opening = this.#expect();
    this.#health = delayMs === undefined ? 'failed' : 'starting';
    if (delayMs === undefined) this.#failed(error);
    // Of a file that cannot be opened in the first place `opened` tells.
    if (wasOpen || this.#restarts > 1) this.events.died(error, delayMs);
    // Until then it may hold the file.
    await link.exited;
    if (wasOpen) await this.events.gone?.();
    if (delayMs === undefined || this.#isClosing) return;
    this.#cancel = this.after(delayMs, () => {
      this.#link = this.#begin();
    });
  }

  #expect(): Promise<void> {
    const opening = new Promise<void>((resolve, reject) => {
      this.#opened = resolve;
      this.#failed = reject;
    });
    // Whoever asks learns of it; nobody has to ask.
    opening.catch(() => {});
    return opening;
  }
}

/** Whether a file that could not be opened may be opened a moment later as it is. */
function mayPass(error: Error): boolean {
  return !(error instanceof SqliteBrokerError) || error.code === 'locked' || error.code === 'cannot_open';
}
