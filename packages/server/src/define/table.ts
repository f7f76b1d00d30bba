// `t.table`: what a table channel is made of. Rows are JSON objects by key; the schema says what a row is, for clients that may
// write them as well as for server code.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Contracted, JsonOnly, NotJson, ParamRecord, TableContract } from '@trunkline/protocol';

type InputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;
type OutputOf<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;
type IsAny<T> = 0 extends 1 & T ? true : false;

/** What a user may be about to do with a table. `read`: look at rows without following them. */
export type TableAction = 'subscribe' | 'read' | 'change';

/** Who may change rows: server code alone, or also clients whom `authorize` lets. */
export type TableWriters = 'server' | 'client';

/** How long what is written lasts. */
export type TableKeeping = 'durable' | 'checkpoint' | 'memory';

/** `unknown` (no constraint) when `T` can be a row, else a type nothing satisfies that says why. */
type RowOnly<T> = JsonOnly<T> &
  (IsAny<T> extends true
    ? unknown
    : [T] extends [object]
      ? [Extract<T, readonly unknown[]>] extends [never]
        ? unknown
        : NotJson<'not a row: a row is an object'>
      : NotJson<'not a row: a row is an object'>);

/** What a table's `authorize` is asked. */
export interface TableAuthorizeContext<User, Names extends readonly string[]> {
  readonly user: User;
  readonly params: ParamRecord<Names>;
  readonly action: TableAction;
}

/** The options of a table. */
export interface TableOptions<
  User,
  Names extends readonly string[],
  S extends StandardSchemaV1,
  Writers extends TableWriters,
> {
  /**
   * What a row is: any Standard Schema (Zod, Valibot, ArkType …). Its input and its output must be JSON objects. Rows that clients write are
   * validated as a whole, also where a client changes some fields only, and stored as the schema returns them. So what the schema returns must
   * pass it again.
   */
  readonly row: S & RowOnly<InputOf<S>> & RowOnly<OutputOf<S>>;
  /** Default `server`: a client's change is answered with `forbidden`. */
  readonly write?: Writers;
  /**
   * `durable`, the default: a change is acknowledged when the broker has stored it.
   * `checkpoint`: for what changes too often for that. A change is acknowledged when it is in the memory of this process; the newest values are
   * stored every `checkpointMs`, several rows as one step, and when the server closes. A crash takes the table back to what was stored. For one
   * server to a store.
   * `memory`: in the memory of this process, and gone with it.
   * Clients of the last two are told to begin anew when the process is another.
   */
  readonly keep?: TableKeeping;
  /** Of `keep: 'checkpoint'`: how long after it was made a change is stored, in milliseconds. Default 1_000. */
  readonly checkpointMs?: number;
  /** Whether the user may do that. Default: every authenticated user may do everything that `write` allows. A throw counts as `internal`. */
  readonly authorize?: (context: TableAuthorizeContext<User, Names>) => boolean | Promise<boolean>;
  /** Whether the back end that `serve` was given is asked too, after `authorize`. Default: `['authorize']` if there is no `authorize` here. */
  readonly backend?: readonly 'authorize'[];
  /** Rows that each table of the channel may have. Default 100_000. A step after which there would be more is refused with `too_large`. */
  readonly maxRows?: number;
  /**
   * A row is deleted this long after its last set or patch, in milliseconds, up to a second late. Default: never. Server code may name another
   * moment for a row (`expiresAt`).
   */
  readonly expireMs?: number;
}

/** A table channel: a value to pass to `t.app` and to `at`. */
export interface TableDefinition<C extends TableContract = TableContract> extends Contracted<C> {
  readonly kind: 'table';
  readonly params: C['params'];
}

/** What `t.table` promises to clients, by its options. */
export interface TableContractOf<
  Names extends readonly string[],
  S extends StandardSchemaV1,
  Writers extends TableWriters,
> extends TableContract {
  readonly kind: 'table';
  readonly params: Names;
  readonly input: InputOf<S>;
  readonly row: OutputOf<S>;
  readonly write: Writers;
}
