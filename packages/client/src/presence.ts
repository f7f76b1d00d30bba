// Who is present in a log: the table beside it, as a list.

import type { TrunklineError } from '@trunkline/protocol';
import { mapStore } from './map-store.js';
import type { AnyTableHandle } from './table.js';
import type { TableSnapshot, TableState, TableStore } from './table-handle.js';

/** Somebody who is there, however many devices and tabs they have. */
export interface Person<User> {
  readonly user: User;
  /** When they came, in milliseconds since 1970, by the server's clock. */
  readonly since: number;
}

/** Who is present. Immutable, and the same object until something changes. */
export interface PresenceSnapshot<User> {
  readonly state: TableState;
  /** Who came first is first. At most 1,000. */
  readonly people: readonly Person<User>[];
  /** Of all, also where there are more than `people`. */
  readonly count: number;
  /** Of the state `refused`: why. */
  readonly error: TrunklineError | undefined;
}

/** Who is present, as a store. It is followed while somebody subscribes to it; that alone makes nobody present. */
export type PresenceStore<User> = TableStore<PresenceSnapshot<User>>;

/** Of a log with `presence`. */
export interface WithPresence<User> {
  readonly presence: PresenceStore<User>;
}

const SUMMARY = 'summary';

export const createPresence = (table: AnyTableHandle): PresenceStore<unknown> =>
  mapStore(
    table.view() as TableStore<TableSnapshot<Person<unknown> & { count?: number }>>,
    ({ rows, state, error }) => ({
      state,
      people: [...rows]
        .filter(([key]) => key !== SUMMARY)
        .map(([, person]) => person)
        .sort((one, other) => one.since - other.since),
      count: rows.get(SUMMARY)?.count ?? 0,
      error,
    }),
  );
