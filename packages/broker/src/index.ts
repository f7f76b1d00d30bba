// The broker port, its errors and the memory broker.

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
  StreamState,
  Watch,
} from './broker.js';
export {
  BrokerError,
  BrokerUnavailableError,
  FencedError,
  OutOfOrderError,
  UnrecoverablePositionError,
} from './errors.js';
