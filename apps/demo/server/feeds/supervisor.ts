// Keeps a program running: starts it, starts it again when it ends, and ends it. It knows processes and time only by what it is given.

/** A program that was started. */
export interface Child {
  /** Calls back once, when it has ended or could not be started. */
  onEnd(listener: (end: ChildEnd) => void): void;
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ChildEnd {
  /** In words: "exit code 1: …". */
  readonly how: string;
  /** There is no such program: starting it again cannot help. */
  readonly isMissing: boolean;
}

export interface SupervisorOptions {
  readonly start: () => Child;
  readonly clock: {
    nowMs(): number;
    /** The result cancels. */
    after(ms: number, run: () => void): () => void;
  };
  /** Told of each change. */
  readonly onState: (state: SupervisorState) => void;
}

export type SupervisorState =
  | { readonly state: 'running' }
  | { readonly state: 'waiting'; readonly problem: string; readonly retryMs: number }
  | { readonly state: 'missing'; readonly problem: string }
  | { readonly state: 'stopped' };

/** The first wait, in milliseconds. Each is twice as long as the one before. */
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** One that ran so long was well: the waits begin anew. */
const WELL_MS = 60_000;
/** What it has to end by itself before it is killed. */
const GRACE_MS = 2_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  #child: Child | undefined;
  #waitMs = FIRST_WAIT_MS;
  #cancelRetry = () => {};
  #stopping: Promise<void> | undefined;
  #stopped = () => {};

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Call it once. */
  start(): void {
    const { clock, onState, start } = this.#options;
    const sinceMs = clock.nowMs();
    const child = start();
    this.#child = child;
    onState({ state: 'running' });
    child.onEnd((end) => {
      this.#child = undefined;
      if (this.#stopping !== undefined) this.#stopped();
      else if (end.isMissing) onState({ state: 'missing', problem: end.how });
      else this.#retry(end.how, clock.nowMs() - sinceMs);
    });
  }

  /** Resolves when it has ended; nothing is started any more. */
  stop(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping;
    this.#cancelRetry();
    const child = this.#child;
    this.#stopping = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    if (child === undefined) {
      this.#stopped();
    } else {
      const cancel = this.#options.clock.after(GRACE_MS, () => child.signal('SIGKILL'));
      void this.#stopping.then(cancel);
      child.signal('SIGTERM');
    }
    void this.#stopping.then(() => this.#options.onState({ state: 'stopped' }));
    return this.#stopping;
  }

  /** For the end of this process, when there is no time for more. */
  kill(): void {
    this.#child?.signal('SIGKILL');
  }

  #retry(problem: string, ranMs: number): void {
    if (ranMs >= WELL_MS) this.#waitMs = FIRST_WAIT_MS;
    const retryMs = this.#waitMs;
    this.#waitMs = Math.min(LONGEST_WAIT_MS, 2 * retryMs);
    this.#cancelRetry = this.#options.clock.after(retryMs, () => this.start());
    this.#options.onState({ state: 'waiting', problem, retryMs });
  }
}
