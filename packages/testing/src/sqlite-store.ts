// The SQLite broker on a simulated disk: its own code from the port down to the tables, on threads of the simulator.

import type { Broker } from '@trunkline/broker';
import {
  type AmendDone,
  appendsOf,
  type Batch,
  type BurstDone,
  type ChangeDone,
  type OpenFile,
  PACKED,
  PACKED_ROW,
  SqliteBroker,
  type WorkerMessage,
  type WriterCall,
} from '@trunkline/broker-sqlite/parts';
import type { Journal } from './journal.js';
import type { Ledger } from './ledger.js';
import type { Machine } from './machine.js';
import type { MarkLedger } from './mark-ledger.js';
import type { Random } from './random.js';
import { SimulatedDisk } from './simulated-disk.js';
import { ReaderThread, WriterThread } from './simulated-threads.js';
import type { Simulator } from './simulator.js';
import type { Ending, Kept, Store, StoreWeather } from './store.js';
import type { NewStep, TableLedger } from './table-ledger.js';
import { tableOf } from './tables.js';

type StepCall = Extract<WriterCall, { type: 'change' | 'expire' }>;
type Answer = Extract<WorkerMessage, { type: 'answers' }>['answers'][number];
type Query = ReturnType<OpenFile['db']['query']>;
type AppendCall = Extract<WriterCall, { type: 'append' }>;
type AmendCall = Extract<WriterCall, { type: 'amend' }>;
interface AppendDone {
  readonly epoch: string;
  readonly from: number;
  readonly repeats: readonly (readonly [number, number, number])[];
}

export class SqliteStore implements Store {
  readonly weather: StoreWeather = { storeMs: [0.1, 4], broken: false, failing: false };
  readonly #disk: SimulatedDisk;
  /** By call: its appends, one or those of a burst. */
  readonly #appends = new Map<number, readonly AppendCall[]>();
  readonly #amends = new Map<number, AmendCall>();
  /** By call: steps of tables, and looks for rows that expired. */
  readonly #steps = new Map<number, StepCall>();
  #nowMs = 0;
  #floors: Query | undefined;
  #writer: WriterThread | undefined;
  #reader: ReaderThread | undefined;

  constructor(
    simulator: Simulator,
    private readonly random: Random,
    private readonly ledger: Ledger,
    private readonly tables: TableLedger,
    private readonly marks: MarkLedger,
    private readonly journal: Journal,
    private readonly tombstones: number,
  ) {
    this.#disk = new SimulatedDisk(simulator, random, this.weather);
  }

  open(machine: Machine): Broker {
    this.#appends.clear();
    this.#amends.clear();
    this.#steps.clear();
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
    const broker = new SqliteBroker(
      this.#disk.path,
      { nowMs: machine.nowMs, onFailure },
      {
        startThread,
        endOfTurn: machine.endOfTurn,
        after: machine.after,
        every: machine.every,
        randomEpoch: () => this.random.word(),
      },
    );
    const change = broker.change.bind(broker);
    broker.change = (stream, step, options) =>
      change(stream, step, { tombstones: { count: this.tombstones }, ...options });
    return broker;
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
      data: new Map(
        rows
          .map(([offset, data]) => [Number(offset), String(data)] as const)
          .filter(([offset]) => offset > Number(floor)),
      ),
    };
  }

  dispose(): void {
    this.ended('killed');
    this.#disk.dispose();
  }

  #called({ calls, nowMs }: Batch<WriterCall>): void {
    // A group is written by the clock of the batch that came last.
    this.#nowMs = nowMs;
    for (const { id, call } of calls) {
      if (call.type === 'change' || call.type === 'expire') this.#steps.set(id, call);
      if (call.type === 'amend') this.#amends.set(id, call);
      if (call.type === 'append') this.#appends.set(id, [call]);
      else if (call.type === 'burst') this.#appends.set(id, [...appendsOf(call)]);
    }
  }

  #turned(posted: readonly WorkerMessage[], durableMs: number): void {
    for (const message of posted) {
      if (message.type !== 'answers') continue;
      for (const answer of message.answers) {
        this.#took(answer, durableMs);
        this.#amended(answer, durableMs);
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
    let [epoch, count] = ['', 1];
    for (const word of done) {
      if (typeof word === 'string') {
        epoch = word;
        continue;
      }
      if (typeof word === 'number' && word < 0) {
        count = -word;
        continue;
      }
      for (let index = 0; index < count; index += 1) {
        const call = rest.next().value as AppendCall;
        if (typeof word === 'number') this.#committed(call, { epoch, from: word + index - 1, repeats: [] }, durableMs);
        else if ('refusal' in word) this.journal.count(`store: ${word.refusal.type}`);
        else this.journal.count('duplicates');
      }
      count = 1;
    }
  }

  #committed({ stream, entries }: AppendCall, { epoch, from, repeats }: AppendDone, durableMs: number): void {
    this.journal.count('duplicates', repeats.length);
    const repeated = new Set(repeats.map(([index]) => index));
    let offset = from;
    for (let base = 0; base < entries.length; base += PACKED) {
      if (repeated.has(base / PACKED)) continue;
      offset += 1;
      const [at, data, user, producer, seq] = entries.slice(base, base + PACKED);
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

  /** What became of an amendment. */
  #amended(answer: Answer, durableMs: number): void {
    const call = this.#amends.get(answer.id);
    this.#amends.delete(answer.id);
    if (call === undefined) return;
    if (!('done' in answer)) return this.journal.count(`store: ${answer.refusal.type}`);
    const { epoch, offset, at, duplicate, changed } = answer.done as AmendDone;
    if (duplicate) this.journal.count('duplicates');
    if (!changed) return;
    const { stream, data, state, user, source } = call;
    const { producer, seq } = source ?? { producer: undefined, seq: undefined };
    const amends = { offset: call.offset, state };
    this.ledger.committed({ stream, epoch, offset, at, data, user, producer, seq, durableMs, amends });
  }

  /** What became of a step of a table, or of a look for rows that expired. */
  #took(answer: Answer, durableMs: number): void {
    const call = this.#steps.get(answer.id);
    this.#steps.delete(answer.id);
    if (call === undefined) return;
    if (!('done' in answer)) return this.journal.count(`store: ${answer.refusal.type}`);
    if (call.type === 'expire') {
      for (const done of answer.done as readonly ChangeDone[])
        this.#stepped(done, { durableMs, expiredMs: this.#nowMs });
      return;
    }
    const done = answer.done as ChangeDone;
    this.marks.stepped(call.stream, call.step, durableMs);
    if (done.duplicate) this.journal.count('duplicates');
    else this.#stepped(done, { durableMs, source: call.source, asked: call.step });
  }

  #stepped(
    { stream, epoch, from, to, rows: packed, gone }: ChangeDone,
    more: Pick<NewStep, 'durableMs'> & Partial<NewStep>,
  ) {
    // Checkpoints of what a server has in its memory are the ledger's only when it is loaded.
    if (tableOf(stream)?.keep !== 'durable') return;
    const rows: { key: string; data: string }[] = [];
    for (let base = 0; base < packed.length; base += PACKED_ROW) {
      const [key, , , data] = packed.slice(base, base + PACKED_ROW);
      rows.push({ key: String(key), data: String(data) });
    }
    this.tables.stepped({ stream, epoch, from, to, rows, gone: gone.map((key) => ({ key })), ...more });
  }

  #lookAtFloors(): void {
    const rows = this.#floors?.rows([]) ?? [];
    for (const [name, floor] of rows) this.ledger.trimmed(String(name), Number(floor));
  }

  #recover({ db }: OpenFile): void {
    this.#floors = db.query("SELECT name, floor FROM streams WHERE kind = 'log'");
    const streams = db.query('SELECT name, epoch, head, floor, kind, id FROM streams').rows([]);
    const names = new Set(streams.map(([name]) => String(name)));
    this.ledger.vanished(this.ledger.streams.filter((stream) => !names.has(stream)));
    this.tables.vanished(names);
    const rowsOf = db.query('SELECT key, data FROM rows WHERE stream = ?');
    const marks: [string, string, string][] = [];
    for (const [name, epoch, head, floor, kind, id = 0] of streams) {
      const stream = String(name);
      if (kind === 'log') this.ledger.recovered(stream, String(epoch), Number(head), Number(floor));
      else if (tableOf(stream)?.keep === 'durable') {
        const rows = rowsOf.rows([id]).map(([key, data]) => [String(key), String(data)] as const);
        this.tables.recovered(stream, String(epoch), Number(head), Number(floor), rows);
      } else {
        for (const [key, data] of rowsOf.rows([id])) marks.push([stream, String(key), String(data)]);
      }
    }
    this.marks.recovered(marks);
  }
}
