// The broker port, its errors, the memory broker, and what brokers of other packages share with it.

export type { Amendment, Amendments, AmendResult, Amends, EntryState, Tail } from './amendments.js';
export type {
  Advance,
  Appended,
  AppendOptions,
  AppendResult,
  Broker,
  Entry,
  Lease,
  NewEntry,
  Page,
  PageLimit,
  ProducerSeq,
  Retention,
  Seek,
  StreamState,
  Watch,
} from './broker.js';
export {
  checkAmend,
  checkAppend,
  checkLimit,
  checkResult,
  checkSource,
  checkTail,
  checkTime,
  checkTtl,
  isStorable,
  MAX_PRODUCER_LENGTH,
} from './check-arguments.js';
export { checkChange, MAX_KEY_BYTES } from './check-change.js';
export { entryBytes, keptBytes } from './entry-bytes.js';
export {
  AmendConflictError,
  BrokerError,
  BrokerUnavailableError,
  FencedError,
  IndexingError,
  OutOfOrderError,
  RowConflictError,
  TableFullError,
  UnrecoverablePositionError,
  WrongKindError,
} from './errors.js';
export { type BrokerHealth, type ReportsHealth, reportsHealth } from './health.js';
export { Leases } from './leases.js';
export { type MemoryBrokerOptions, memoryBroker } from './memory-broker.js';
export { type Opens, opens } from './opens.js';
export {
  checkDeath,
  type DeadLetter,
  type Death,
  hasOutbox,
  MAX_REASON_LENGTH,
  type Outbox,
  type OutboxNews,
  type Waiting,
} from './outbox.js';
export { randomEpoch } from './random-epoch.js';
export { lastOffsetWithin } from './record-count.js';
export type { CallState, KnownCall, Results } from './results.js';
export { changedRow, fieldsOf, rowBytes, rowText } from './row-text.js';
export { type OpenRun, type RunEntry, type Runs, type RunTold, runsOf } from './runs.js';
export { canSearch, checkSearch, isFound, type Search, type SearchPage, type SearchQuery, wordsIn } from './search.js';
export { hasSignals, SignalBoard, type Signals } from './signals.js';
export {
  type ChangeOptions,
  type ChangeResult,
  DEFAULT_MAX_ROWS,
  DEFAULT_TOMBSTONES,
  type Row,
  type RowChange,
  type RowDelete,
  type RowPatch,
  type RowSet,
  type RowsPage,
  type Tables,
  type Tombstone,
} from './table.js';
export { Watchers } from './watchers.js';
export { MAX_WORD_LENGTH, wordsOf } from './words.js';
