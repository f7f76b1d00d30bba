// The hooks of one app, typed by it.

import type { AnyApp, ConnectionSnapshot, Line, PublicUserOf } from '@trunkline/client';
import { createContext, createElement, type ReactElement } from 'react';
import { type LineContext, LineProvider, type TrunklineProviderProps, useLineIn } from './line-provider.js';
import { useConnectionOf } from './use-connection.js';
import { useLog } from './use-log.js';
import { usePresence } from './use-presence.js';
import { useProcedure } from './use-procedure.js';
import { useReaders, useUnread } from './use-readers.js';
import { useRow } from './use-row.js';
import { useSearch } from './use-search.js';
import { useSignal } from './use-signal.js';
import { useTable } from './use-table.js';

/** What `createTrunkline` gives: the provider, and the hooks, typed by the app. */
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
  /** `useLog` of this package: it needs no app, as handles are typed. */
  readonly useLog: typeof useLog;
  /** The same for tables, */
  readonly useTable: typeof useTable;
  /** and for rows. */
  readonly useRow: typeof useRow;
  /** Who is present in a log, */
  readonly usePresence: typeof usePresence;
  /** and what they signal. */
  readonly useSignal: typeof useSignal;
  /** Who has read up to where, */
  readonly useReaders: typeof useReaders;
  /** and what this user has not read. */
  readonly useUnread: typeof useUnread;
  /** What is found in a log. */
  readonly useSearch: typeof useSearch;
  /** `useProcedure` of this package: `useProcedure(useLine().call.placeOrder)`. */
  readonly useProcedure: typeof useProcedure;
}

/** `const { TrunklineProvider, useLine, useLog } = createTrunkline<App>();` once per app, beside its components. */
export function createTrunkline<App extends AnyApp>(): TrunklineHooks<App> {
  // A context of its own: the lines of two apps may be nested.
  const context: LineContext<App> = createContext<Line<App> | undefined>(undefined);
  return {
    // biome-ignore lint/correctness/noComponentHookFactories: called once per app, at a module's top; one context needs one provider
    TrunklineProvider: (given) => createElement(LineProvider<App>, { context, given }),
    useLine: () => useLineIn(context),
    useConnection: <Part>(select = whole as (connection: ConnectionSnapshot<PublicUserOf<App>>) => Part) =>
      useConnectionOf(useLineIn(context), select),
    useLog,
    useTable,
    useRow,
    usePresence,
    useSignal,
    useReaders,
    useUnread,
    useSearch,
    useProcedure,
  };
}

const whole = (connection: unknown): unknown => connection;
