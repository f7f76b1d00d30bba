// The hooks of one app, typed by it. One store, one `useSyncExternalStore` per hook: what renders is always a snapshot.

import type { AnyApp, ConnectionSnapshot, ConnectOptions, Line, PublicUserOf } from '@trunkline/client';
import type { ReactElement, ReactNode } from 'react';
import { type UseLog, useLog } from './use-log.js';

/** Either a line of one's own, or what to connect to. Options but `token` and `onProblem` are read once. */
export type TrunklineProviderProps<App> = { readonly children?: ReactNode } & (
  | { readonly line: Line<App>; readonly url?: never }
  | ({ readonly url: string; readonly line?: never } & ConnectOptions)
);

export interface TrunklineHooks<App> {
  /** Makes the line of its children. Rendering it opens nothing. Another `url` or `line` is another line. */
  readonly TrunklineProvider: (props: TrunklineProviderProps<App>) => ReactElement;
  /** The line. Throws outside of a `TrunklineProvider`. */
  readonly useLine: () => Line<App>;
  /**
   * The connection's snapshot, or a part of it: `useConnection((c) => c.state)` renders only when that changes.
   * Watching does not keep the connection open. `select` should give a value or a part, not a new object.
   */
  readonly useConnection: {
    (): ConnectionSnapshot<PublicUserOf<App>>;
    <Part>(select: (connection: ConnectionSnapshot<PublicUserOf<App>>) => Part): Part;
  };
  readonly useLog: UseLog;
}

/** `const { TrunklineProvider, useLine, useLog } = createTrunkline<App>();` once per app, beside its components. */
export function createTrunkline<App extends AnyApp>(): TrunklineHooks<App> {
  throw new Error(`not yet ${useLog}`);
}
