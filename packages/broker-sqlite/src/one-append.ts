// An append of one entry that is on its way. One object for each, not closures: hundreds wait for the disk at a time, and the
// collector copies what waits.

import type { AppendResult, Entry, NewEntry } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';

export class OneAppend {
  // A copy: the caller's object is the caller's again.
  readonly at: number;
  readonly data: string;
  readonly user: string | null;
  readonly owner: string | null;
  readonly producer: string | null;
  readonly seq: number | null;
  /** What the caller waits for. */
  readonly written: Promise<AppendResult>;
  resolve!: (result: AppendResult) => void;
  reject!: (error: Error) => void;

  constructor(
    readonly stream: StreamName,
    { at, data, user, owner, source }: NewEntry,
    readonly outbox: boolean,
  ) {
    this.written = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.at = at;
    this.data = data;
    this.user = user;
    this.owner = owner ?? null;
    this.producer = source?.producer ?? null;
    this.seq = source?.seq ?? null;
  }

  /** The entry as it was stored. */
  entryAt(offset: number): Entry {
    const { at, data, user, owner, producer, seq } = this;
    return {
      ...{ offset, at, data, user },
      ...(owner === null ? {} : { owner }),
      ...(producer === null || seq === null ? {} : { source: { producer, seq } }),
    };
  }
}
