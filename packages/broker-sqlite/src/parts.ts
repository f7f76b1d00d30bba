// The broker's parts, for who runs them on other threads, another disk and another clock: the simulation of this repository.
// Not for applications; it may change with any version.

export { appendsOf, type BurstDone } from './bursts.js';
export { Connection } from './database.js';
export {
  type AmendDone,
  type Batch,
  type ChangeDone,
  PACKED,
  PACKED_ROW,
  type ReaderCall,
  type WorkerMessage,
  type WorkerOptions,
  type WriterCall,
} from './messages.js';
export { type OpenFile, openFile } from './open-file.js';
export { ReaderLoop, type ReaderPort } from './reader-loop.js';
export { SqliteBroker } from './sqlite-broker.js';
export type { Surroundings, Thread, ThreadFile } from './surroundings.js';
export { WriterLoop, type WriterPort } from './writer-loop.js';
