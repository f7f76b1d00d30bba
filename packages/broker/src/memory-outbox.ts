// The memory broker's outbox: who listens to it, and the dead letters. The cursors are the streams' own.

import type { Epoch, Offset, Position, StreamName } from '@trunkline/protocol';
import type { MemoryStream } from './memory-stream.js';
import type { DeadLetter, Death, OutboxNews, Waiting } from './outbox.js';

export class MemoryOutbox {
  readonly #listeners = new Set<(news: OutboxNews) => void>();
  readonly #dead = new Map<number, DeadLetter>();
  #lastId = 0;

  watch(onNews: (news: OutboxNews) => void): () => void {
    // One of its own, or the same function given twice would be one listener.
    const listener = (news: OutboxNews) => onNews(news);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Soon, never before this returns. */
  announce(news: OutboxNews): void {
    for (const listener of this.#listeners) {
      void Promise.resolve().then(() => {
        if (this.#listeners.has(listener)) listener(news);
      });
    }
  }

  waiting(streams: Iterable<MemoryStream>, after: string | null, limit: number): Waiting[] {
    const found: Waiting[] = [];
    for (const stream of streams) {
      const waits = stream.waiting();
      if (waits !== null && (after === null || stream.name > after)) found.push(waits);
    }
    return found.sort((a, b) => (a.stream < b.stream ? -1 : 1)).slice(0, limit);
  }

  bury(stream: MemoryStream, { epoch, offset }: Position, { diedAt, attempts, reason }: Death): void {
    const waits = stream.waiting();
    if (waits === null || waits.epoch !== epoch || waits.done >= offset) return;
    const [stored] = stream.read({ epoch, offset: waits.done }, { entries: 1 }).entries;
    if (stored === undefined || stored.offset < offset) return;
    // Erased meanwhile: a record that says nothing any more.
    if (stored.offset > offset) return stream.settle({ epoch, offset });
    // What a record says of its entry may be erased later.
    const entry = stored.amends === undefined ? stored : { ...stored, amends: { offset: stored.amends.offset } };
    this.#lastId += 1;
    const id = this.#lastId;
    this.#dead.set(id, { id, stream: stream.name, epoch: waits.epoch, entry, diedAt, attempts, reason });
    stream.settle({ epoch, offset });
  }

  /** An entry was amended: what it said is not kept in a dead letter either. */
  amended(stream: StreamName, epoch: Epoch, offset: Offset, data: string): void {
    for (const [id, letter] of this.#dead) {
      if (letter.stream !== stream || letter.epoch !== epoch || letter.entry.offset !== offset) continue;
      this.#dead.set(id, { ...letter, entry: { ...letter.entry, data } });
    }
  }

  deadLetters(after: number, limit: number): DeadLetter[] {
    return [...this.#dead.values()].filter(({ id }) => id > after).slice(0, limit);
  }

  get size(): number {
    return this.#dead.size;
  }

  forget(id: number): boolean {
    return this.#dead.delete(id);
  }

  clear(): void {
    this.#listeners.clear();
    this.#dead.clear();
  }
}
