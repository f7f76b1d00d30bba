// The messages, codec, error codes and limits of Trunkline's wire protocol: shared by both ends, no I/O.

export { CLOSE, mayReconnect } from './close-codes.js';
export { decodeClient, decodeServer, encode, type Problem } from './codec.js';
export type {
  AppContract,
  ChannelContract,
  Contracted,
  ContractOf,
  LogContract,
  ParamRecord,
  ParamValues,
  TableContract,
} from './contract.js';
export { ERROR_CODES, type ErrorCode, type Outcome, TrunklineError } from './errors.js';
export type { JsonOnly, JsonValue, NonJsonPath, NotJson } from './json.js';
export {
  DEFAULT_LIMITS,
  type Limits,
  MAX_DATA_DEPTH,
  MAX_KEY_BYTES,
  MAX_SLICE_BYTES,
  MAX_UNACKNOWLEDGED,
  PRODUCER_MEMORY_MS,
  SEEN_BYTES,
  SEEN_LEAST_BYTES,
  SEEN_MS,
} from './limits.js';
export {
  type After,
  type Change,
  type ChangeOk,
  type ClientMessage,
  type ClientPing,
  type ClientPong,
  type Drain,
  type Ended,
  type Entries,
  type ErrorMessage,
  FEATURES,
  type Gap,
  type GapReason,
  type Goodbye,
  type Hello,
  type Item,
  type Ok,
  type PlainOk,
  PROTOCOL_VERSION,
  type Publish,
  type PublishOk,
  type Read,
  type ReadOk,
  type Refresh,
  type RefreshOk,
  type RequestId,
  type RowData,
  type Rows,
  type Seen,
  type ServerMessage,
  type ServerPing,
  type ServerPong,
  SUBPROTOCOL,
  type Subscribe,
  type SubscribeOk,
  type Synced,
  type Tune,
  type Unsubscribe,
  type Welcome,
} from './messages.js';
export {
  BadNameError,
  type Epoch,
  MAX_STREAM_NAME_BYTES,
  type Offset,
  type Position,
  parseStreamName,
  type StreamName,
  streamName,
} from './names.js';
export { utf8Bytes } from './utf8-bytes.js';
export { clientProblem, isChangeOk, isPublishOk, isReadOk, isSubscribeOk } from './validate.js';
