// A table in a component: subscribed while it is mounted.

import type { TableHandle, TableInterest, TableReader, TableSnapshot, TableWriter } from '@trunkline/client';
import { useMemo, useSyncExternalStore } from 'react';
import { useKeys } from './use-keys.js';

/** A table's snapshot and what can be done with it. The functions are the same for the same handle. */
export type TableView<Row, Input, Write extends 'server' | 'client'> = TableSnapshot<Row> &
  Pick<TableReader<Row>, 'staleMs'> &
  (Write extends 'client' ? TableWriter<Input> : unknown);

/**
 * Shows a table, or the rows of `keys`, and keeps it live while the component is mounted; `state` is `live` when all of these rows are here; renders at most `ratePerSecond` times a second,
 * and when the state changes. Another handle may be given at any render. Options may be written inline: only their values count.
 */
export function useTable<Row, Input = Row, Write extends 'server' | 'client' = 'server'>(
  handle: TableHandle<Row, Input, Write>,
  options: TableInterest = {},
): TableView<Row, Input, Write> {
  const { ratePerSecond, paused } = options;
  const keys = useKeys(options.keys);
  const view = useMemo(
    () => (handle as TableReader<Row>).view({ keys, ratePerSecond, paused }),
    [handle, keys, ratePerSecond, paused],
  );
  const snapshot = useSyncExternalStore(view.subscribe, view.snapshot, view.serverSnapshot);
  return useMemo(() => {
    // Of a table that only the server writes the type has no writing half.
    const { staleMs, set, patch, delete: remove, change } = handle as TableHandle<Row, Input, 'client'>;
    return { ...snapshot, staleMs, set, patch, delete: remove, change } as unknown as TableView<Row, Input, Write>;
  }, [handle, snapshot]);
}
