// `trunkline()`: the start of every app. Its result makes the channels, so that each of them knows the type of the user.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Amendment, AppContract, Contracted, ContractOf, JsonOnly } from '@trunkline/protocol';
import type { BackendOptions } from '../backend/backend-options.js';
import type { MarkersOption, PresenceOption, SignalSchemas } from './beside.js';
import type { AnyDefinition } from './handles.js';
import type { HookedLogOptions, LogContractOf, LogDefinition, NoHook, PlainLogOptions } from './log.js';
import type {
  PlainContractOf,
  PlainProcedureOptions,
  ProcedureDefinition,
  ShapedContractOf,
  ShapedProcedureOptions,
} from './procedure.js';
import type { TableContractOf, TableDefinition, TableOptions, TableWriters } from './table.js';

/** Every user has an id: text that names them for good. Producers are bound to it. */
export interface BaseUser {
  readonly id: string;
}

/** The HTTP request that opened a connection. */
export interface RequestInfo {
  /** Path and query, as sent. */
  readonly url: string;
  /** The `Origin` header; absent when the client is not a browser. */
  readonly origin: string | undefined;
  /** The peer's IP address; that of `X-Forwarded-For` if the peer is a trusted proxy. */
  readonly address: string;
  /**
   * Header names in lower case. A header that came several times is joined by ", ". Without those of the handshake itself (`Connection`,
   * `Upgrade`, `Sec-WebSocket-Key`, `-Version` and `-Extensions`). Made anew each time it is read: keep the object if you need it twice.
   */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

/** Who users are: the options of `trunkline`. */
export interface TrunklineOptions<User extends BaseUser, Public> {
  /**
   * Who is it? Runs at `hello` and at each `refresh`. `null` refuses with `unauthorized`. A throw means that you cannot tell now:
   * the client is told to come back (`unavailable`).
   */
  readonly authenticate: (context: {
    readonly token: string | undefined;
    readonly request: RequestInfo;
  }) => Promise<User | null> | User | null;
  /** What others may see of a user, a JSON value. It stands on each entry they publish, so at most 4,096 bytes. Default: the id. */
  readonly publicUser?: ((user: User) => Public) & JsonOnly<Public>;
  /**
   * When the user's token expires, in milliseconds since 1970 by this server's clock: `({ exp }) => exp * 1000` for the claims of a JWT.
   * A connection that was not refreshed by then is told `unauthorized` and closed with 4501; a user whose time is over already counts as
   * `null`. `undefined`, and the default: never. What is not a finite number, or looks like seconds, lets nobody in: `unavailable`,
   * and the log says why.
   */
  readonly expiresAt?: (user: User) => number | undefined;
  /** A back end of your own, in any language, that is asked and told. That of `serve` and `attach` comes before it. Default: none. */
  readonly backend?: BackendOptions;
}

type Channels = Readonly<Record<string, AnyDefinition>>;
type Procedures = Readonly<Record<string, ProcedureDefinition>>;
/** A log without signals has no name for one, */
type NoSignals = Readonly<Record<never, never>>;
/** nor an app without procedures for one of those. */
type NoProcedures = Readonly<Record<never, never>>;

export interface AppContractOf<C extends Channels, Public, P extends Procedures> extends AppContract {
  readonly channels: { readonly [K in keyof C]: ContractOf<C[K]> };
  readonly procedures: { readonly [K in keyof P]: ContractOf<P[K]> };
  readonly publicUser: Public;
}

/** An app: give it to `serve` or `attach`, and its type to the client. */
export interface App<C extends Channels = Channels, Public = unknown, P extends Procedures = Procedures>
  extends Contracted<AppContractOf<C, Public, P>> {
  readonly channels: C;
  readonly procedures: P;
}

/** Makes the parts of an app whose user is `User`. */
export interface Trunkline<User extends BaseUser, Public> {
  /**
   * A log channel: ordered entries, all kept within `retain`. `t.log(['room'], { entry: z.object({ text: z.string() }) })`
   * @param params Names of the channel's parameters: `chat/lobby` has one.
   */
  // Two signatures, not one with conditional types: those would keep TypeScript from inferring the hook's result.
  log<
    const Names extends readonly string[],
    S extends StandardSchemaV1,
    Returned,
    P extends PresenceOption = false,
    M extends MarkersOption = false,
    G extends SignalSchemas = NoSignals,
    Amend extends Amendment = never,
  >(
    params: Names,
    options: HookedLogOptions<User, Names, S, Returned, P, M, G, Amend>,
  ): LogDefinition<LogContractOf<Names, S, Awaited<Returned>, P, M, G, Amend>>;
  log<
    const Names extends readonly string[],
    S extends StandardSchemaV1,
    Returned,
    P extends PresenceOption = false,
    M extends MarkersOption = false,
    G extends SignalSchemas = NoSignals,
    Amend extends Amendment = never,
  >(
    params: Names,
    options: PlainLogOptions<User, Names, S, Returned, P, M, G, Amend>,
  ): LogDefinition<LogContractOf<Names, S, NoHook, P, M, G, Amend>>;

  /**
   * A table channel: rows by key, of which the latest value is kept. `t.table(['market'], { row: z.object({ bid: z.number() }) })`
   * @param params Names of the channel's parameters: `quotes/nyse` has one.
   */
  table<const Names extends readonly string[], S extends StandardSchemaV1, Writers extends TableWriters = 'server'>(
    params: Names,
    options: TableOptions<User, Names, S, Writers>,
  ): TableDefinition<TableContractOf<Names, S, Writers>>;

  /**
   * What clients call: `t.procedure({ input: z.object({ symbol: z.string() }), run: async ({ input, user }) => place(input, user) })`.
   * With an `output` schema the result is checked, and has its type.
   */
  procedure<In extends StandardSchemaV1, Out extends StandardSchemaV1, Code extends string = never>(
    options: ShapedProcedureOptions<User, In, Out, Code>,
  ): ProcedureDefinition<ShapedContractOf<In, Out, Code>>;
  procedure<In extends StandardSchemaV1, Returned>(
    options: PlainProcedureOptions<User, In, Returned>,
  ): ProcedureDefinition<PlainContractOf<In, Awaited<Returned>>>;

  /**
   * The app: its channels by name, which is the first part of a stream's name on the wire, and its procedures by the name by which
   * clients call them.
   */
  app<C extends Channels, P extends Procedures = NoProcedures>(parts: {
    readonly channels: C;
    readonly procedures?: P;
  }): App<C, Public, P>;
}
