// What server code can do with a channel, by kind. `at(definition, …)` in hooks and `trunk.channel.name(…)` outside of
// them give the same handles. A kind adds itself here with one member.

import type {
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
  publish(data: C['stored']): Promise<{ readonly offset: Offset; readonly at: number }>;
}

/** The handle of each kind of channel. */
export interface ServerHandles<C extends ChannelContract> {
  readonly log: C extends LogContract ? LogServerHandle<C> & BesideServer<C> : never;
  readonly table: C extends TableContract ? TableServerHandle<C> : never;
}

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
