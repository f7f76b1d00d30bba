// The outbox on the calling side: the broker's own part of it, apart from how calls travel.

import {
  checkDeath,
  checkLimit,
  type DeadLetter,
  type Death,
  type Outbox,
  type OutboxNews,
  SignalBoard,
  type Waiting,
} from '@trunkline/broker';
import type { Position, StreamName } from '@trunkline/protocol';
import { keyText } from './key-text.js';
import type { OutboxCall, WriterCall } from './messages.js';

const WAITING_PAGE = 1_000;

/** Signals besides: they never leave the process. */
export abstract class OutboxCalls extends SignalBoard implements Outbox {
  readonly #listeners = new Set<(news: OutboxNews) => void>();

  /** Rejects if the broker is closed. */
  protected abstract writing(call: WriterCall, name?: StreamName): Promise<unknown>;
  protected abstract reading(call: OutboxCall): Promise<unknown>;

  async waiting(after: StreamName | null, limit: number): Promise<readonly Waiting[]> {
    checkLimit({ entries: limit });
    const from = after === null ? null : keyText(after);
    return (await this.reading({ type: 'waiting', after: from, limit })) as readonly Waiting[];
  }

  watchOutbox(onNews: (news: OutboxNews) => void): () => void {
    // One of its own, or the same function given twice would be one listener.
    const listener = (news: OutboxNews) => onNews(news);
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  async settle(stream: StreamName, { epoch, offset }: Position): Promise<void> {
    await this.writing({ type: 'settle', stream: keyText(stream), epoch, offset });
  }

  async bury(stream: StreamName, { epoch, offset }: Position, death: Death): Promise<void> {
    checkDeath(death);
    await this.writing({ type: 'settle', stream: keyText(stream), epoch, offset, death: { ...death } });
  }

  async deadLetters(after: number, limit: number): Promise<readonly DeadLetter[]> {
    checkLimit({ entries: limit });
    return (await this.reading({ type: 'deadLetters', after, limit })) as readonly DeadLetter[];
  }

  async countDeadLetters(): Promise<number> {
    return Number(await this.reading({ type: 'countDeadLetters' }));
  }

  async forgetDeadLetter(id: number): Promise<boolean> {
    return (await this.writing({ type: 'forgetDeadLetter', id })) === true;
  }

  /** Tells of all that waits, where it is not known what was told. */
  protected async tellWaiting(): Promise<void> {
    if (this.#listeners.size === 0) return;
    for (let page: readonly Waiting[] = [], after: StreamName | null = null; ; after = page.at(-1)?.stream ?? null) {
      page = await this.waiting(after, WAITING_PAGE);
      for (const { stream, epoch, done, head, oldestAt } of page) {
        this.tellOutbox({ stream, epoch, from: done, to: head, at: oldestAt });
      }
      if (page.length < WAITING_PAGE) return;
    }
  }

  /** To be called when it is committed, in the order of commits. */
  protected tellOutbox(news: OutboxNews | null): void {
    if (news !== null) for (const listener of this.#listeners) listener(news);
  }
}
