// Trunkline for browsers: one connection, replicas that resume, publishes that are stored once.

export {
  type Amendment,
  BadNameError,
  type ErrorCode,
  type GapReason,
  type Outcome,
  type Reactions,
  TrunklineError,
} from '@trunkline/protocol';
export { connect } from './connect.js';
export type { FoundEntries, HistoryPage, PageRequest, Reached, SearchOptions, WithHistory } from './history.js';
export type {
  AnyApp,
  Channels,
  Connection,
  ConnectionSnapshot,
  ConnectionState,
  ConnectOptions,
  ExpiringToken,
  HandleOf,
  Line,
  LineProblem,
  Procedures,
  PublicUserOf,
  TokenSource,
  UntypedApp,
  UntypedContract,
  UntypedHandle,
} from './line.js';
export type {
  DeletedEntry,
  LogEntry,
  LogGap,
  LogHandle,
  LogInterest,
  LogSnapshot,
  LogState,
  PendingEntry,
  PresentEntry,
  PublishError,
  Published,
} from './log-handle.js';
export type { AllUnread, Reader, ReadersSnapshot, UnreadSnapshot, WithMarkers } from './markers.js';
export type { Clock, CloseInfo, Network, NetworkSignal, OpenSocket, Socket, SocketEvents } from './ports.js';
export type { Person, PresenceSnapshot, PresenceStore, WithPresence } from './presence.js';
export type { CallError, CallOptions, Procedure } from './procedure.js';
export type { SignalFrom, SignalOptions, SignalTypes, WithSignals } from './signals.js';
export type {
  ChangeCondition,
  Changed,
  RowChange,
  TableHandle,
  TableInterest,
  TableReader,
  TableSnapshot,
  TableState,
  TableStore,
  TableWriter,
} from './table-handle.js';
