// One row of a table in a component, or a part of it.

import type { TableInterest, TableReader } from '@trunkline/client';
import { useMemo, useSyncExternalStore } from 'react';
import { memoized } from './memoized.js';

type RowOptions = Omit<TableInterest, 'keys'>;

/**
 * A row, kept live while the component is mounted; `undefined` while it is not known, and if there is none (`useTable` with that key has a
 * `state`, which is `live` when it is known). Renders only when that row changes: with `select`, only when what it gives is another value.
 * `select` should give a value or a part, not a new object; it may be written inline. A thousand of these are one subscription, and cost as much as the rows of them that change.
 */
export function useRow<Row>(handle: TableReader<Row>, key: string): Row | undefined;
export function useRow<Row, Part>(
  handle: TableReader<Row>,
  key: string,
  select: (row: Row) => Part,
  options?: RowOptions,
): Part | undefined;
export function useRow<Row>(
  handle: TableReader<Row>,
  key: string,
  select: undefined,
  options: RowOptions,
): Row | undefined;
export function useRow<Row, Part>(
  handle: TableReader<Row>,
  key: string,
  select?: (row: Row) => Part,
  { ratePerSecond, paused }: RowOptions = {},
): Row | Part | undefined {
  const row = useMemo(() => handle.row(key, { ratePerSecond, paused }), [handle, key, ratePerSecond, paused]);
  const getPart = useMemo(
    () => memoized(row.snapshot, (now): Row | Part | undefined => (now === undefined || !select ? now : select(now))),
    [row, select],
  );
  return useSyncExternalStore<Row | Part | undefined>(row.subscribe, getPart, row.serverSnapshot);
}
