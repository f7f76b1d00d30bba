// The types that run from a server's definitions to a component. They exist at compile time only: a definition carries
// its contract under the optional key `~contract`, which no object ever has, and a client infers from `typeof app`.

import type { Amendment } from './messages.js';

/** What a `log` channel promises: parameter names, what clients send, what is stored, the refusals of its hook. */
export interface LogContract {
  readonly kind: 'log';
  readonly params: readonly string[];
  readonly input: unknown;
  readonly stored: unknown;
  readonly refusal: string;
  /** What may be done to its entries. Absent: nothing. */
  readonly amend?: Amendment;
  /** Who is subscribed can be seen. Absent: no. */
  readonly presence?: boolean;
  /** Users mark how far they have read. Absent: no. */
  readonly markers?: boolean;
  /** Signals by name. Absent: none. */
  readonly signals?: { readonly [name: string]: SignalContract };
}

/** What a signal promises: what clients send, and what those who listen get. */
export interface SignalContract {
  readonly input: unknown;
  readonly output: unknown;
}

/** What a `table` channel promises: parameter names, a row as stored, as clients write it, and whether they may. */
export interface TableContract {
  readonly kind: 'table';
  readonly params: readonly string[];
  readonly input: unknown;
  readonly row: unknown;
  readonly write: 'server' | 'client';
}

/** What a procedure promises: what it takes, what it returns, its refusals. */
export interface ProcedureContract {
  readonly input: unknown;
  readonly output: unknown;
  readonly refusal: string;
}

/** Any kind of channel. */
export interface ChannelContract {
  readonly kind: string;
  readonly params: readonly string[];
}

/** What an app promises to its clients. */
export interface AppContract {
  readonly channels: Readonly<Record<string, ChannelContract>>;
  /** Absent: none. */
  readonly procedures?: Readonly<Record<string, ProcedureContract>>;
  /** What others may see of a user. */
  readonly publicUser: unknown;
}

/** Anything that carries a contract in its type. */
export interface Contracted<C> {
  readonly '~contract'?: C;
}

/** The contract of a definition or an app. */
export type ContractOf<T> = T extends Contracted<infer C> ? Exclude<C, undefined> : never;

/** What may be done to the entries of a log. */
export type AmendOf<C> = C extends { readonly amend: infer Words extends Amendment } ? Words : never;

/** Positional arguments for parameter names: `['room', 'day']` → `[string, string]`. */
export type ParamValues<Names extends readonly string[]> = { readonly [I in keyof Names]: string };

/** Parameters by name, as hooks see them: `['room']` → `{ room: string }`. */
export type ParamRecord<Names extends readonly string[]> = { readonly [N in Names[number]]: string };
