// The SQLite broker on a simulated disk: its own code from the port down to the tables, on threads of the simulator.

import type { Broker } from '@trunkline/broker';
import {
  appendsOf,
  type Batch,
  type BurstDone,
  type OpenFile,
  SqliteBroker,
  type WorkerMessage,
  type WriterCall,
} from '@trunkline/broker-sqlite/parts';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import { SimulatedDisk } from './simulated-disk.js';
import { ReaderThread, WriterThread } from './simulated-threads.js';
import type { Simulator } from './simulator.js';
import type { Ending, Kept, Store, StoreWeather } from './store.js';

/** `at, data, user, producer, seq` of each entry of an append. */
const FIELDS = 5;

type AppendCall = Extract<WriterCall, { type: 'append' }>;
interface AppendDone {
  readonly epoch: string;
  readonly from: number;
  readonly repeats: readonly (readonly [number, number, number])[];
}

export class SqliteStore implements Store {
  readonly weather: StoreWeather = { storeMs: [0.1, 4], broken: false };
  readonly #disk: SimulatedDisk;
  /** By call: its appends, one or those of a burst. */
  readonly #appends = new Map<number, readonly AppendCall[]>();
  #writer: WriterThread | undefined;
  #reader: ReaderThread | undefined;

  constructor(
    simulator: Simulator,
    private readonly random: Random,
    private readonly ledger: Ledger,
    private readonly journal: Journal,
  ) {
    this.#disk = new SimulatedDisk(simulator, random, this.weather);
  }

  open(machine: Machine): Broker {
    this.#appends.clear();
    const parts = [machine, this.#disk, this.random] as const;
    const startThread = (name: string, options: { path: string }) => {
      if (name === 'reader-worker.js') {
        this.#reader = new ReaderThread(options, ...parts);
        return this.#reader;
      }
      this.#writer = new WriterThread(
        options,
        parts,
        (file) => this.#recover(file),
        (batch) => this.#called(batch),
        (posted, durableMs) => this.#turned(posted, durableMs),
      );
      return this.#writer;
    };
    const onFailure = (error: Error) => this.journal.broken('the store works', error.message);
    return new SqliteBroker(
      this.#disk.path,
      { nowMs: machine.nowMs, onFailure },
      { startThread, endOfTurn: machine.endOfTurn, every: machine.every, randomEpoch: () => this.random.word() },
    );
  }

  ended(how: Ending): void {
    if (how === 'stopped') return;
    this.#disk.cut(how, () => {
      this.#reader?.close();
      this.#writer?.file?.db.close();
      this.#writer?.file?.unlock();
    });
    this.#writer = undefined;
  }

  kept(stream: string): Kept | null {
    const file = this.#writer?.file;
    const row = file?.db.query('SELECT id, epoch, head, floor FROM streams WHERE name = ?').row([stream]);
    if (file === undefined || row === undefined) return null;
    const [id = 0, epoch, head, floor] = row;
    const rows = file.db.query('SELECT offset, data FROM entries WHERE stream = ? ORDER BY offset').rows([id]);
    return {
      epoch: String(epoch),
      head: Number(head),
      floor: Number(floor),
      data: rows.filter(([offset]) => Number(offset) > Number(floor)).map(([, data]) => String(data)),
    };
  }

  dispose(): void {
    this.ended('killed');
    this.#disk.dispose();
  }

  #called({ calls }: Batch<WriterCall>): void {
    for (const { id, call } of calls) {
      if (call.type === 'append') this.#appends.set(id, [call]);
      else if (call.type === 'burst') this.#appends.set(id, [...appendsOf(call)]);
    }
  }

  #turned(posted: readonly WorkerMessage[], durableMs: number): void {
    for (const message of posted) {
      if (message.type !== 'answers') continue;
      for (const answer of message.answers) {
        const calls = this.#appends.get(answer.id);
        this.#appends.delete(answer.id);
        if (calls === undefined) continue;
        if (!('done' in answer)) this.journal.count(`store: ${answer.refusal.type}`, calls.length);
        else if (Array.isArray(answer.done)) this.#burst(calls, answer.done as BurstDone, durableMs);
        else this.#committed(calls[0] as AppendCall, answer.done as AppendDone, durableMs);
      }
    }
    this.#lookAtFloors();
  }

  /** What became of each append of a burst. */
  #burst(calls: readonly AppendCall[], done: BurstDone, durableMs: number): void {
    const rest = calls.values();
    let epoch = '';
    for (const word of done) {
      if (typeof word === 'string') {
        epoch = word;
        continue;
      }
      const call = rest.next().value as AppendCall;
      if (typeof word === 'number') this.#committed(call, { epoch, from: word - 1, repeats: [] }, durableMs);
      else if ('refusal' in word) this.journal.count(`store: ${word.refusal.type}`);
      else this.journal.count('duplicates');
    }
  }

  #committed({ stream, entries }: AppendCall, { epoch, from, repeats }: AppendDone, durableMs: number): void {
    this.journal.count('duplicates', repeats.length);
    const repeated = new Set(repeats.map(([index]) => index));
    let offset = from;
    for (let base = 0; base < entries.length; base += FIELDS) {
      if (repeated.has(base / FIELDS)) continue;
      offset += 1;
      const [at, data, user, producer, seq] = entries.slice(base, base + FIELDS);
      this.ledger.committed({
        stream,
        epoch,
        offset,
        at: Number(at),
        data: String(data),
        user: user as string | null,
        producer: producer === null ? undefined : String(producer),
        seq: seq === null ? undefined : Number(seq),
        durableMs,
      });
    }
  }

  #lookAtFloors(): void {
    const rows = this.#writer?.file?.db.query('SELECT name, floor FROM streams').rows([]) ?? [];
    for (const [name, floor] of rows) this.ledger.trimmed(String(name), Number(floor));
  }

  #recover({ db }: OpenFile): void {
    const rows = db.query('SELECT name, epoch, head, floor FROM streams').rows([]);
    const names = new Set(rows.map(([name]) => String(name)));
    this.ledger.vanished(this.ledger.streams.filter((stream) => !names.has(stream)));
    for (const [name, epoch, head, floor] of rows) {
      this.ledger.recovered(String(name), String(epoch), Number(head), Number(floor));
    }
  }
}
