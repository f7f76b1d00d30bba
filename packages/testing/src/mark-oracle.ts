// Judges what a server says of read marks and unread counts on one connection, at the moment in which it says it.

import type { Follow, Mark, Rows, Unfollow } from '@trunkline/protocol';
import type { Journal } from './journal.js';
import type { MarkLedger } from './mark-ledger.js';

export class MarkOracle {
  /** @param isRevoked whether the connection's user was told to have lost the right to this log, and has it not back */
  constructor(
    private readonly name: string,
    private readonly ledger: MarkLedger,
    private readonly journal: Journal,
    private readonly isRevoked: (log: string) => boolean,
  ) {}

  asked(mark: Mark, user: string): void {
    this.ledger.asked(mark, user);
  }

  answered(request: Mark | Follow | Unfollow, user: string, askedMs: number): void {
    const { type, stream } = request;
    if (type === 'mark') return this.ledger.marked(request, user);
    this.ledger.turned(stream, user, type === 'unfollow', askedMs);
  }

  /** A slice of any table. */
  rows(stream: string, { set = {}, patch = {} }: Rows): void {
    const [log = '', side = ''] = stream.split(':');
    if (side === 'markers') {
      if (this.isRevoked(log)) this.#broken('SUB-9', `${stream} is served after ${log} was revoked`);
      this.ledger.told(log, set);
      this.ledger.told(log, patch);
    }
    if (!side.startsWith('unread/')) return;
    const barred = [...Object.keys(set), ...Object.keys(patch)].find(this.isRevoked);
    if (barred !== undefined) this.#broken('MRK-5', `a count of ${barred}, after it was revoked`);
  }

  #broken(promise: string, what: string): void {
    this.journal.broken(promise, `to ${this.name}: ${what}`);
  }
}
