// The reading thread. It is started when the writer has opened the file, and sees all that is committed.

import { parentPort, workerData } from 'node:worker_threads';
import type { Batch, ReaderCall, WorkerMessage, WorkerOptions } from './messages.js';
import { ReaderLoop } from './reader-loop.js';

const port = parentPort;
if (port === null) throw new Error('this file is the code of a worker thread');

function post(message: WorkerMessage): void {
  port?.postMessage(message);
}

const loop = new ReaderLoop(workerData as WorkerOptions, { post, end: () => port.close() });
port.on('message', (batch: Batch<ReaderCall>) => loop.receive(batch));
post({ type: 'opened' });
