// A plain client's copy of a log with amendments: it follows the rules of the protocol's page and nothing else.

import type { AmendRecord, Item, ServerMessage } from '@trunkline/protocol';

export type Shown = Omit<Item, 'offset' | 'producer' | 'seq'>;

export class Mirror {
  readonly entries = new Map<number, Shown>();
  cursor = 0;
  #ch = -1;

  /** Messages of one connection, from the answer to its subscribe on. */
  take(messages: readonly ServerMessage[], subscribeId: number): this {
    for (const message of messages) {
      if (message.type === 'ok' && message.id === subscribeId && 'ch' in message) {
        this.#ch = message.ch;
        this.cursor = message.from;
      } else if (message.type === 'gap' && message.ch === this.#ch) {
        this.entries.clear();
        this.cursor = message.to;
      } else if (message.type === 'entries' && message.ch === this.#ch) {
        if (message.from !== this.cursor) throw new Error(`a slice from ${message.from} at ${this.cursor}`);
        this.cursor = message.to;
        this.read(message.items);
      }
    }
    return this;
  }

  /** Items of a slice or page. @param head of a page: what is known here of later records is newer */
  read(items: readonly (Item | AmendRecord)[]): void {
    for (const item of items) {
      if (item.amends === undefined) {
        const { offset, producer: _, seq: __, ...shown } = item;
        this.entries.set(offset, shown);
        continue;
      }
      const { offset, ...now } = item.amends;
      const entry = this.entries.get(offset);
      if (entry === undefined || now.data === undefined) continue;
      const { at, user } = entry;
      this.entries.set(offset, { at, ...(user === undefined ? {} : { user }), ...now, data: now.data });
    }
  }

  /** As a list, up to the floor. */
  list(floor = 0): unknown[] {
    return [...this.entries].filter(([offset]) => offset > floor).sort(([a], [b]) => a - b);
  }
}
