// The load process of `echo`. Each connection sends a batch of messages in one chunk, and the next when all of it is back; what comes
// back is compared byte by byte with what is due, so no frame is parsed here. Started by bench.mjs with its plan as JSON.

import { runBatchLoad } from '../lib/batch-load.mjs';
import { failLoad } from '../lib/load-process.mjs';
import { makeBatches } from './batches.mjs';
import { EchoSocket } from './echo-socket.mjs';

/** @typedef {import('../lib/batch-load.mjs').BatchPlan & { payloadBytes: number, isBinary: boolean }} Plan */
/** @typedef {import('../lib/batch-load.mjs').BatchOutcome} Outcome */

const plan = /** @type {Plan} */ (JSON.parse(process.argv[2] ?? ''));
const batches = makeBatches(plan);
const fail = (/** @type {Error} */ error) => failLoad(plan.system, error);

await runBatchLoad(
  plan,
  (index, answered) => EchoSocket.open({ port: plan.port, batches, index, answered, failed: fail }),
  fail,
);
