// Tables that change too often to be stored each time: served from this process's memory, and what changed is written to the durable
// broker every so often, the newest value of each row, as one step of the table. A crash takes back what was not written yet, so a table
// that is loaded has another history: the memory gives it an epoch of its own, and readers begin anew.

import {
  type Broker,
  BrokerUnavailableError,
  type ChangeOptions,
  type ChangeResult,
  memoryBroker,
  type Row,
  type RowChange,
  type RowsPage,
  type Tables,
} from '@trunkline/broker';
import type { Epoch, StreamName } from '@trunkline/protocol';
import type { Clock, Log } from './ports.js';
import { readTable } from './read-table.js';

const PAGE = { entries: 5_000 };
/** How many rows there may be is the memory's business. */
const ANY_ROWS: ChangeOptions = { maxRows: Number.MAX_SAFE_INTEGER };

export interface CheckpointOptions {
  /** Where the rows are kept. Not closed by this. */
  readonly durable: Broker;
  readonly clock: Clock;
  readonly log: Log;
  readonly randomEpoch: () => Epoch;
  /** A change is written at most this long after it was made, in milliseconds, if the store is well. */
  readonly everyMs: number;
}

/** A table that was loaded. */
interface Kept {
  readonly loaded: Promise<void>;
  /** Keys of rows that are not what the store has. */
  dirty: Set<string>;
  /** Ends when what was dirty at its beginning is written, or could not be. */
  writing: Promise<void> | null;
}

/** What tables are served from. */
export type TableBroker = Tables & Pick<Broker, 'lookup' | 'watch'>;

export class CheckpointBroker implements TableBroker {
  readonly #options: CheckpointOptions;
  readonly #memory: Broker;
  readonly #tables = new Map<StreamName, Kept>();
  #cancel: (() => void) | null = null;
  #isClosed = false;

  constructor(options: CheckpointOptions) {
    this.#options = options;
    this.#memory = memoryBroker({ nowMs: () => options.clock.nowMs(), randomEpoch: options.randomEpoch });
  }

  async change(name: StreamName, step: readonly RowChange[], options?: ChangeOptions): Promise<ChangeResult> {
    const table = await this.#open(name);
    // While the last step is written a row may still be read, for that very step, but no more be changed.
    if (this.#isClosed) throw new BrokerUnavailableError('the tables were closed');
    const changed = this.#memory.change(name, step, options);
    // In the same breath, or a checkpoint that begins now would write a part of the step. Also those that only got another expiry, of
    // which watches hear nothing.
    for (const { key } of step) this.#touch(table, key);
    return changed;
  }

  readonly readRows: Broker['readRows'] = async (name, ...rest): Promise<RowsPage> => {
    await this.#open(name);
    return this.#memory.readRows(name, ...rest);
  };

  async readRow(name: StreamName, key: string): Promise<Row | null> {
    await this.#open(name);
    return this.#memory.readRow(name, key);
  }

  readonly lookup: Broker['lookup'] = async (name, source) => {
    await this.#open(name);
    return this.#memory.lookup(name, source);
  };

  readonly watch: Broker['watch'] = async (name, onAdvance) => {
    await this.#open(name);
    return this.#memory.watch(name, onAdvance);
  };

  expire(): Promise<void> {
    return this.#memory.expire();
  }

  /** Writes all that is not written yet. What cannot be written is told to the log, and tried again. Never rejects. */
  async checkpoint(): Promise<void> {
    this.#cancel?.();
    this.#cancel = null;
    await Promise.all([...this.#tables].map(([name, table]) => this.#write(name, table)));
  }

  /** Writes what is not written yet, once. From then on nothing can be changed. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.checkpoint();
    await this.#memory.close();
  }

  async #open(name: StreamName): Promise<Kept> {
    let table = this.#tables.get(name);
    if (table === undefined) {
      table = { loaded: this.#load(name), dirty: new Set(), writing: null };
      this.#tables.set(name, table);
      // The next call tries again.
      table.loaded.catch(() => this.#tables.delete(name));
    }
    await table.loaded;
    return table;
  }

  async #load(name: StreamName): Promise<void> {
    const begin = () => {
      const whole = new Map<string, Row>();
      const add = ({ rows, gone }: RowsPage) => {
        for (const { key } of gone) whole.delete(key);
        for (const row of rows) whole.set(row.key, row);
      };
      return { whole, add };
    };
    const read = await readTable(this.#options.durable, name, PAGE, begin);
    const step = [...(read?.whole.values() ?? [])].map(setOf);
    if (step.length > 0) await this.#memory.change(name, step, ANY_ROWS);
    // Rows that expire are gone without a call.
    await this.#memory.watch(name, ({ rows = [], gone = [] }) => {
      const table = this.#tables.get(name);
      if (table !== undefined) for (const { key } of [...rows, ...gone]) this.#touch(table, key);
    });
  }

  #touch(table: Kept, key: string): void {
    table.dirty.add(key);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isClosed) return;
    this.#cancel ??= this.#options.clock.after(this.#options.everyMs, () => void this.checkpoint());
  }

  async #write(name: StreamName, table: Kept): Promise<void> {
    // One step after the other, or an older value could win.
    while (table.writing !== null) await table.writing;
    if (table.dirty.size === 0) return;
    table.writing = this.#writeDirty(name, table).finally(() => {
      table.writing = null;
    });
    await table.writing;
  }

  async #writeDirty(name: StreamName, table: Kept): Promise<void> {
    const keys = [...table.dirty];
    table.dirty = new Set();
    try {
      // Asked for in one go: all values are of one moment.
      const rows = await Promise.all(keys.map((key) => this.#memory.readRow(name, key)));
      const step = keys.map((key, index): RowChange => {
        const row = rows[index];
        return row ? setOf(row) : { key, delete: true };
      });
      await this.#options.durable.change(name, step, ANY_ROWS);
    } catch (error) {
      for (const key of keys) table.dirty.add(key);
      this.#options.log.error({ error, stream: name, rows: keys.length }, 'changed rows could not be written');
      this.#schedule();
    }
  }
}

function setOf({ key, data, expiresAt }: Row): RowChange {
  return { key, set: data, ...(expiresAt === undefined ? {} : { expiresAt }) };
}
