// A thread of the store that ends when it is told to, between two of its tasks. `Worker.terminate` would also end it in the middle of the
// SQLite binding, which takes that for an error of its own and aborts the whole process.

import { workerData } from 'node:worker_threads';

const { file, end } = workerData.mortal;
end.on('message', () => process.exit(1));
// It does not keep a thread that has nothing left to do.
end.unref();
if (file === 'writer-worker.js') await import('../dist/writer-worker.js');
else await import('../dist/reader-worker.js');
