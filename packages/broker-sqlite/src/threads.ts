// The two threads of a broker: one writes, and another reads from when the writer has opened the file. Each is started again when it dies.

import { type BrokerHealth, BrokerUnavailableError } from '@trunkline/broker';
import { KeptThread, type ThreadEvents } from './kept-thread.js';
import type { Group, ReaderCall, WorkerOptions, WriterCall } from './messages.js';
import type { Surroundings } from './surroundings.js';
import { WorkerLink } from './worker-link.js';

export interface ThreadsOptions extends WorkerOptions {
  readonly nowMs: () => number;
  readonly onFailure: (error: Error) => void;
  readonly onGroup: ((group: Group) => void) | undefined;
  /**
   * A writer died: what it had stored is there, and nobody may have been told of it. Called before the next one begins, so nothing that is told
   * then is old. If it rejects it is called again when there is a reader again.
   */
  readonly tellStored: () => Promise<void>;
}

export class Threads {
  readonly writer: KeptThread<WriterCall>;
  readonly #reader: Promise<KeptThread<ReaderCall>>;
  readonly #tellStored: () => Promise<void>;
  #readerHealth = (): BrokerHealth => 'starting';
  #hasUntold = false;

  constructor({ nowMs, onFailure, onGroup, tellStored, ...worker }: ThreadsOptions, surroundings: Surroundings) {
    const { after } = surroundings;
    this.#tellStored = tellStored;
    const died: ThreadEvents['died'] = (error, againInMs) => {
      const next = againInMs === undefined ? 'it is not started again' : `it is started again in ${againInMs} ms`;
      onFailure(new Error(`${error.message}: ${next}`, { cause: error }));
    };
    const startWriter = (failed: (error: Error) => void) =>
      new WorkerLink<WriterCall>('writer-worker.js', worker, surroundings, nowMs, failed, onGroup);
    const startReader = (failed: (error: Error) => void) =>
      new WorkerLink<ReaderCall>('reader-worker.js', worker, surroundings, nowMs, failed);
    this.writer = new KeptThread(startWriter, after, { died, gone: () => this.#tell() });
    this.#reader = this.writer.opened.then(async () => {
      const opened = () => void (this.#hasUntold && this.#tell());
      const reader = new KeptThread(startReader, after, { died, opened });
      this.#readerHealth = () => reader.health;
      await reader.opened;
      return reader;
    });
    // Whoever calls learns of it.
    this.#reader.catch(() => {});
  }

  get health(): BrokerHealth {
    const both = [this.writer.health, this.#readerHealth()];
    if (both.includes('failed')) return 'failed';
    return both.includes('starting') ? 'starting' : 'ready';
  }

  /** Resolves when both are open, rejects with what prevents it. */
  async ready(): Promise<void> {
    const reader = await this.#reader;
    await Promise.all([this.writer.opened, reader.opened]);
  }

  /** @throws BrokerUnavailableError if the file could not be opened */
  async reader(): Promise<KeptThread<ReaderCall>> {
    try {
      return await this.#reader;
    } catch (cause) {
      throw new BrokerUnavailableError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }

  /** @param read resolves when what was asked of the reader is answered */
  async close(read: () => Promise<unknown>): Promise<void> {
    const reader = await this.#reader.catch(() => undefined);
    await read();
    await reader?.close({ type: 'close' });
    await this.writer.close({ type: 'close' });
  }

  async #tell(): Promise<void> {
    this.#hasUntold = true;
    try {
      await this.#tellStored();
      this.#hasUntold = false;
    } catch {
      // The reader is down too; or the broker was closed, and nobody is to be told.
    }
  }
}
