// Entries on their way to the disk that were appended one behind the other, and differ in data and seq alone. One object for all of
// them: thousands of entries wait at a time, and the collector copies what waits.

import type { AppendResult, Entry, NewEntry, RunTold } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';

export class PendingRun {
  // Copies: the caller's object is the caller's again.
  readonly at: number;
  readonly user: string | null;
  readonly owner: string | null;
  readonly producer: string | null;
  /** Of the first. */
  readonly seq: number | null;
  readonly data: string[];
  #written: Promise<void> | null = null;
  #end = () => {};

  constructor(
    readonly stream: StreamName,
    { at, data, user, owner, source }: NewEntry,
    readonly outbox: boolean,
    readonly told: RunTold,
  ) {
    this.at = at;
    this.data = [data];
    this.user = user;
    this.owner = owner ?? null;
    this.producer = source?.producer ?? null;
    this.seq = source?.seq ?? null;
  }

  /** Resolves when it has ended, which it must not have yet. Few ask. */
  get written(): Promise<void> {
    this.#written ??= new Promise((resolve) => {
      this.#end = resolve;
    });
    return this.#written;
  }

  /** All of it was told of. */
  ended(): void {
    this.#end();
  }

  /** Entries as they were stored. @param index of the first of them */
  entriesAt(index: number, count: number, offset: number): Entry[] {
    const { at, data, user, owner, producer, seq } = this;
    const entries: Entry[] = [];
    for (let next = 0; next < count; next += 1) {
      entries.push({
        ...{ offset: offset + next, at, data: data[index + next] as string, user },
        ...(owner === null ? {} : { owner }),
        ...(producer === null || seq === null ? {} : { source: { producer, seq: seq + index + next } }),
      });
    }
    return entries;
  }
}

/** An append of one entry: a run that does not grow, and a promise. */
export class OneAppend implements RunTold {
  readonly written: Promise<AppendResult>;
  #resolve!: (result: AppendResult) => void;
  #reject!: (error: unknown) => void;

  constructor() {
    this.written = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  stored(_index: number, _count: number, epoch: string, offset: number, at: number, duplicate: boolean): void {
    this.#resolve({ epoch, appended: [{ offset, at, duplicate }] });
  }

  refused(_index: number, error: unknown): void {
    this.#reject(error);
  }
}
