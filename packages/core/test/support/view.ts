// What a client makes of the messages of one subscription, strict: each slice must begin where the last one ended.

import type { Entries, Gap, GapReason, ServerMessage } from '@trunkline/protocol';

export interface SeenGap {
  readonly reason: GapReason;
  readonly from: number;
  readonly to: number;
  readonly lost: number | undefined;
}

export class View {
  epoch: string | null = null;
  cursor = -1;
  ch = -1;
  synced = 0;
  /** Data by offset, of the present epoch. */
  readonly entries = new Map<number, unknown>();
  readonly ats = new Map<number, number>();
  readonly gaps: SeenGap[] = [];

  /** Takes the messages of a connection; those of other streams, and other answers, are passed over. */
  take(messages: readonly ServerMessage[], subscribeId?: number): this {
    for (const message of messages) {
      if (message.type === 'ok' && message.id === subscribeId && 'ch' in message) {
        this.ch = message.ch;
        this.epoch = message.epoch;
        this.cursor = message.from;
      } else if (message.type === 'entries' && message.ch === this.ch) this.#slice(message);
      else if (message.type === 'gap' && message.ch === this.ch) this.#gap(message);
      else if (message.type === 'synced' && message.ch === this.ch) {
        this.synced += 1;
        if (message.to !== this.cursor) throw new Error(`synced to ${message.to} at cursor ${this.cursor}`);
      }
    }
    return this;
  }

  get offsets(): number[] {
    return [...this.entries.keys()];
  }
  get data(): unknown[] {
    return [...this.entries.values()];
  }

  #slice({ from, to, items, epoch }: Entries): void {
    if (from !== this.cursor) throw new Error(`a slice from ${from} at cursor ${this.cursor}`);
    if (items.at(-1)?.offset !== to) throw new Error(`${items.length} items in (${from}, ${to}]`);
    if ((from === 0) !== (epoch !== undefined)) throw new Error(`a slice from ${from} names the epoch ${epoch}`);
    if (epoch !== undefined) {
      if (this.epoch !== null && this.epoch !== epoch) throw new Error(`epoch ${this.epoch} became ${epoch} silently`);
      this.epoch = epoch;
    }
    for (const [index, item] of items.entries()) {
      const before = items[index - 1];
      const due = (before?.offset ?? from) + 1;
      // What is missing are records that say nothing: between others (AMD-8).
      const isErased = item.offset > due && 'amends' in item && (before === undefined || 'amends' in before);
      if (item.offset !== due && !isErased) throw new Error(`item ${item.offset} at ${due}`);
      this.entries.set(item.offset, item.data);
      this.ats.set(item.offset, item.at);
    }
    this.cursor = to;
  }

  #gap({ reason, to, epoch, lost }: Gap): void {
    this.gaps.push({ reason, from: this.cursor, to, lost });
    if (reason === 'epoch') this.entries.clear();
    else if (to < this.cursor) throw new Error(`a gap ${reason} goes back from ${this.cursor} to ${to}`);
    this.epoch = epoch;
    this.cursor = to;
  }
}
