// The reading thread's work: a connection of its own to the file, and an answer to each call. Knows no thread.

import { Connection, messageOf } from './database.js';
import type { Answer, Batch, ReaderCall, WorkerMessage, WorkerOptions } from './messages.js';
import { Reader } from './reader.js';

/** The thread, as its loop sees it. */
export interface ReaderPort {
  post(message: WorkerMessage): void;
  /** The last message was posted. */
  end(): void;
}

export class ReaderLoop {
  readonly #db: Connection;
  readonly #reader: Reader;
  readonly #port: ReaderPort;

  constructor({ path }: WorkerOptions, port: ReaderPort) {
    this.#port = port;
    this.#db = new Connection(path);
    this.#db.exec('PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;');
    this.#reader = new Reader(this.#db);
  }

  receive({ nowMs, calls }: Batch<ReaderCall>): void {
    const answers: Answer[] = [];
    for (const { id, call } of calls) {
      if (call.type === 'close') {
        this.#db.close();
        answers.push({ id, done: null });
        this.#port.end();
        break;
      }
      try {
        answers.push({ id, ...this.#reader.answer(call, nowMs) });
      } catch (error) {
        answers.push({ id, refusal: { type: 'unavailable', reason: messageOf(error) } });
      }
    }
    this.#port.post({ type: 'answers', answers });
  }
}
