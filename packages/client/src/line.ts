// The line: one connection and the handles of its channels, typed by the server's app.

import type {
  Amendment,
  AmendOf,
  AppContract,
  ChannelContract,
  Contracted,
  ContractOf,
  LogContract,
  ParamValues,
  ProcedureContract,
  TableContract,
} from '@trunkline/protocol';
import type { WithHistory } from './history.js';
import type { LogEntry, LogHandle } from './log-handle.js';
import type { AllUnread, WithMarkers } from './markers.js';
import type { Clock, CloseInfo, Network, OpenSocket } from './ports.js';
import type { WithPresence } from './presence.js';
import type { Procedure } from './procedure.js';
import type { SignalTypes, WithSignals } from './signals.js';
import type { TableHandle, TableStore } from './table-handle.js';

/** Anything that can be `App`: what the server's `typeof app` is, whatever else it has. */
export type AnyApp = Contracted<object>;

/** An app whose definitions are not known: for tools. Every channel has an `UntypedHandle`, called by any text; so is every procedure. */
export type UntypedApp = Contracted<{
  readonly channels: Readonly<Record<string, UntypedContract>>;
  readonly procedures: Readonly<Record<string, ProcedureContract>>;
  readonly publicUser: unknown;
}>;

/** What is known of a channel whose definition is not known. */
export interface UntypedContract extends LogContract {
  readonly untyped: true;
  readonly amend: Amendment;
}

/** A stream of which nothing is known: a log of `unknown`, unless it is used as a table. What it is not shows as `refused`, with `conflict`. */
export interface UntypedHandle
  extends LogHandle<unknown, unknown, unknown, string, Amendment>,
    WithHistory<LogEntry<unknown, unknown, Amendment>> {
  /** What it is: as the server says, or as it was used here before the server has said anything. `undefined` before both. */
  readonly kind: () => 'log' | 'table' | undefined;
  /** The same stream as a table. */
  readonly asTable: () => TableHandle<unknown, object, 'client'>;
}

/** The handle of a channel, by its contract. */
export type HandleOf<Channel extends ChannelContract, User> = Channel extends UntypedContract
  ? UntypedHandle
  : Channel extends LogContract
    ? LogHandle<Channel['input'], Channel['stored'], User, Channel['refusal'], AmendOf<Channel>> &
        WithHistory<LogEntry<Channel['stored'], User, AmendOf<Channel>>> &
        Besides<Channel, User>
    : Channel extends TableContract
      ? TableHandle<Channel['row'], Channel['input'], Channel['write']>
      : never;

/** What a log has besides, as its definition says. */
type Besides<Channel extends LogContract, User> = (Channel['presence'] extends true ? WithPresence<User> : unknown) &
  (Channel['markers'] extends true ? WithMarkers<User> : unknown) &
  (Channel['signals'] extends infer Signals extends SignalTypes
    ? [keyof Signals] extends [never]
      ? unknown
      : WithSignals<User, Signals>
    : unknown);

/** A function per channel: its parameters by position, its handle back. */
export type Channels<App> = [ContractOf<App>] extends [never]
  ? { readonly 'name the app that is served: connect<App>(url)': never }
  : ContractOf<App> extends infer Contract extends AppContract
    ? ChannelsOf<Contract>
    : never;

type ChannelsOf<Contract extends AppContract> = {
  readonly [Key in keyof Contract['channels']]: (
    ...params: ParamValues<Contract['channels'][Key]['params']>
  ) => HandleOf<Contract['channels'][Key], Contract['publicUser']>;
};

/** A function per procedure. */
export type Procedures<App> =
  ContractOf<App> extends infer Contract extends AppContract
    ? ProceduresOf<NonNullable<Contract['procedures']>>
    : object;

type ProceduresOf<All extends Readonly<Record<string, ProcedureContract>>> = {
  readonly [Key in keyof All]: Procedure<All[Key]['input'], All[Key]['output'], All[Key]['refusal']>;
};

/** What others see of a user of the app. */
export type PublicUserOf<App> = [ContractOf<App>] extends [never]
  ? unknown
  : ContractOf<App> extends AppContract
    ? ContractOf<App>['publicUser']
    : unknown;

/**
 * The truth about the connection, in words:
 * `idle`: nothing needs it · `connecting` · `live` · `waiting`: lost, and tried again at `retryAtMs` · `offline`: the same, and
 * the system says that there is no network · `refused`: the server does not want it (`reason`); only `retry` tries again ·
 * `closed`: by `close()`.
 */
export type ConnectionState = 'idle' | 'connecting' | 'live' | 'waiting' | 'offline' | 'refused' | 'closed';

/** What is known of the connection. Immutable, and the same object until something changes. */
export interface ConnectionSnapshot<User = unknown> {
  readonly state: ConnectionState;
  /** Round trip to the server as last measured, in milliseconds. */
  readonly rttMs: number | undefined;
  /** Of `waiting` and `offline`: when it is tried again, in milliseconds since 1970. */
  readonly retryAtMs: number | undefined;
  /** Of `waiting`, `offline` and `refused`: why, in words. */
  readonly reason: string | undefined;
  /** This connection's user as others see it; kept while the connection is lost. */
  readonly user: User | undefined;
  /** How the last socket ended: `{ code: 1000, wasClean: true }` when the server acknowledged that the client left. */
  readonly lastClose: CloseInfo | undefined;
}

/** The connection as an external store. Watching it does not count as interest. */
export interface Connection<User = unknown> {
  readonly subscribe: (onChange: () => void) => () => void;
  readonly snapshot: () => ConnectionSnapshot<User>;
  /** What a server renders, and what hydration starts from: `idle`. Always the same object. */
  readonly serverSnapshot: () => ConnectionSnapshot<User>;
}

// Invariant by word: the compiler's own probe of `App` carries no contract, so it would take any line for any other.
/** A line to a server: one connection, and what is reached over it. */
export interface Line<in out App = never> {
  /** `line.channel.chat('lobby')`: the same handle for the same name. Throws `BadNameError` for an empty parameter. */
  readonly channel: Channels<App>;
  /** `line.call.placeOrder(input)`: the same function for the same name. */
  readonly call: Procedures<App>;
  /** What this user has not read of each log that they follow, as a store; it subscribes to no log. */
  readonly unread: TableStore<AllUnread>;
  readonly connection: Connection<PublicUserOf<App>>;
  /** Keeps the connection open without any subscription, until the result is called. */
  readonly open: () => () => void;
  /** Connects now: after `refused` or `closed`, or instead of waiting. Streams that were refused are asked for again. */
  readonly retry: () => void;
  /**
   * Closes now with 1000, whatever still needs the connection: replicas stay as they are, publishes wait.
   * New interest or `retry` opens it again.
   * @returns how it ended, once both Close frames are exchanged; without one for 5 s, 1006. `undefined` if no socket was open.
   */
  readonly close: () => Promise<CloseInfo | undefined>;
}

/** A token and when it expires, in milliseconds since 1970. */
export interface ExpiringToken {
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * A token, or a function that gets one: called at each connect, and before the token expires (`expiresAt`, or the `exp` of a
 * JWT; after a sleep that outlasted it, on waking up), always for the same user. For another user make another line: unanswered
 * publishes belong to this one.
 */
export type TokenSource = string | (() => string | ExpiringToken | Promise<string | ExpiringToken>);

/** Something that the client survived and its developer may want to know. */
export interface LineProblem {
  /** `server`: its message made no sense, or refuses what nobody awaits an answer to, as a signal or a mark · `token`: the function failed · `listener`: a callback threw. */
  readonly source: 'server' | 'token' | 'listener';
  readonly message: string;
  readonly cause: unknown;
}

/** Options of `connect`. */
export interface ConnectOptions {
  /** Default: none is sent. */
  readonly token?: TokenSource | undefined;
  /** How long the connection, and each subscription, outlives its last interest, in milliseconds. Default 1_000. */
  readonly lingerMs?: number | undefined;
  /** Publishes to one log, changes of one table, or calls, that may wait for an answer. Default and most: 64. */
  readonly maxQueued?: number | undefined;
  /** Entries that a replica keeps, not counting those that `loadOlder` brought; older ones are let go. Default 5_000. */
  readonly maxEntries?: number | undefined;
  /** Default: `console.warn`. */
  readonly onProblem?: ((problem: LineProblem) => void) | undefined;
  /** Default: the browser's `WebSocket`; on the Node entry our own engine. */
  readonly socket?: OpenSocket | undefined;
  /** Default: the system's. */
  readonly clock?: Clock | undefined;
  /** Default: `window`'s online and offline, and the page's visibility; none on Node. */
  readonly network?: Network | undefined;
  /** From 0 up to, not including, 1: spreads reconnects and makes the producer's name. Default: `crypto`. */
  readonly random?: (() => number) | undefined;
}
