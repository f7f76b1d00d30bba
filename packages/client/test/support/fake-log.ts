// A log of the fake server: an array, an epoch and a floor.

import type { Item, JsonValue, Read, ServerMessage, Subscribe } from '@trunkline/protocol';

/** What one connection has been sent of a log. */
export interface FakeSubscription {
  readonly ch: number;
  /** `ok`, and the gap that explains where it starts. */
  readonly opening: readonly ServerMessage[];
  /** The slices that bring it to the head. */
  take(): readonly ServerMessage[];
}

export class FakeLog {
  epoch = 'e1';
  floor = 0;
  items: Item[] = [];
  /** Items in one slice, at most. */
  sliceItems = 1_000;
  readonly #nowMs: () => number;
  #epochs = 1;
  #lastSeq = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get head(): number {
    return this.items.at(-1)?.offset ?? this.floor;
  }

  append(data: JsonValue, by: Partial<Pick<Item, 'user' | 'producer' | 'seq'>> = {}): Item {
    const item: Item = { offset: this.head + 1, at: this.#nowMs() + this.head, ...by, data };
    this.items.push(item);
    return item;
  }

  /** Stores once (PUB-2), in order (PUB-4). */
  publish(data: JsonValue, by: Required<Pick<Item, 'user' | 'producer' | 'seq'>>): Item | 'conflict' {
    const producer = `${JSON.stringify(by.user)} ${by.producer}`;
    const known = this.items.find(
      (item) => item.seq === by.seq && `${JSON.stringify(item.user)} ${item.producer}` === producer,
    );
    if (known) return known;
    if (by.seq <= (this.#lastSeq.get(producer) ?? 0)) return 'conflict';
    this.#lastSeq.set(producer, by.seq);
    return this.append(data, by);
  }

  trim(floor: number): void {
    this.floor = floor;
    this.items = this.items.filter((item) => item.offset > floor);
  }

  /** All of it is lost, and it begins anew. */
  recreate(): void {
    this.#epochs += 1;
    this.epoch = `e${this.#epochs}`;
    this.floor = 0;
    this.items = [];
    this.#lastSeq = new Map();
  }

  subscribe(ch: number, { id, after, last = 0, most }: Subscribe): FakeSubscription {
    const written = this.head > 0;
    const epoch = written ? this.epoch : null;
    const back = (count: number) => Math.max(this.floor, this.head - count);
    let cursor = after?.offset ?? back(last);
    const opening: ServerMessage[] = [
      { type: 'ok', id, ch, kind: 'log', epoch, head: this.head, floor: this.floor, from: cursor },
    ];
    const jump = (reason: 'trimmed' | 'epoch' | 'skipped', to: number, lost?: number) => {
      opening.push({ type: 'gap', ch, reason, ...(lost === undefined ? {} : { lost }), epoch, to });
      cursor = to;
    };
    if (after) {
      const at = this.items.find((item) => item.offset === after.offset)?.at;
      const foreign = after.epoch !== epoch || after.offset > this.head;
      if (foreign || (after.at !== undefined && at !== undefined && at !== after.at)) jump('epoch', back(last || 50));
      else if (after.offset < this.floor) jump('trimmed', this.floor, this.floor - after.offset);
      else if (most !== undefined && this.head - after.offset > most) {
        const to = this.head - Math.min(most, 50);
        jump('skipped', to, to - after.offset);
      }
    }
    let synced = false;
    return {
      ch,
      opening,
      take: () => {
        const messages: ServerMessage[] = [];
        while (cursor < this.head) {
          const from = cursor;
          const items = this.items.filter((item) => item.offset > from).slice(0, this.sliceItems);
          cursor = items.at(-1)?.offset ?? this.head;
          messages.push({ type: 'entries', ch, from, to: cursor, ...(from === 0 ? { epoch: this.epoch } : {}), items });
        }
        if (!synced) messages.push({ type: 'synced', ch, to: cursor });
        synced = true;
        return messages;
      },
    };
  }

  read({ id, epoch, before, after, limit }: Read): ServerMessage {
    if (epoch !== undefined && epoch !== this.epoch) {
      return { type: 'error', id, code: 'conflict', message: 'another epoch', retry: false, outcome: 'refused' };
    }
    const items =
      before === undefined
        ? this.items.filter((item) => item.offset > (after ?? 0)).slice(0, limit)
        : this.items.filter((item) => item.offset < before).slice(-limit);
    return { type: 'ok', id, epoch: this.head > 0 ? this.epoch : null, head: this.head, floor: this.floor, items };
  }
}
