// The deletions of a table that its store remembers: the newest ones, as many as it is told to. Who stands before one that is forgotten
// cannot be told of it, and has to begin anew (TAB-5).

export class Graves {
  /** Deletions up to here are forgotten; of the last of them perhaps only some, where one step deleted several rows. */
  floor = 0;
  /** The offset at which each was deleted, the oldest one first. */
  readonly #offsets = new Map<string, number>();

  /** @param most deletions that are remembered */
  constructor(private readonly most: number) {}

  /** A row was deleted, or written: then it is no matter that it had been deleted. */
  changed(key: string, offset: number, isGone: boolean): void {
    this.#offsets.delete(key);
    if (isGone) this.#offsets.set(key, offset);
  }

  /** After a whole step. */
  forget(): void {
    for (const [key, offset] of this.#offsets) {
      if (this.#offsets.size <= this.most) return;
      this.#offsets.delete(key);
      this.floor = offset;
    }
  }

  /** The store came back with this floor. @param gone keys that are deleted now, and where */
  recovered(floor: number, gone: readonly (readonly [key: string, offset: number])[]): void {
    this.floor = floor;
    this.#offsets.clear();
    const kept = gone.filter(([, offset]) => offset >= floor).sort(([, one], [, other]) => one - other);
    for (const [key, offset] of kept) this.#offsets.set(key, offset);
    this.forget();
  }
}
