// One at a time: work on the same thing waits for the work on it that was asked for before.

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(key, mine);
    const over = () => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(over, over);
    return mine;
  }
}
