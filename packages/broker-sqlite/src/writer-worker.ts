// The writing thread: gathers calls into groups, commits them, answers, and tidies up in between. An answer is posted
// after COMMIT has returned, never before.

import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from './database.js';
import { SqliteBrokerError } from './errors.js';
import {
  type Answer,
  type Batch,
  PACKED,
  type WorkerMessage,
  type WorkerOptions,
  type WriterCall,
} from './messages.js';
import { type OpenFile, openFile } from './open-file.js';
import { Sweeper } from './sweeper.js';
import { Writer } from './writer.js';

/** Entries of one transaction. Larger groups gain little, and every append in one waits for all of it. */
const GROUP_ROWS = 500;
/** Written bytes, estimated, after which the WAL is copied into the database. */
const CHECKPOINT_BYTES = 4 * 1024 * 1024;

const port = parentPort;
if (port === null) throw new Error('this file is the code of a worker thread');

const queue: { readonly id: number; readonly call: WriterCall }[] = [];
let sweeping: number[] = [];
let nowMs = 0;
let writtenBytes = 0;
let scheduled = false;

function post(message: WorkerMessage): void {
  port?.postMessage(message);
}

function run({ db, unlock }: OpenFile): void {
  const writer = new Writer(db, () => performance.now());
  const sweeper = new Sweeper(db, writer);
  const checkpoint = db.query('PRAGMA wal_checkpoint(PASSIVE)');

  port?.on('message', (batch: Batch<WriterCall>) => {
    nowMs = batch.nowMs;
    for (const numbered of batch.calls) queue.push(numbered);
    soon();
  });

  // Between two turns the thread takes in what has arrived, so that the next group is as large as it can be.
  function soon(): void {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      turn();
    });
  }

  function turn(): void {
    const first = queue[0]?.call.type;
    if (first === 'close') return close();
    if (first === 'sweep') {
      sweeper.begin();
      sweeping.push(...queue.splice(0, 1).map(({ id }) => id));
    } else if (first !== undefined) writeGroup();
    tidyUp();
    if (queue.length > 0 || !sweeper.idle) soon();
  }

  function writeGroup(): void {
    const group = takeGroup();
    const answers = writer.group(group, nowMs);
    post({ type: 'answers', answers, ...(writer.committed === undefined ? {} : { group: writer.committed }) });
    if (group.some(({ call }) => call.type === 'remove')) sweeper.removed();
  }

  function tidyUp(): void {
    try {
      if (!sweeper.idle) sweeper.step(nowMs, () => performance.now());
      if (writtenBytes > CHECKPOINT_BYTES) {
        checkpoint.row([]);
        writtenBytes = 0;
      }
      if (sweeper.idle) answerSweeps({ done: null });
    } catch (error) {
      // A full or broken disk: nothing is lost by leaving it for the next sweep.
      sweeper.giveUp();
      writtenBytes = 0;
      answerSweeps({ refusal: { type: 'unavailable', reason: messageOf(error) } });
    }
  }

  function close(): void {
    const id = queue[0]?.id ?? 0;
    answerSweeps({ done: null });
    try {
      db.value('PRAGMA wal_checkpoint(TRUNCATE)');
    } catch {
      // A full disk: what is in the WAL stays there, and is as durable.
    }
    db.close();
    unlock();
    post({ type: 'answers', answers: [{ id, done: null }] });
    port?.close();
  }
}

function takeGroup(): { readonly id: number; readonly call: WriterCall }[] {
  let rows = 0;
  let taken = 0;
  for (const { call } of queue) {
    if (call.type === 'sweep' || call.type === 'close') break;
    if (call.type === 'append') {
      rows += call.entries.length / PACKED;
      if (rows > GROUP_ROWS && taken > 0) break;
      for (const value of call.entries) writtenBytes += typeof value === 'string' ? value.length : 16;
    }
    taken += 1;
  }
  return queue.splice(0, taken);
}

function answerSweeps(answer: { readonly done: null } | Pick<Extract<Answer, { refusal: unknown }>, 'refusal'>): void {
  if (sweeping.length === 0) return;
  post({ type: 'answers', answers: sweeping.map((id) => ({ id, ...answer })) });
  sweeping = [];
}

try {
  const { path, maxFileBytes } = workerData as WorkerOptions;
  run(openFile(path, maxFileBytes));
  post({ type: 'opened' });
} catch (error) {
  if (!(error instanceof SqliteBrokerError)) throw error;
  const { code, path, problem, advice } = error;
  post({ type: 'failed', code, path, problem, advice });
  port.close();
}
