// The reader's part for the outbox: which logs wait, and the dead letters.

import type { DeadLetter, Waiting } from '@trunkline/broker';
import type { StreamName } from '@trunkline/protocol';
import type { Connection, Query, Row } from './database.js';
import { keyOf } from './key-text.js';
import { type OutboxCall, unpack } from './messages.js';

export class OutboxReader {
  readonly #waiting: Query;
  readonly #deadLetters: Query;
  readonly #count: Query;

  constructor(db: Connection) {
    this.#waiting = db.query(
      `SELECT name, epoch, outbox_done, head, 
         (SELECT at FROM entries WHERE stream = s.id AND offset > outbox_done ORDER BY offset LIMIT 1)
       FROM streams s WHERE outbox_done < head AND name > ? ORDER BY name LIMIT ?`,
    );
    this.#deadLetters = db.query(
      `SELECT id, stream, epoch, died_at, attempts, reason, amends, offset, at, data, user, producer, seq, owner
       FROM dead_letters WHERE id > ? ORDER BY id LIMIT ?`,
    );
    this.#count = db.query('SELECT count(*) FROM dead_letters');
  }

  answer(call: OutboxCall): readonly Waiting[] | readonly DeadLetter[] | number {
    switch (call.type) {
      case 'waiting':
        return this.#waiting.rows([call.after ?? '', call.limit]).map(waitingOf);
      case 'deadLetters':
        return this.#deadLetters.rows([call.after, call.limit]).map(deadLetterOf);
      case 'countDeadLetters':
        return Number(this.#count.row([])?.[0]);
    }
  }
}

function waitingOf([name, epoch, done, head, at]: Row): Waiting {
  const stream = keyOf(String(name)) as StreamName;
  return { stream, epoch: String(epoch), done: Number(done), head: Number(head), oldestAt: Number(at) };
}

function deadLetterOf([id, name, epoch, diedAt, attempts, reason, amends, offset, ...packed]: Row): DeadLetter {
  const entry = unpack([...packed], 0, Number(offset));
  return {
    id: Number(id),
    stream: keyOf(String(name)) as StreamName,
    epoch: String(epoch),
    entry: typeof amends === 'number' ? { ...entry, amends: { offset: amends } } : entry,
    diedAt: Number(diedAt),
    attempts: Number(attempts),
    reason: String(reason),
  };
}
