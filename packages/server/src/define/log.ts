// `t.log`: what a log channel is made of, with every type inferred from the schema and the hooks.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Amendment, Contracted, JsonOnly, JsonValue, LogContract, Offset, ParamRecord } from '@trunkline/protocol';
import type { RequestType } from '../backend/requests.js';
import type { BesideContract, BesideOptions, MarkersOption, PresenceOption, SignalSchemas } from './beside.js';
import type { At } from './handles.js';
import type { Refusal } from './refusal.js';

/** What a user may be about to do with a channel. */
export type Action = 'subscribe' | 'read' | 'publish' | 'amend' | 'presence' | 'signal' | 'mark' | 'search';

/** Stands for "no hook was given" in the place of a hook's result. */
export interface NoHook {
  readonly noHook: never;
}

type InputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type OutputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
// biome-ignore lint/suspicious/noConfusingVoidType: a hook that returns nothing has `void` in its type
type Nothing = void | undefined;

/** What is stored: the hook's value, or the schema's output where the hook is absent or returns nothing. */
export type StoredOf<S extends StandardSchemaV1, Result> = [Result] extends [NoHook]
  ? OutputOf<S>
  : Exclude<Result, Nothing | Refusal<string>> | (Extract<Result, Nothing> extends never ? never : OutputOf<S>);

export type RefusalOf<Result> = Result extends Refusal<infer Code> ? Code : never;

/** What a hook returns, with a complaint in its type if what it stores is not JSON. */
export type Checked<Returned> = Returned & JsonOnly<Exclude<Awaited<Returned>, Nothing | Refusal<string>>>;

/** How much of a log is kept; the rest is trimmed from the oldest end. Default: everything. */
export interface Retain {
  /** Newest entries to keep. */
  readonly entries?: number;
  /** Age in days up to which entries are kept. */
  readonly days?: number;
  /** Bytes to keep: those of data and publishers of entries as JSON text, as they are now. The newest entry is kept in any case. */
  readonly bytes?: number;
}

/** An entry that somebody wants to amend. */
export interface AmendedEntry {
  readonly offset: Offset;
  /** Server time when it was accepted, in milliseconds since 1970. */
  readonly at: number;
  /** Who published it, as `publicUser` shows them; `null` for the server. */
  readonly user: JsonValue;
  /** The user who asks published it. */
  readonly isOwn: boolean;
  /** As it is stored now; `null` if it was deleted. */
  readonly data: JsonValue;
}

/** What `authorize` is asked: of `amend`, also which entry, and what is to be done to it. */
export type AuthorizeContext<User, Names extends readonly string[]> = {
  readonly user: User;
  readonly params: ParamRecord<Names>;
} & (
  | { readonly action: Exclude<Action, 'amend'>; readonly entry?: undefined; readonly amendment?: undefined }
  | { readonly action: 'amend'; readonly entry: AmendedEntry; readonly amendment: Amendment }
);

/** What `moderate` is asked. */
export interface ModerateContext<User, Names extends readonly string[]> {
  readonly user: User;
  readonly params: ParamRecord<Names>;
  /** Its `isOwn` is false. */
  readonly entry: AmendedEntry;
  readonly amendment: Exclude<Amendment, 'react'>;
}

/** What `onPublish` gets. */
export interface PublishContext<User, Names extends readonly string[], Entry> {
  /** The payload, validated: the schema's output. */
  readonly entry: Entry;
  readonly user: User;
  readonly params: ParamRecord<Names>;
  /** Reaches any other channel of the app. */
  readonly at: At;
  /** Names this publish: the same over retries, so that what the hook does elsewhere can be made idempotent too. */
  readonly source: { readonly producer: string; readonly seq: number };
  /** Of an edit: the entry as it was. `undefined`: a publish. */
  readonly edits: Pick<AmendedEntry, 'offset' | 'at' | 'data'> | undefined;
}

export interface LogOptions<
  User,
  Names extends readonly string[],
  S extends StandardSchemaV1,
  P extends PresenceOption,
  M extends MarkersOption,
  G extends SignalSchemas,
  Amend extends Amendment,
> extends BesideOptions<P, M, G> {
  /** What clients publish: any Standard Schema (Zod, Valibot, ArkType …). Its input, and what is stored, must be JSON values. */
  readonly entry: S & JsonOnly<InputOf<S>>;
  readonly retain?: Retain;
  /** What may be done to entries: `['edit', 'delete', 'react']`. Default: nothing. */
  readonly amend?: readonly Amend[];
  /**
   * Members of the stored entry, texts at its top level, whose words can be searched: `['text']`. Who may is the action `search`. Default: none, and nobody.
   */
  readonly search?: readonly string[];
  /**
   * Whether the user may do that. Default: every authenticated user may do everything. A throw counts as `internal`.
   */
  readonly authorize?: (context: AuthorizeContext<User, Names>) => boolean | Promise<boolean>;
  /**
   * Whether the user may edit or delete an entry that is somebody else's, when `authorize` lets them amend it. Default: nobody may. A throw counts
   * as `internal`.
   */
  readonly moderate?: (context: ModerateContext<User, Names>) => boolean | Promise<boolean>;
  /**
   * What the back end that `serve` was given is asked and told of this channel; each after the channel's own rule, if it has one. Default: all
   * three, or nothing if the channel has `authorize` or `onPublish`.
   */
  readonly backend?: readonly RequestType[];
}

/** The options of a log whose entries are stored as validated: what the schema makes of them must be JSON. */
export interface PlainLogOptions<
  User,
  Names extends readonly string[],
  S extends StandardSchemaV1,
  Returned,
  P extends PresenceOption,
  M extends MarkersOption,
  G extends SignalSchemas,
  Amend extends Amendment,
> extends LogOptions<User, Names, S, P, M, G, Amend> {
  readonly entry: S & JsonOnly<InputOf<S>> & JsonOnly<OutputOf<S>>;
  // Never chosen with a hook, as the hooked signature comes first; it stands here so that the compiler's complaint about a hook
  // whose result is not JSON names the field.
  readonly onPublish?: HookedLogOptions<User, Names, S, Returned, P, M, G, Amend>['onPublish'];
}

/** The options of a log with a hook: what the hook returns must be JSON. */
export interface HookedLogOptions<
  User,
  Names extends readonly string[],
  S extends StandardSchemaV1,
  Returned,
  P extends PresenceOption,
  M extends MarkersOption,
  G extends SignalSchemas,
  Amend extends Amendment,
> extends LogOptions<User, Names, S, P, M, G, Amend> {
  /**
   * Runs before an entry is stored, and before an edit of one is (then with `edits`): processes, enriches, refuses (`return refuse('rude')`), forwards. What it returns is
   * stored; returning nothing stores the entry as it is. Runs one at a time for a producer and stream, and may run again for the same
   * `source` after a crash.
   */
  readonly onPublish: (context: PublishContext<User, Names, OutputOf<S>>) => Checked<Returned>;
}

/** A log channel: a value to pass to `t.app` and to `at`. */
export interface LogDefinition<C extends LogContract = LogContract> extends Contracted<C> {
  readonly kind: 'log';
  readonly params: C['params'];
}

/** What `t.log` promises to clients, by its options. */
export interface LogContractOf<
  Names extends readonly string[],
  S extends StandardSchemaV1,
  Result,
  P extends PresenceOption,
  M extends MarkersOption,
  G extends SignalSchemas,
  Amend extends Amendment,
> extends LogContract,
    BesideContract<P, M, G> {
  readonly kind: 'log';
  readonly params: Names;
  readonly input: InputOf<S>;
  readonly stored: StoredOf<S, Result>;
  readonly refusal: RefusalOf<Result>;
  readonly presence: BesideContract<P, M, G>['presence'];
  readonly markers: BesideContract<P, M, G>['markers'];
  readonly signals: BesideContract<P, M, G>['signals'];
  readonly amend: Amend;
}
