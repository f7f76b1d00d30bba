// What server code can do with a channel, by kind. `at(definition, …)` in hooks and `trunk.channel.name(…)` outside of
// them give the same handles. A kind adds itself here with one member.

import type {
  Amendment,
  AmendOf,
  ChannelContract,
  Contracted,
  ContractOf,
  LogContract,
  Offset,
  ParamValues,
  TableContract,
} from '@trunkline/protocol';
import type { BesideServer } from './beside.js';
import type { TableServerHandle } from './table-handle.js';

/** Where an entry, or the record of an amendment, was stored. */
export interface StoredAt {
  readonly offset: Offset;
  /** Server time, in milliseconds since 1970. */
  readonly at: number;
}

/** A function of a handle, if the definition's `amend` names the word. */
type IfAmend<C, Word extends Amendment, Run> = Word extends AmendOf<C> ? Run : never;

/** A log, seen from the server. */
export interface LogServerHandle<C extends LogContract> {
  /** The stream's name, as on the wire: `chat/lobby`. */
  readonly name: string;
  /** Clients of this server that follow it now: make what is costly to make only while somebody looks. Cheap to read. */
  readonly subscribers: number;
  /**
   * Appends an entry in the stored form, as the server itself: the schema, `authorize` and `onPublish` are for clients' publishes.
   * Resolves when the broker has stored it.
   * @throws TrunklineError `too_large` (over `maxEntryBytes`), `invalid` (not a JSON value), `unavailable` (the broker failed).
   */
  publish(data: C['stored']): Promise<StoredAt>;
  /**
   * Replaces an entry's data, in the stored form, as the server itself: no rule and no hook is asked.
   * @throws TrunklineError `not_found` (there is no such entry, or it is no longer kept), `conflict` (it was deleted), and as `publish`.
   */
  readonly edit: IfAmend<C, 'edit', (offset: Offset, data: C['stored']) => Promise<StoredAt>>;
  /** Erases an entry's data for good. Rejects as `edit` does. */
  readonly delete: IfAmend<C, 'delete', (offset: Offset) => Promise<StoredAt>>;
  /** Adds a reaction of the server's own, 1 to 64 bytes of text; its user id is empty. Rejects as `edit` does. */
  readonly react: IfAmend<C, 'react', (offset: Offset, reaction: string) => Promise<StoredAt>>;
  /** Takes it back. */
  readonly unreact: IfAmend<C, 'react', (offset: Offset, reaction: string) => Promise<StoredAt>>;
}

/** The handle of each kind of channel. */
export interface ServerHandles<C extends ChannelContract> {
  readonly log: C extends LogContract ? LogServerHandle<C> & BesideServer<C> : never;
  readonly table: C extends TableContract ? TableServerHandle<C> : never;
}

/** What server code can do with a channel, by its contract. */
export type ServerHandle<C extends ChannelContract> = C['kind'] extends keyof ServerHandles<C>
  ? ServerHandles<C>[C['kind']]
  : never;

/** Any channel definition. */
export type AnyDefinition = Contracted<ChannelContract> & { readonly kind: string; readonly params: readonly string[] };

/** Reaches any channel from a hook: `await at(inbox, 'ada').notify(…)`. */
export type At = <D extends AnyDefinition>(
  definition: D,
  ...params: ParamValues<ContractOf<D>['params']>
) => ServerHandle<ContractOf<D>>;
