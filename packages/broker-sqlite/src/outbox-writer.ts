// The writer's part for the outbox: moves the cursors of logs on, and keeps what nobody could be told of. A log's cursor is set by the
// append that puts it there (writer.ts), in the same transaction.

import type { Command, Connection, Query } from './database.js';
import type { SettleCall } from './messages.js';
import type { StreamRegister } from './stream-register.js';

export class OutboxWriter {
  readonly #streams: StreamRegister;
  readonly #bury: Command;
  readonly #next: Query;
  readonly #forget: Query;

  constructor(db: Connection, streams: StreamRegister) {
    this.#streams = streams;
    this.#bury = db.command(
      `INSERT INTO dead_letters (stream, epoch, offset, at, user, producer, seq, data, owner, amends, died_at, attempts, reason)
       SELECT ?, ?, e.offset, e.at, e.user, p.producer, e.seq, e.data, e.owner, e.amends, ?, ?, ?
       FROM entries e LEFT JOIN producers p ON p.id = e.producer WHERE e.stream = ? AND e.offset = ?`,
    );
    this.#next = db.query('SELECT offset FROM entries WHERE stream = ? AND offset > ? ORDER BY offset LIMIT 1');
    this.#forget = db.query('DELETE FROM dead_letters WHERE id = ? RETURNING id');
  }

  settle({ stream: name, epoch, offset, death }: SettleCall): void {
    const stream = this.#streams.find(name);
    if (stream === undefined || stream.outboxDone === null || stream.epoch !== epoch) return;
    const to = Math.min(offset, stream.head);
    if (to <= stream.outboxDone) return;
    if (death !== undefined) {
      if (offset > stream.head) return;
      // A record that says nothing any more may have been erased meanwhile, and then is not buried.
      const next = Number(this.#next.row([stream.id, stream.outboxDone])?.[0]);
      if (next < offset) return;
      const { diedAt, attempts, reason } = death;
      this.#bury.run([name, epoch, diedAt, attempts, reason, stream.id, offset]);
    }
    stream.outboxDone = to;
    // What was kept for this alone is trimmed with the group.
    this.#streams.changed(stream);
  }

  /** Whether there was one. */
  forget(id: number): boolean {
    return this.#forget.row([id]) !== undefined;
  }
}
