// The reading thread. It is started when the writer has opened the file, and sees all that is committed.

import { parentPort, workerData } from 'node:worker_threads';
import { Connection, messageOf } from './database.js';
import type { Answer, Batch, ReaderCall, WorkerMessage, WorkerOptions } from './messages.js';
import { Reader } from './reader.js';

const port = parentPort;
if (port === null) throw new Error('this file is the code of a worker thread');

const db = new Connection((workerData as WorkerOptions).path);
db.exec('PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;');
const reader = new Reader(db);

function post(message: WorkerMessage): void {
  port?.postMessage(message);
}

port.on('message', ({ calls }: Batch<ReaderCall>) => {
  const answers: Answer[] = [];
  for (const { id, call } of calls) {
    if (call.type === 'close') {
      db.close();
      answers.push({ id, done: null });
      port.close();
      break;
    }
    try {
      answers.push({ id, ...reader.answer(call) });
    } catch (error) {
      answers.push({ id, refusal: { type: 'unavailable', reason: messageOf(error) } });
    }
  }
  post({ type: 'answers', answers });
});
post({ type: 'opened' });
