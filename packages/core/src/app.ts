// An app, as the core runs it: what `trunkline()` collects on the server, with the types worn off.

import type { Retention } from '@trunkline/broker';
import {
  type Amendment,
  type JsonValue,
  type Offset,
  parseStreamName,
  type StreamName,
  TrunklineError,
} from '@trunkline/protocol';
import { findSide, type SignalsRuntime } from './side-streams.js';

/** Who a connection belongs to. */
export interface Identity {
  /** Names the user for good; producers are bound to it. At most 400 characters. */
  readonly id: string;
  /** What the app's hooks get. */
  readonly user: unknown;
  /** What others may see of the user. */
  readonly publicUser: JsonValue;
  /** When the user's token expires, in milliseconds since 1970 by the server's clock. Absent: never. */
  readonly expiresAt?: number;
}

/** The server itself, where who asks is a user elsewhere. No user's id is empty. */
export const SERVER: Identity = { id: '', user: null, publicUser: null };

/** Who published, as it stands on an entry: JSON text, `null` for the server. Made once for each identity. */
export function publisherText(identity: Identity): string | null {
  if (identity === SERVER) return null;
  const known = publisherTexts.get(identity);
  if (known !== undefined) return known;
  const text = JSON.stringify(identity.publicUser);
  publisherTexts.set(identity, text);
  return text;
}
const publisherTexts = new WeakMap<Identity, string>();

/** What a user may be about to do. */
export type Action =
  | 'subscribe'
  | 'read'
  | 'publish'
  | 'amend'
  | 'change'
  | 'call'
  | 'presence'
  | 'signal'
  | 'mark'
  | 'search';

/** What a rule is asked about an amendment. */
export interface AmendQuestion {
  readonly amendment: Amendment;
  readonly entry: {
    readonly offset: Offset;
    readonly at: number;
    /** Who published it, as others see them; `null` for the server. */
    readonly user: JsonValue;
    /** The user who asks published it. */
    readonly isOwn: boolean;
    /** `null` of a deleted entry. */
    readonly data: JsonValue;
  };
}

/** A channel's rule. @param amend of the action `amend` */
export type Rule = (
  user: unknown,
  params: readonly string[],
  action: Action,
  amend?: AmendQuestion,
) => boolean | Promise<boolean>;

/** An entry as it was before an edit. */
export type Edited = Pick<AmendQuestion['entry'], 'offset' | 'at' | 'data'>;

/** Either a value of the schema's output type, or one sentence on what is wrong. */
export type Validated = { readonly value: unknown } | { readonly problem: string };

/** What a hook decided. `store: undefined` stores the entry as it was validated. */
export type HookResult =
  | { readonly store: unknown }
  | { readonly refusal: { readonly code: string; readonly message: string } };

/** What a hook is given of a publish or an edit. */
export interface PublishCall {
  readonly entry: unknown;
  readonly user: unknown;
  readonly params: readonly string[];
  readonly source: { readonly producer: string; readonly seq: number };
  /** Of an edit. */
  readonly edits?: Edited;
}

/** How long, and how many of, the marks of a log are shown to others. */
export interface MarkBounds {
  /** After it moved last, in milliseconds. */
  readonly expireMs: number;
  /** Beyond it those that moved longest ago go. At least 1. */
  readonly maxReaders: number;
}

/** A log channel. */
export interface LogRuntime {
  readonly kind: 'log';
  /** Names of the parameters; a stream's name must have as many. */
  readonly params: readonly string[];
  readonly retain?: Retention;
  /** Who is subscribed is present, until this many milliseconds after they left. Absent: nobody is told. */
  readonly presence?: { readonly graceMs: number };
  /** Users may mark how far they have read. Absent: nobody may. */
  readonly markers?: MarkBounds;
  /** Members of the payload whose words are searched. Absent: none are. */
  readonly search?: readonly string[];
  /** The signals that may be sent, by name. Absent: none. */
  readonly signals?: ReadonlyMap<string, (data: JsonValue) => Validated | Promise<Validated>>;
  validate(data: JsonValue): Validated | Promise<Validated>;
  /** What may be done to entries. Absent: nothing. */
  readonly amend?: readonly Amendment[];
  /** Absent: every authenticated user may do everything. What is somebody else's is edited and deleted only if `moderate` says so, too. */
  readonly authorize?: Rule;
  /** Absent: nobody amends what is somebody else's, but by reactions. */
  readonly moderate?: (user: unknown, params: readonly string[], question: AmendQuestion) => boolean | Promise<boolean>;
  readonly onPublish?: (call: PublishCall) => HookResult | Promise<HookResult>;
  /** What is stored goes into the broker's outbox, too: somebody is to be told of it. */
  readonly outbox?: true;
}

/** A table channel. */
export interface TableRuntime {
  readonly kind: 'table';
  readonly params: readonly string[];
  /** Whether clients may change rows, if `authorize` lets them. */
  readonly write: 'server' | 'client';
  /** `durable`: as the broker stores · `checkpoint`: in memory, and stored every `checkpointMs` · `memory`: gone with the process. */
  readonly keep: 'durable' | 'checkpoint' | 'memory';
  /** Of `checkpoint`, in milliseconds. Default 1_000. */
  readonly checkpointMs?: number;
  /** A row as a whole. */
  validate(row: JsonValue): Validated | Promise<Validated>;
  readonly authorize?: Rule;
  /** Rows that a table of the channel may have. Default 100_000. */
  readonly maxRows?: number;
  /** A row goes by itself this long after its last set or patch, in milliseconds. Default: never. */
  readonly expireMs?: number;
}

/** Any kind of channel. */
export type ChannelRuntime = LogRuntime | TableRuntime;

/** What a procedure's run gets. */
export interface ProcedureCall {
  readonly input: unknown;
  readonly user: unknown;
  /** Tells the caller how it goes; whether it was sent. Throws a TrunklineError for what is no JSON value, or too large. */
  readonly progress: (data: unknown) => boolean;
  /** Of a call that runs once. */
  readonly source?: { readonly producer: string; readonly seq: number };
}

/** What a procedure decided. */
export type ProcedureResult =
  | { readonly output: unknown }
  | { readonly refusal: { readonly code: string; readonly message: string } };

/** A run under way. */
export interface RunningProcedure {
  readonly result: Promise<ProcedureResult>;
  /** Nobody waits for the result any more. It may come all the same. */
  stop(reason: string): void;
}

/** A procedure, as the core sees it. */
export interface ProcedureRuntime {
  validate(data: JsonValue): Validated | Promise<Validated>;
  /** Absent: every authenticated user may call it. */
  readonly authorize?: (user: unknown, input: unknown) => boolean | Promise<boolean>;
  run(call: ProcedureCall): RunningProcedure;
}

/** An app, as the core sees it: its channels, its procedures, and who users are. */
export interface AppRuntime<Request> {
  readonly channels: ReadonlyMap<string, ChannelRuntime>;
  /** Absent: there are none. */
  readonly procedures?: ReadonlyMap<string, ProcedureRuntime>;
  /** `null`, or an identity that has expired: unauthorized. A rejection: cannot tell now. */
  authenticate(token: string | undefined, request: Request): Promise<Identity | null>;
}

/** What a stream's name stands for in the app. */
export interface StreamTarget {
  readonly name: StreamName;
  readonly channel: ChannelRuntime | SignalsRuntime;
  readonly params: readonly string[];
  /** Of a user's own stream: nobody else gets it. */
  readonly owner?: string;
}

/** The same, of what is stored. */
export interface Target extends StreamTarget {
  readonly channel: ChannelRuntime;
}

/** `null` if the app has no such channel, or it has another number of parameters. */
export function findStream(app: Pick<AppRuntime<never>, 'channels'>, name: string): StreamTarget | null {
  if (name.includes(':')) return findSide(name, (log) => findStream(app, log));
  const parsed = parseStreamName(name);
  const channel = parsed === null ? undefined : app.channels.get(parsed.key);
  if (parsed === null || channel === undefined || channel.params.length !== parsed.params.length) return null;
  return { name: name as StreamName, channel, params: parsed.params };
}

/** @throws TrunklineError `unknown_channel` if the app has no such channel, or it has another number of parameters. */
export function resolveStream(app: Pick<AppRuntime<never>, 'channels'>, name: string): StreamTarget {
  const target = findStream(app, name);
  if (target !== null) return target;
  throw new TrunklineError(
    'unknown_channel',
    `there is no channel for the stream ${JSON.stringify(name.slice(0, 80))}`,
  );
}

/**
 * The same for what is stored.
 * @throws TrunklineError `unknown_channel`; `invalid` for signals, of which nothing is.
 */
export function resolveStored(app: Pick<AppRuntime<never>, 'channels'>, name: string): Target {
  const target = resolveStream(app, name);
  if (target.channel.kind === 'signals') throw new TrunklineError('invalid', 'these are signals: nothing is stored');
  return target as Target;
}
