// Who watches which stream of this process, and the delivery to them: asynchronous, in order, one call at a time.
// For brokers that learn of every change in their own process.

import type { StreamName } from '@trunkline/protocol';
import type { Advance } from './broker.js';

interface Watcher {
  readonly onAdvance: (advance: Advance) => void;
  open: boolean;
}

/** Who watches which stream, and the delivery to them, for brokers that learn of every change in their own process. */
export class Watchers {
  readonly #byStream = new Map<StreamName, Set<Watcher>>();
  #queue: { readonly watcher: Watcher; readonly advance: Advance }[] = [];

  /** Whether anybody would hear of a change of the stream. */
  has(stream: StreamName): boolean {
    return this.#byStream.has(stream);
  }

  /** Those that somebody watches now. */
  streams(): readonly StreamName[] {
    return [...this.#byStream.keys()];
  }

  /** Everything announced after this call reaches `onAdvance`, until the function that is returned was called. */
  add(stream: StreamName, onAdvance: (advance: Advance) => void): () => void {
    const watcher: Watcher = { onAdvance, open: true };
    const watchers = this.#byStream.get(stream);
    if (watchers === undefined) this.#byStream.set(stream, new Set([watcher]));
    else watchers.add(watcher);
    return () => {
      if (!watcher.open) return;
      watcher.open = false;
      const left = this.#byStream.get(stream);
      left?.delete(watcher);
      if (left?.size === 0) this.#byStream.delete(stream);
    };
  }

  /** Delivers to those who watch the stream now, soon but never before this returns. */
  announce(advance: Advance): void {
    const watchers = this.#byStream.get(advance.stream);
    if (watchers === undefined) return;
    if (this.#queue.length === 0) this.#deliverSoon();
    for (const watcher of watchers) this.#queue.push({ watcher, advance });
  }

  /** Ends every watch; what is announced but not delivered is dropped. */
  clear(): void {
    for (const watchers of this.#byStream.values()) for (const watcher of watchers) watcher.open = false;
    this.#byStream.clear();
    this.#queue = [];
  }

  #deliverSoon(): void {
    // Two steps, not one: `watch(…)` and `append(…)` called in one breath, then `await` of the first: its promise must come
    // first, and only the second step is behind an `await` that is written after the append.
    void Promise.resolve()
      .then(() => undefined)
      .then(() => this.#deliver());
  }

  #deliver(): void {
    const queue = this.#queue;
    this.#queue = [];
    let delivered = 0;
    try {
      for (const { watcher, advance } of queue) {
        delivered += 1;
        if (watcher.open) watcher.onAdvance(advance);
      }
    } finally {
      // A listener threw: its error goes its own way, the others still get theirs, in order.
      if (delivered < queue.length) {
        this.#queue = [...queue.slice(delivered), ...this.#queue];
        this.#deliverSoon();
      }
    }
  }
}
