// Time of a simulated world: one queue of events, ordered by time and then by the order in which they were planned. Between two
// events everything that was promised settles, as between two turns of an event loop.

interface Planned {
  readonly timeMs: number;
  readonly order: number;
  task: (() => void) | null;
}

export class Simulator {
  /** Milliseconds since the world began. Only moves while `run` does. */
  nowMs = 0;
  /** Events that have happened. */
  events = 0;
  /** Runs after each event and all that it has settled. */
  afterEvent: () => void = () => {};
  #orders = 0;
  /** A binary heap: each is no later than its two children, at `2n + 1` and `2n + 2`. */
  readonly #heap: Planned[] = [];

  /** Runs `task` at a time, not before now. The result cancels it. */
  at(timeMs: number, task: () => void): () => void {
    const planned: Planned = { timeMs: Math.max(timeMs, this.nowMs), order: this.#orders++, task };
    this.#push(planned);
    return () => {
      planned.task = null;
    };
  }

  after(delayMs: number, task: () => void): () => void {
    return this.at(this.nowMs + delayMs, task);
  }

  /** Lets events happen up to `untilMs`, or until `isDone` says so. Rejects with what an event throws. */
  async run(untilMs: number, isDone: () => boolean = () => false): Promise<void> {
    // What was done between two runs may still be about to plan something.
    await settled();
    this.afterEvent();
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.timeMs > untilMs) break;
      this.#pop();
      if (next.task === null) continue;
      this.nowMs = next.timeMs;
      this.events += 1;
      next.task();
      await settled();
      this.afterEvent();
      if (isDone()) return;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let index = heap.push(planned) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as Planned;
      if (!isBefore(planned, above)) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Planned)) child += 1;
      const smaller = heap[child] as Planned;
      if (!isBefore(smaller, last)) break;
      heap[index] = smaller;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.timeMs < other.timeMs || (one.timeMs === other.timeMs && one.order < other.order);
}

/** All that was promised and can settle has settled: Node runs immediates after the last microtask. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
