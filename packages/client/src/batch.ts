// Snapshots for external stores. What changes during one event is shown as one change: no render sees half of a message.

/** A value that is rebuilt when it was touched, and its listeners. */
export interface Store<T> {
  readonly snapshot: () => T;
  readonly subscribe: (onChange: () => void) => () => void;
  touch(): void;
}

/** Collects touched stores while something runs, and notifies their listeners after it. */
export interface Batch {
  run<T>(work: () => T): T;
  /** Calls `notify` at the end of this run; at once if there is none. */
  add(notify: () => void): void;
  /** Runs at the end of each run, before anyone is notified and after: what was written meanwhile is sent as one message. */
  onEnd: () => void;
}

export function createStore<T>(batch: Batch, build: () => T): Store<T> {
  let value: T | undefined;
  const listeners = new Set<() => void>();
  const notify = () => {
    // One by one, so that a listener which throws keeps none of the others from hearing.
    for (const listener of listeners) batch.add(listener);
  };
  return {
    snapshot: () => {
      value ??= build();
      return value;
    },
    subscribe: (onChange) => {
      // A listener of its own for each call, so that one function given twice is two interests.
      const listener = () => listeners.has(listener) && onChange();
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    touch() {
      value = undefined;
      batch.add(notify);
    },
  };
}

export function createBatch(onThrow: (cause: unknown) => void): Batch {
  let depth = 0;
  const touched = new Set<() => void>();
  const settle = () => {
    // A set grows while it is walked: what is touched by a listener is notified too, after the others.
    for (const notify of touched) {
      touched.delete(notify);
      try {
        notify();
      } catch (cause) {
        onThrow(cause);
      }
    }
  };
  const batch: Batch = {
    onEnd() {},
    add(notify) {
      touched.add(notify);
      if (depth === 0) batch.run(() => {});
    },
    run(work) {
      depth += 1;
      try {
        return work();
      } finally {
        if (depth === 1) {
          batch.onEnd();
          settle();
          // What a listener has written must not wait for the next event.
          batch.onEnd();
        }
        depth -= 1;
      }
    },
  };
  return batch;
}
