// The writing thread: opens the file, and runs the writer's loop on this thread's messages and turns.

import { parentPort, workerData } from 'node:worker_threads';
import { SqliteBrokerError } from './errors.js';
import type { Batch, WorkerMessage, WorkerOptions, WriterCall } from './messages.js';
import { openFile } from './open-file.js';
import { WriterLoop } from './writer-loop.js';

const port = parentPort;
if (port === null) throw new Error('this file is the code of a worker thread');

function post(message: WorkerMessage): void {
  port?.postMessage(message);
}

try {
  const { path, maxFileBytes } = workerData as WorkerOptions;
  const loop = new WriterLoop(openFile(path, maxFileBytes), {
    post,
    nextTurn: (task) => setImmediate(task),
    elapsedMs: () => performance.now(),
    end: () => port.close(),
  });
  port.on('message', (batch: Batch<WriterCall>) => loop.receive(batch));
  post({ type: 'opened' });
} catch (error) {
  if (!(error instanceof SqliteBrokerError)) throw error;
  const { code, path, problem, advice } = error;
  post({ type: 'failed', code, path, problem, advice });
  port.close();
}
