// `t.procedure`: what a client may call, with every type inferred from the schemas and from what `run` returns.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Contracted, JsonOnly, ProcedureContract } from '@trunkline/protocol';
import type { At } from './handles.js';
import type { Checked, RefusalOf } from './log.js';
import type { Refusal } from './refusal.js';

type InputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type OutputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
// biome-ignore lint/suspicious/noConfusingVoidType: a procedure that returns nothing has `void` in its type
type Nothing = void | undefined;

/** What the client gets: nothing is `null` on the wire. */
export type ReturnedOf<Result> =
  | Exclude<Result, Nothing | Refusal<string>>
  | (Extract<Result, Nothing> extends never ? never : null);

/** What a procedure's `run` gets. */
export interface RunContext<User, Input> {
  /** Validated: the schema's output. */
  readonly input: Input;
  readonly user: User;
  /** Reaches any channel of the app. */
  readonly at: At;
  /**
   * Aborted when nobody waits for the result any more: the deadline came, the caller cancelled, or lost its connection (but for a call that
   * runs once), or the server stops. Hand it to what you wait for. Its caller has been answered by then, and its place is another's.
   */
  readonly signal: AbortSignal;
  /**
   * Tells the caller how it goes. `false`: it was not sent, as the caller is behind, or gone, or came back over another connection.
   * @throws TrunklineError `invalid` (not a JSON value), `too_large` (over `maxEntryBytes`).
   */
  readonly progress: <Data>(data: Data & JsonOnly<Data>) => boolean;
  /** Names a call that runs once: the same when it is sent again, so that what it does elsewhere can be made idempotent too. */
  readonly source: { readonly producer: string; readonly seq: number } | undefined;
}

export interface ProcedureOptions<User, In extends StandardSchemaV1> {
  /** What clients send: any Standard Schema (Zod, Valibot, ArkType …). Its input must be a JSON value. */
  readonly input: In & JsonOnly<InputOf<In>>;
  /**
   * Whether the user may call it with that input. Default: every authenticated user may. A throw counts as `internal`. Asked again if
   * `revoke` is called before it runs.
   */
  readonly authorize?: (context: { readonly user: User; readonly input: OutputOf<In> }) => boolean | Promise<boolean>;
}

/** The options of a procedure that returns what it likes, as long as it is JSON. */
export interface PlainProcedureOptions<User, In extends StandardSchemaV1, Returned> extends ProcedureOptions<User, In> {
  readonly output?: never;
  /**
   * Does the work. What it returns is the client's result, nothing being `null`; `return refuse('sold_out')` rejects the client's
   * promise with `refused`. A throw is `internal`, with the outcome `unknown`.
   */
  readonly run: (context: RunContext<User, OutputOf<In>>) => Checked<Returned>;
}

/** The options of a procedure whose result has a schema: what `run` returns is its input, what the client gets its output. */
export interface ShapedProcedureOptions<
  User,
  In extends StandardSchemaV1,
  Out extends StandardSchemaV1,
  Code extends string,
> extends ProcedureOptions<User, In> {
  /** What the client gets. A result that does not fit is a mistake of `run`: `internal`, and the log says why. */
  readonly output: Out & JsonOnly<OutputOf<Out>>;
  readonly run: (
    context: RunContext<User, OutputOf<In>>,
  ) => InputOf<Out> | Refusal<Code> | Promise<InputOf<Out> | Refusal<Code>>;
}

/** A procedure: a value to pass to `t.app`. */
export interface ProcedureDefinition<C extends ProcedureContract = ProcedureContract> extends Contracted<C> {
  readonly kind: 'procedure';
}

/** What `t.procedure` promises to clients. */
export interface ProcedureContractOf<In extends StandardSchemaV1, Output, Code extends string>
  extends ProcedureContract {
  readonly input: InputOf<In>;
  readonly output: Output;
  readonly refusal: Code;
}

/** Of a procedure without an `output` schema. */
export type PlainContractOf<In extends StandardSchemaV1, Result> = ProcedureContractOf<
  In,
  ReturnedOf<Result>,
  RefusalOf<Result>
>;
/** Of a procedure with an `output` schema. */
export type ShapedContractOf<
  In extends StandardSchemaV1,
  Out extends StandardSchemaV1,
  Code extends string,
> = ProcedureContractOf<In, OutputOf<Out>, Code>;
