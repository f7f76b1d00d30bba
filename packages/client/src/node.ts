// Node's entry: the same client on our own engine.

import type { AnyApp, ConnectOptions, Line } from './line.js';

/** `connect` of the browser entry, for Node: over the engine of `@trunkline/websocket`, with an absolute `url`. */
export function connect<App extends AnyApp = never>(url: string | URL, options?: ConnectOptions): Line<App> {
  throw new Error(`not yet: ${url} ${options}`);
}

export { BadNameError, type ErrorCode, type GapReason, type Outcome, TrunklineError } from '@trunkline/protocol';
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
  PublicUserOf,
  TokenSource,
  UntypedApp,
} from './line.js';
export type {
  LogEntry,
  LogGap,
  LogHandle,
  LogInterest,
  LogSnapshot,
  LogState,
  PendingEntry,
  PublishError,
  Published,
} from './log-handle.js';
export type { Clock, CloseInfo, Network, NetworkSignal, OpenSocket, Socket, SocketEvents } from './ports.js';
