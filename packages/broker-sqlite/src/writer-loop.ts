// The writing thread's turns: gathers calls into groups, commits them, answers, and tidies up in between. An answer is posted
// after COMMIT has returned, never before. Knows no thread: writer-worker.ts is the thread around it.

import { sizeOf } from './bursts.js';
import { messageOf, type Query } from './database.js';
import { Filler } from './filler.js';
import type { Answer, Batch, WorkerMessage, WriterCall } from './messages.js';
import type { OpenFile } from './open-file.js';
import { Sweeper } from './sweeper.js';
import { rowsOf, Writer } from './writer.js';

/**
 * Entries of one transaction: about 6 ms of work. A group is what came while the one before was written, so only an overload makes it so large; then fewer
 * pages and wake-ups for each are what gets everybody through sooner.
 */
const GROUP_ROWS = 2_000;
/** Bytes of one transaction, estimated, unless a single call has more: large entries must not make everybody wait. */
const GROUP_BYTES = 4 * 1024 * 1024;
/** Written bytes, estimated, after which the WAL is copied into the database. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024;
/** What the WAL gets of a transaction however little it writes: whole pages, of a table each. Measured: three to four of 4 KiB for an entry or a row. */
const GROUP_COST_BYTES = 4 * 4_096;
/** Of a step that tidies up or fills an index: some milliseconds of work, which touches more of them. */
const STEP_COST_BYTES = 32 * 4_096;

/** The thread, as its loop sees it. */
export interface WriterPort {
  post(message: WorkerMessage): void;
  /** Runs `task` in the next turn, after what has arrived by then was taken in. */
  nextTurn(task: () => void): void;
  /** Milliseconds since some moment: measures how long something takes. */
  elapsedMs(): number;
  /** The last message was posted. */
  end(): void;
}

type Numbered = { readonly id: number; readonly call: WriterCall };

export class WriterLoop {
  readonly #file: OpenFile;
  readonly #port: WriterPort;
  readonly #writer: Writer;
  readonly #sweeper: Sweeper;
  readonly #filler: Filler;
  readonly #checkpoint: Query;
  readonly #truncate: Query;
  readonly #queue: Numbered[] = [];
  #sweeping: number[] = [];
  #nowMs = 0;
  #writtenBytes = 0;
  #isScheduled = false;

  constructor(file: OpenFile, port: WriterPort) {
    this.#file = file;
    this.#port = port;
    this.#writer = new Writer(file.db, () => port.elapsedMs());
    this.#sweeper = new Sweeper(file.db, this.#writer);
    this.#filler = new Filler(this.#writer);
    this.#checkpoint = file.db.query('PRAGMA wal_checkpoint(PASSIVE)');
    this.#truncate = file.db.query('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  receive({ nowMs, calls }: Batch<WriterCall>): void {
    this.#nowMs = nowMs;
    for (const numbered of calls) this.#queue.push(numbered);
    this.#soon();
  }

  // Between two turns the thread takes in what has arrived, so that the next group is as large as it can be.
  #soon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#port.nextTurn(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    const first = this.#queue[0]?.call.type;
    if (first === 'close') return this.#close();
    if (first === 'sweep') {
      this.#sweeper.begin();
      this.#sweeping.push(...this.#queue.splice(0, 1).map(({ id }) => id));
    } else if (first === 'index') this.#index();
    else if (first !== undefined) this.#writeGroup();
    this.#fill();
    this.#tidyUp();
    if (this.#queue.length > 0 || !this.#sweeper.idle || !this.#filler.idle) this.#soon();
  }

  #writeGroup(): void {
    const group = this.#takeGroup();
    const answers = this.#writer.group(group, this.#nowMs);
    const { committed } = this.#writer;
    this.#port.post({ type: 'answers', answers, ...(committed === undefined ? {} : { group: committed }) });
    if (group.some(({ call }) => call.type === 'remove')) this.#sweeper.removed();
  }

  /** Searches that came one behind the other. */
  #index(): void {
    const answers: Answer[] = [];
    for (let next = this.#queue[0]; next?.call.type === 'index'; next = this.#queue[0]) {
      this.#queue.shift();
      try {
        const answer = this.#filler.want(next.id, next.call);
        if (answer !== null) answers.push(answer);
      } catch (error) {
        answers.push({ id: next.id, refusal: { type: 'unavailable', reason: messageOf(error) } });
      }
    }
    this.#post(answers);
  }

  #fill(): void {
    if (this.#filler.idle) return;
    this.#writtenBytes += STEP_COST_BYTES;
    try {
      this.#post(this.#filler.step(() => this.#port.elapsedMs()));
    } catch (error) {
      this.#post(this.#filler.giveUp({ type: 'unavailable', reason: messageOf(error) }));
    }
  }

  #post(answers: readonly Answer[]): void {
    if (answers.length > 0) this.#port.post({ type: 'answers', answers });
  }

  #tidyUp(): void {
    try {
      if (!this.#sweeper.idle) {
        this.#writtenBytes += STEP_COST_BYTES;
        this.#sweeper.step(this.#nowMs, () => this.#port.elapsedMs());
      }
      if (this.#writtenBytes > CHECKPOINT_BYTES) {
        this.#checkpoint.row([]);
        this.#writtenBytes = 0;
      }
      if (!this.#sweeper.idle) return;
      if (this.#sweeping.length > 0) this.#emptyWal();
      this.#answerSweeps({ done: null });
    } catch (error) {
      // A full or broken disk: nothing is lost by leaving it for the next sweep.
      this.#sweeper.giveUp();
      this.#writtenBytes = 0;
      this.#answerSweeps({ refusal: { type: 'unavailable', reason: messageOf(error) } });
    }
  }

  /** Old pages in it may hold what was erased. If a reader is in the way the next sweep does it. */
  #emptyWal(): void {
    const { scrubber } = this.#sweeper;
    if (!scrubber.mustTruncate) return;
    const [busy] = this.#truncate.row([]) ?? [];
    scrubber.mustTruncate = busy !== 0;
    this.#writtenBytes = 0;
  }

  #close(): void {
    const id = this.#queue[0]?.id ?? 0;
    const { db, unlock } = this.#file;
    this.#answerSweeps({ done: null });
    this.#post(this.#filler.giveUp({ type: 'unavailable', reason: 'the broker was closed' }));
    try {
      db.value('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A full disk: what is in the WAL stays there, and is as durable.
    }
    db.close();
    unlock();
    this.#port.post({ type: 'answers', answers: [{ id, done: null }] });
    this.#port.end();
  }

  #takeGroup(): Numbered[] {
    let [rows, bytes, taken] = [0, 0, 0];
    for (const { call } of this.#queue) {
      if (call.type === 'sweep' || call.type === 'close' || call.type === 'index') break;
      const size = bytesOf(call);
      rows += rowsOf(call);
      if ((rows > GROUP_ROWS || bytes + size > GROUP_BYTES) && taken > 0) break;
      bytes += size;
      taken += 1;
    }
    this.#writtenBytes += GROUP_COST_BYTES + bytes;
    return this.#queue.splice(0, taken);
  }

  #answerSweeps(answer: { readonly done: null } | Pick<Extract<Answer, { refusal: unknown }>, 'refusal'>): void {
    if (this.#sweeping.length === 0) return;
    this.#port.post({ type: 'answers', answers: this.#sweeping.map((id) => ({ id, ...answer })) });
    this.#sweeping = [];
  }
}

/** About the bytes that will be written, of what is large as a rule. */
function bytesOf(call: WriterCall): number {
  if (call.type === 'burst') return sizeOf(call);
  if (call.type === 'amend') return call.data.length + call.state.length + 64;
  if (call.type === 'append') return textBytes(call.entries);
  return call.type === 'change' ? call.step.reduce((sum, row) => sum + textBytes(Object.values(row)), 0) : 0;
}

function textBytes(values: readonly unknown[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 16), 0);
}
