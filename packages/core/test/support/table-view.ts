// What a client makes of the messages of one table, strict: each slice must begin at its position.

import type { Rows, ServerMessage } from '@trunkline/protocol';

export class TableView {
  epoch: string | null = null;
  position = -1;
  ch = -1;
  synced = 0;
  resets = 0;
  rows = new Map<string, Record<string, unknown>>();
  /** Each slice that came. */
  readonly slices: Rows[] = [];

  /** Takes the messages of a connection; those of other streams, and other answers, are passed over. */
  take(messages: readonly ServerMessage[], subscribeId?: number): this {
    for (const message of messages) {
      if (message.type === 'ok' && message.id === subscribeId && 'ch' in message) {
        this.ch = message.ch;
        this.epoch = message.epoch;
        this.position = message.from;
      } else if (message.type === 'rows' && message.ch === this.ch) this.#slice(message);
      else if (message.type === 'synced' && message.ch === this.ch) {
        this.synced += 1;
        if (message.to !== this.position) throw new Error(`synced to ${message.to} at ${this.position}`);
      }
    }
    return this;
  }

  /** By key. */
  get sorted(): [string, Record<string, unknown>][] {
    return [...this.rows].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  #slice(slice: Rows): void {
    this.slices.push(slice);
    const { from, to, epoch, reset, set = {}, patch = {}, unset = {}, delete: gone = [], drop = [] } = slice;
    if (reset) {
      if (from !== 0) throw new Error(`a reset from ${from}`);
      this.rows.clear();
      this.resets += 1;
      this.epoch = epoch ?? null;
      this.position = 0;
    }
    if (from !== this.position) throw new Error(`a slice from ${from} at ${this.position}`);
    if (from === 0 && epoch !== undefined) this.epoch = epoch;
    for (const [key, row] of Object.entries(set)) this.rows.set(key, { ...row });
    for (const [key, fields] of Object.entries(patch)) {
      const row = this.rows.get(key);
      if (row === undefined) throw new Error(`fields of the row ${key}, which is not here`);
      this.rows.set(key, { ...row, ...fields });
    }
    for (const [key, names] of Object.entries(unset)) for (const name of names) delete this.rows.get(key)?.[name];
    for (const key of [...gone, ...drop]) this.rows.delete(key);
    this.position = to;
  }
}
