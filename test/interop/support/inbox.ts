// What came and was not asked for yet, and who asked before it came.

export class Inbox<Item> {
  readonly #items: Item[] = [];
  readonly #waiting: { resolve(item: Item): void; reject(error: Error): void }[] = [];
  #end: Error | null = null;

  add(item: Item): void {
    const first = this.#waiting.shift();
    if (first === undefined) this.#items.push(item);
    else first.resolve(item);
  }

  /** Nothing comes any more. */
  end(why: string): void {
    this.#end ??= new Error(why);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#end);
  }

  next(): Promise<Item> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift() as Item);
    if (this.#end !== null) return Promise.reject(this.#end);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }
}
