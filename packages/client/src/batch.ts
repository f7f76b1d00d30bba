// Snapshots for external stores. What changes during one event is shown as one change: no render sees half of a message.

/** A value that is rebuilt when it was touched, and its listeners. */
export class Store<T> {
  #value: T | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #batch: Batch;
  readonly #build: () => T;

  constructor(batch: Batch, build: () => T) {
    this.#batch = batch;
    this.#build = build;
  }

  readonly snapshot = (): T => {
    this.#value ??= this.#build();
    return this.#value;
  };

  readonly subscribe = (onChange: () => void): (() => void) => {
    // A listener of its own for each call, so that one function given twice is two interests.
    const listener = () => onChange();
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  touch(): void {
    this.#value = undefined;
    this.#batch.add(this);
  }

  notify(onThrow: (cause: unknown) => void): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (cause) {
        onThrow(cause);
      }
    }
  }
}

/** Collects touched stores while something runs, and notifies their listeners after it. */
export class Batch {
  #depth = 0;
  readonly #touched = new Set<Store<unknown>>();
  readonly #onThrow: (cause: unknown) => void;
  /** Runs at the end of each run, before anyone is notified: what was written meanwhile is sent as one message. */
  onEnd: () => void = () => {};

  constructor(onThrow: (cause: unknown) => void) {
    this.#onThrow = onThrow;
  }

  add(store: Store<unknown>): void {
    this.#touched.add(store);
    if (this.#depth === 0) this.#notify();
  }

  run<T>(work: () => T): T {
    this.#depth += 1;
    try {
      return work();
    } finally {
      if (this.#depth === 1) this.onEnd();
      this.#depth -= 1;
      if (this.#depth === 0) this.#notify();
    }
  }

  #notify(): void {
    // A listener may touch again: each round notifies what was touched until then.
    while (this.#touched.size > 0) {
      const stores = [...this.#touched];
      this.#touched.clear();
      for (const store of stores) store.notify(this.#onThrow);
    }
  }
}
